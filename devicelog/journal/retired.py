"""Which numbers have no entry any more: what left by a retirement, as a projection.

It is the one door to deleting an entry: the table's trigger lets go what is in here.
"""

import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from devicelog.model import codec
from devicelog.model.flow import Entry
from devicelog.model.retirement import Range, RetirementBody, Use

TABLES: Final = """
CREATE TABLE retired(
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, seq INTEGER NOT NULL
);
"""
NAMES: Final = ("retired",)
# Projections in which a session has a row: it leaves them whole.
_OF_SESSIONS: Final = (
    ("sessions", "session_id"),
    ("heads", "session_id"),
    ("subjects", "subject"),
    ("bindings", "session_id"),
    ("purposes", "session_id"),
    ("annotations", "session_id"),
)


class _Sums(msgspec.Struct, frozen=True):
    """What is counted of a retirement. Its links, by far the most, are not read."""

    patients: dict[str, tuple[int, int]] = {}
    uses: dict[str, Use] = {}


class Departed(msgspec.Struct, frozen=True):
    """So many whole sessions left by age; the newest of them began at `newest_ns`."""

    sessions: int = 0
    newest_ns: int = 0

    def since(self, from_ns: int) -> "Departed":
        """The same, unless all of them began before then."""
        return self if self.newest_ns >= from_ns else Departed()


_read: Final = msgspec.json.Decoder(_Sums).decode


def tell(db: sqlite3.Connection, entry: Entry, body: RetirementBody) -> None:
    """Take in one retirement."""
    db.executemany(
        "INSERT INTO retired VALUES (?, ?, ?)",
        ((first, last, entry.seq) for first, last in body.ranges),
    )
    db.executemany(
        "UPDATE subjects SET retired = retired + ? WHERE subject = ?",
        ((count, session) for session, (count, _, _) in body.tallies.items()),
    )
    for name, column in _OF_SESSIONS:
        db.executemany(
            f"DELETE FROM {name} WHERE {column} = ?",  # noqa: S608  (our names)
            ((session,) for session in body.sessions),
        )


def seed(db: sqlite3.Connection, bodies: Iterable[RetirementBody]) -> None:
    """Count the readings that left, before all entries that stand are counted."""
    db.executemany(
        "INSERT INTO subjects(subject, readings, first_seq, last_seq)"
        " VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " readings = readings + excluded.readings,"
        " first_seq = min(first_seq, excluded.first_seq),"
        " last_seq = max(last_seq, excluded.last_seq)",
        (
            (session, *tally)
            for body in bodies
            for session, tally in body.tallies.items()
        ),
    )


def is_gone(db: sqlite3.Connection, seq: int) -> bool:
    """Whether this number is in what a retirement told of."""
    sql = "SELECT last FROM retired WHERE first <= ? ORDER BY first DESC LIMIT 1"
    row = db.execute(sql, (seq,)).fetchone()
    return row is not None and bool(row[0] >= seq)


def bodies(
    db: sqlite3.Connection, *, linked_only: bool = False
) -> list[RetirementBody]:
    """What all retirements say, in order, from the entries themselves.

    `linked_only`: those alone that are links of the audit chain, which it proves.
    """
    rows = db.execute(
        "SELECT body FROM entries INDEXED BY entries_kind"
        " WHERE kind = 'retirement' AND kind <> 'reading'"
        " AND (NOT ? OR mac IS NOT NULL) ORDER BY seq",
        (linked_only,),
    )
    return [codec.decode("retirement", body) for (body,) in rows]


def departed(db: sqlite3.Connection, pseudonym: str | None = None) -> Departed:
    """Whole sessions that left: of this patient, or of everybody and nobody."""
    found = [
        told
        for it in _sums(db)
        for code, told in it.patients.items()
        if pseudonym in (None, code)
    ]
    newest_ns = max((at_ns for _, at_ns in found), default=0)
    return Departed(sum(count for count, _ in found), newest_ns)


def uses(db: sqlite3.Connection) -> dict[str, Use]:
    """What sessions that left add to the sums of each device."""
    sums: dict[str, Use] = {}
    for it in _sums(db):
        for device, (count, emission_s, faults, lost) in it.uses.items():
            was = sums.get(device, (0, 0.0, 0, 0))
            sums[device] = (
                *(was[0] + count, was[1] + emission_s),
                *(was[2] + faults, was[3] + lost),
            )
    return sums


def _sums(db: sqlite3.Connection) -> Iterator[_Sums]:
    rows = db.execute(
        "SELECT body FROM entries INDEXED BY entries_kind"
        " WHERE kind = 'retirement' AND kind <> 'reading' ORDER BY seq"
    )
    for (body,) in rows:
        yield _read(body)


class Gone:
    """The numbers that some retirements told of."""

    def __init__(self, told: Iterable[RetirementBody]) -> None:
        self._ranges: list[Range] = sorted(it for body in told for it in body.ranges)

    def __iter__(self) -> Iterator[Range]:
        return iter(self._ranges)

    def end_of(self, seq: int) -> int:
        """The last number of the range in which this one lies; 0: it did not leave."""
        n = bisect_right(self._ranges, (seq, 1 << 63)) - 1
        last = self._ranges[n][1] if n >= 0 else 0
        return last if last >= seq else 0

    def covers(self, first: int, last: int) -> bool:
        """Whether all numbers from this to that one left."""
        while first <= last and (end := self.end_of(first)):
            first = end + 1
        return first > last
