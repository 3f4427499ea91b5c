"""What may leave by age, one class after the other: readings first, then sessions.

Each looks on through the journal by `step`, some entries at a time, and says in `told`
what waits for what.
"""

import contextlib
import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec

from devicelog.clock import SECOND
from devicelog.errors import DevicelogError
from devicelog.journal import chain, file, retirement
from devicelog.journal.access import open_reading
from devicelog.journal.directory import JOURNAL
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Change, Draft
from devicelog.model.retirement import RetirementBody
from devicelog.records import backup
from devicelog.records.request import Moment
from devicelog.records.retirement import Choice, Limit, backed_up, limits, sentence
from devicelog.records.session_retirement import SessionBatch, SessionChoice

BATCH: Final = 1_000  # entries at once: the writer is busy for tens of milliseconds
SESSIONS: Final = 100  # looked at, at once
_DAY_NS: Final = 86_400 * SECOND
_DURABLE_S: Final = 10.0


class Append(Protocol):
    """The journal's writer."""

    def __call__(self, drafts: Sequence[Draft], timeout_s: float, /) -> object:
        """Returns once they are durable. Raises JournalError."""


class Elsewhere(msgspec.Struct, frozen=True):
    """How far what is here is elsewhere too, and in which backup."""

    found: tuple[Limit, ...]
    copy: Path | None

    @property
    def upto(self) -> int:
        """The last number that may leave."""
        return min(it.upto for it in self.found)


def elsewhere(view: Reader, sinks: Sequence[str], to: str, site: str) -> Elsewhere:
    """The newest backup has its name because it was opened and found whole."""
    copies = backup.backups(Path(to), site) if to else []
    copy = copies[0] if copies else None
    last = _last_in(copy, view) if copy else None
    there = backed_up(last, copy.name if copy else "")
    return Elsewhere((*limits(view, sinks), there), copy)


class OldReadings:
    """Readings older than so many days."""

    def __init__(self, directory: str, days: int, append: Append) -> None:
        self.told = ""
        self._directory = directory
        self._days = days
        self._append = append
        self._after = self._cutoff = 0

    def begin(self, view: Reader, moment: Moment) -> None:
        """A night: all up to a number are old enough, and none was looked at."""
        self._after = 0
        self._cutoff = view.before(moment.at_ns - self._days * _DAY_NS)

    def step(self, view: Reader, moment: Moment, there: Elsewhere) -> bool:
        """One batch; whether that was all of tonight."""
        behind = view.entries(there.upto, kind="reading", limit=1)
        waits = behind and behind[0].seq <= self._cutoff
        self.told = sentence(self._days, self._cutoff, there.found) if waits else ""
        upto = min(self._cutoff, there.upto)
        batch = Choice(view, upto).batch(self._after, BATCH)
        if batch.ranges and there.copy:
            left, _ = _same(
                self._directory,
                there.copy,
                RetirementBody(
                    by="devicelog",
                    what="readings",
                    older_than_ns=moment.at_ns - self._days * _DAY_NS,
                    ranges=batch.ranges,
                    backup=there.copy.name,
                    mono_ns=moment.mono_ns,
                    boot_id=moment.boot_id,
                ),
            )
            self._append([_draft(left, moment)], _DURABLE_S)
        self._after = batch.after
        return batch.over


class OldSessions:
    """Whole sessions that began so many days ago.

    `key`: the audit chain's. What leaves is seen to be what its mac is of, for nobody
    can see it afterwards.
    """

    def __init__(
        self, directory: str, days: int, append: Append, key: bytes | None
    ) -> None:
        self.told = ""
        self._directory = directory
        self._days = days
        self._append = append
        self._key = key
        self._after = SessionChoice.START
        self._before_ns = 0
        self._links: chain.Before | None = None

    def begin(self, _: Reader, moment: Moment) -> None:
        """See `OldReadings.begin`."""
        self._after, self._links, self.told = SessionChoice.START, None, ""
        self._before_ns = moment.at_ns - self._days * _DAY_NS

    def step(self, view: Reader, moment: Moment, there: Elsewhere) -> bool:
        """See `OldReadings.step`."""
        choice = SessionChoice(view, there.upto, self._before_ns)
        batch = choice.batch(self._after, SESSIONS)
        if batch.sessions and there.copy:
            self._let_go(batch, there.copy, moment)
        self._after = batch.after
        return batch.over

    def _let_go(self, batch: SessionBatch, copy: Path, moment: Moment) -> None:
        if self._key is None:
            raise DevicelogError(
                "sessions are links of the audit chain, and its key is not there",
                hint="see that `[keys] master_file` names the master key",
            )
        left = self._linked(
            self._key,
            copy,
            RetirementBody(
                by="devicelog",
                what="sessions",
                older_than_ns=self._before_ns,
                ranges=batch.ranges,
                sessions=batch.sessions,
                patients=batch.patients,
                uses=batch.uses,
                backup=copy.name,
                mono_ns=moment.mono_ns,
                boot_id=moment.boot_id,
            ),
        )
        changes = tuple(Change("keys", it, None) for it in batch.keys)
        self._append([_draft(left, moment, changes)], _DURABLE_S)
        if self._links is not None:
            self._links.add(left.links)

    def _linked(self, key: bytes, copy: Path, body: RetirementBody) -> RetirementBody:
        """With all that stands there, and what the chain needs of it."""
        body, left = _same(self._directory, copy, body)
        with contextlib.closing(_journal(self._directory)) as db:
            if self._links is None:
                self._links = chain.Before(db)
            links = chain.proved(db, key, self._links, left.macs)
        return msgspec.structs.replace(body, links=links)


# --- Private ----------------------------------------------------------------------


def _same(
    directory: str, copy: Path, body: RetirementBody
) -> tuple[RetirementBody, retirement.Leaving]:
    """With what stands in its ranges, which must be the same in the backup."""
    sessions = frozenset(body.sessions)
    with contextlib.closing(_journal(directory)) as db:
        here = retirement.look(db, body.ranges, sessions)
    with contextlib.closing(_opened(copy)) as db:
        there = retirement.look(db, body.ranges, sessions)
    if here != there:
        raise DevicelogError(
            f"the backup {copy.name} does not hold the same",
            hint="say `devicelog db check`, then `devicelog db backup`",
        )
    return msgspec.structs.replace(
        body, count=here.count, sha256=here.sha256, tallies=here.tallies
    ), here


def _draft(
    body: RetirementBody, moment: Moment, changes: tuple[Change, ...] = ()
) -> Draft:
    key, said = f"retirement/{secrets.token_hex(12)}", codec.encode(body)
    of = (moment.at_ns, "-", "-", "retirement", "", key, said)
    return Draft(*of, edge=True, changes=changes)


def _journal(directory: str) -> sqlite3.Connection:
    return open_reading(Path(directory) / JOURNAL)


def _opened(copy: Path) -> sqlite3.Connection:
    return sqlite3.connect(file.uri(copy, "immutable"), uri=True)


def _last_in(copy: Path, view: Reader) -> int | None:
    """The highest number in a backup of this journal; None: it is another's."""
    with contextlib.closing(_opened(copy)) as db:
        if file.meta(db).installation != view.meta().installation:
            return None
        (last,) = db.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
    return int(last)
