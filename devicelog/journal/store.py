"""The journal as its writer holds it: directory, ballast, file, ledger, together.

Used by one thread at a time. Everything here may raise sqlite3.Error or OSError when
the disk fails; what to do then is `trouble`'s business.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Sequence
from typing import Final

from devicelog.clock import Clock
from devicelog.errors import ConfigError, JournalError, JournalRefused
from devicelog.journal import check, file, notices, salvage, schema
from devicelog.journal.ballast import Ballast
from devicelog.journal.chain import Chain
from devicelog.journal.directory import Directory
from devicelog.journal.ledger import Answer, Ledger
from devicelog.journal.notices import Notices
from devicelog.journal.settings import JournalSettings
from devicelog.model.delivery import Progress
from devicelog.model.flow import Draft

_log = logging.getLogger(__name__)

SIMULATED_PREFIX: Final = "sim-"
# A commit takes some eight pages, and an entry in a large one a quarter of a page: the
# -wal stays near 16 MiB, and short what must be recovered after a crash.
_CHECKPOINT: Final = 16_000
_COMMIT: Final = 32
# Without the ballast the -wal must not take the space that the entries need.
_TIGHT: Final = 500


class Store:
    """Held from `open` to `close`. What a person must know waits in `notices`.

    `thorough`: opening looks at every entry, not at the newest alone.
    """

    def __init__(
        self,
        settings: JournalSettings,
        *,
        simulated: bool,
        site: str,
        clock: Clock,
        thorough: bool = False,
        chain_key: bytes | None = None,
    ) -> None:
        if site.startswith(SIMULATED_PREFIX) != simulated:
            raise ConfigError(
                f'site "{site}" cannot be {"simulated" if simulated else "real"}',
                hint=f'a simulated site\'s name begins with "{SIMULATED_PREFIX}",'
                " no other does",
            )
        self._simulated = simulated
        self._site = site
        self._thorough = thorough
        self._chain_key = chain_key
        self._clock = clock
        self.directory = Directory(settings.directory)
        self.ballast = Ballast(self.directory, settings.ballast_mb)
        self.notices = Notices(clock)
        self._db: sqlite3.Connection | None = None
        self._ledger: Ledger | None = None
        self._since_checkpoint = 0

    def open(self) -> None:
        """Lock, open, verify. Raises JournalError; then nothing is held."""
        try:
            self.directory.take()
            if self.ballast.release_if_tight():
                text = "the disk is full; the ballast was given up to start at all"
                self.notices.raised(notices.DISK_FULL, text, "free disk space")
            self._ledger = self._open()
            self.ballast.make()
        except (sqlite3.Error, OSError) as error:
            raise JournalError(
                f"the journal in {self.directory.path} cannot be opened: {error}",
                hint="is the disk full, or failing (`dmesg`)?",
            ) from error
        finally:
            if self._ledger is None:
                self.drop()
                self.directory.release()

    def commit(
        self, groups: Sequence[Sequence[Draft]], progress: Sequence[Progress] = ()
    ) -> list[Answer]:
        """See `Ledger.commit`. Opens and verifies anew after a `drop`."""
        if self._ledger is None:
            self._ledger = self._open()
        answers = self._ledger.commit(groups, progress)
        self.directory.acknowledge(self._ledger.committed)
        self._since_checkpoint += _COMMIT + sum(map(len, groups))
        return answers

    def settle(self, *, idle: bool) -> None:
        """Checkpoint if there is reason to (an idle moment is one); see to ballast."""
        if self._ledger is not None:
            often = _TIGHT if self.ballast.wanting else _CHECKPOINT
            due = 0 if idle else often
            if self._since_checkpoint > due:
                self._ledger.checkpoint()
                self._since_checkpoint = 0
        if idle and self.ballast.make():
            self.notices.cleared(notices.DISK_FULL, "there is space again")

    def scrub(self) -> bool:
        """Leave no byte of what was deleted; False while a reader still sees it.

        The file's own pages were overwritten as the rows went; the log is cut here.
        """
        return self._ledger is not None and self._ledger.scrub()

    @property
    def committed(self) -> int:
        """The last durable seq."""
        return self._ledger.committed if self._ledger else 0

    def drop(self) -> None:
        """Close the connection; the next commit opens and verifies anew."""
        db, self._db, self._ledger = self._db, None, None
        if db is not None:
            with contextlib.suppress(sqlite3.Error):
                db.close()

    def close(self) -> None:
        """In order: all entries in the journal's own file, the directory released."""
        try:
            if self._ledger is not None:
                self._ledger.checkpoint("TRUNCATE")
        except (sqlite3.Error, OSError):
            _log.exception("the journal was not closed in order; nothing is lost")
        finally:
            self.drop()
            self.directory.release()

    # --- Private ------------------------------------------------------------------

    def _open(self) -> Ledger:
        path = self.directory.journal
        salvage.finish(self.directory)
        born = schema.born(
            simulated=self._simulated, site=self._site, at_ns=self._clock.wall_ns()
        )
        if not (path.exists() or self.directory.acknowledged):
            with file.building(path, born):
                pass
        file.write_again(self.directory.wal)
        found = check.inspect(path, self.directory.acknowledged)
        if found.meta is not None:
            self._accept(found.meta)
        damage = found.damage
        if self._thorough and not damage:
            damage = "; ".join(check.examine(path).damage)
        if damage:
            self._salvage(damage, found.meta, born)
        meta = file.admit(path)
        self._accept(meta)
        self._db = file.connect(path)
        chain = Chain(self._chain_key) if self._chain_key else None
        ledger = Ledger(self._db, meta.floor, self.notices.conflict, chain)
        at_ns = self._clock.wall_ns()
        ledger.begin_chain(at_ns, clock_ok=self.notices.believes(at_ns))
        return ledger

    def _salvage(
        self, damage: str, meta: schema.Meta | None, born: schema.Meta
    ) -> None:
        _log.error("the journal is damaged: %s; salvaging", damage)
        outcome = salvage.salvage(self.directory, meta, born)
        self.notices.raised(
            notices.SALVAGED,
            f"the journal was damaged ({damage}); {outcome.text}",
            "see that the backup is good and the disk sound, then keep or remove"
            " the quarantine by hand",
        )

    def _accept(self, meta: schema.Meta) -> None:
        if meta.simulated != self._simulated:
            held, asked = "real", "simulated"
            if meta.simulated:
                held, asked = asked, held
            raise JournalRefused(
                f"{self.directory.path} holds a {held} journal;"
                f" it takes no {asked} data",
                hint="configure another `[journal] directory`",
            )
        if meta.site != self._site:
            raise JournalRefused(
                f"{self.directory.path} holds the journal of site {meta.site},"
                f" not of {self._site}",
                hint="give the site its name back, or configure another directory",
            )
