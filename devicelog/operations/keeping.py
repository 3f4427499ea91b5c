"""Letting readings go by age: each night, some at a time, while they are elsewhere too.

Nothing hurries: what cannot leave tonight is looked at again tomorrow, and told.
"""

import contextlib
import logging
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import msgspec

from devicelog.clock import SECOND
from devicelog.errors import DevicelogError
from devicelog.journal import file, retirement
from devicelog.journal.access import open_reading
from devicelog.journal.directory import JOURNAL
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Draft
from devicelog.model.retirement import Range, RetirementBody
from devicelog.operations.config import Config
from devicelog.records import backup
from devicelog.records.request import Moment
from devicelog.records.retirement import Choice, Limit, backed_up, limits, sentence

BATCH: Final = 1_000  # entries at once: the writer is busy for tens of milliseconds
_DAY_NS: Final = 86_400 * SECOND
_NIGHT: Final = 3  # o'clock at the site
_DURABLE_S: Final = 10.0
_log = logging.getLogger(__name__)


class Append(Protocol):
    """The journal's writer."""

    def __call__(self, drafts: Sequence[Draft], timeout_s: float, /) -> object:
        """Returns once they are durable. Raises JournalError."""


class Keeping:
    """Asked by `look` now and then. `told`: what waits for what, else empty.

    `sinks`: names of the configured ones; `now`: the time, and whether to trust it.
    """

    def __init__(
        self,
        config: Config,
        sinks: Sequence[str],
        append: Append,
        now: Callable[[], Moment],
    ) -> None:
        self.told = ""
        self._config = config
        self._sinks = sinks
        self._append = append
        self._now = now
        self._zone = ZoneInfo(config.site.timezone)
        self._tonight = 0
        self._cutoff = 0  # all up to this number are old enough
        self._after = 0  # all up to this number were looked at tonight
        self._over = False

    def look(self, writing: Lock) -> None:
        """Let some go, if it is time. Never raises.

        `writing` is held by whoever writes on request: no hold comes in between.
        """
        moment = self._now()
        if not self._config.keep.readings_days or not moment.clock_ok:
            return
        night = self._night(moment.at_ns)
        if night == self._tonight and self._over:
            return
        try:
            with writing, Reader(self._config.journal.directory) as view:
                if night != self._tonight:
                    self._tonight, self._after, self._over = night, 0, False
                    self._cutoff = view.before(self._older_than(moment))
                self._over = self._step(view, moment)
        except (DevicelogError, OSError, sqlite3.Error) as error:
            self._tonight, self._over = night, True
            self.told = f"readings stay, though they are old enough: {error}"
            _log.warning("%s", self.told)

    # --- Private ------------------------------------------------------------------

    def _night(self, at_ns: int) -> int:
        """Which night this is; it begins at three."""
        now = datetime.fromtimestamp(at_ns // SECOND, self._zone)
        return now.toordinal() - (now.hour < _NIGHT)

    def _older_than(self, moment: Moment) -> int:
        return moment.at_ns - self._config.keep.readings_days * _DAY_NS

    def _step(self, view: Reader, moment: Moment) -> bool:
        """One batch; whether that was all of tonight."""
        copy = self._newest()
        last = _last_in(copy, view) if copy else None
        found = [*limits(view, self._sinks), backed_up(last, copy.name if copy else "")]
        self._tell(view, found)
        upto = min(self._cutoff, *(it.upto for it in found))
        batch = Choice(view, upto).batch(self._after, BATCH)
        if batch.ranges and copy:
            self._let_go(batch.ranges, copy, moment)
        self._after = batch.after
        return batch.over

    def _tell(self, view: Reader, found: Sequence[Limit]) -> None:
        """A reading that is old enough must be there, or nothing waits."""
        upto = min(it.upto for it in found)
        behind = view.entries(upto, kind="reading", limit=1)
        waits = behind and behind[0].seq <= self._cutoff
        days = self._config.keep.readings_days
        self.told = sentence(days, self._cutoff, found) if waits else ""

    def _newest(self) -> Path | None:
        """The newest backup; it has its name because it was opened and found whole."""
        to = self._config.backup.to
        found = backup.backups(Path(to), self._config.site.name) if to else []
        return found[0] if found else None

    def _let_go(self, ranges: Sequence[Range], copy: Path, moment: Moment) -> None:
        journal = Path(self._config.journal.directory) / JOURNAL
        with contextlib.closing(open_reading(journal)) as db:
            here = retirement.look(db, ranges)
        with contextlib.closing(_opened(copy)) as db:
            there = retirement.look(db, ranges)
        if here != there:
            raise DevicelogError(
                f"the backup {copy.name} does not hold the same",
                hint="say `devicelog db check`, then `devicelog db backup`",
            )
        body = RetirementBody(
            by="devicelog",
            what="readings",
            older_than_ns=self._older_than(moment),
            ranges=tuple(ranges),
            backup=copy.name,
            mono_ns=moment.mono_ns,
            boot_id=moment.boot_id,
            **msgspec.structs.asdict(here),
        )
        key, said = f"retirement/{secrets.token_hex(12)}", codec.encode(body)
        at_ns = moment.at_ns
        draft = Draft(at_ns, "-", "-", "retirement", "", key, said, edge=True)
        self._append([draft], _DURABLE_S)


def _opened(copy: Path) -> sqlite3.Connection:
    return sqlite3.connect(file.uri(copy, "immutable"), uri=True)


def _last_in(copy: Path, view: Reader) -> int | None:
    """The highest number in a backup of this journal; None: it is another's."""
    with contextlib.closing(_opened(copy)) as db:
        if file.meta(db).installation != view.meta().installation:
            return None
        (last,) = db.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
    return int(last)
