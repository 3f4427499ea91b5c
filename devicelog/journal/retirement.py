"""Letting entries go: in the transaction of the entry that tells of it, or not at all.

An entry of kind `retirement` names what leaves, and its hash; the ledger hands it in
here once it is written. What does not stand as the entry says stays, and so does all.
"""

import hashlib
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Final

import msgspec

from devicelog.errors import JournalError
from devicelog.journal import chain, delivery, schema
from devicelog.model import codec
from devicelog.model.flow import Entry
from devicelog.model.retirement import Range, RetirementBody

_ROWS: Final = (
    "SELECT seq, at_ns, device, channel, kind, subject, key, body, mac, crc"
    " FROM entries WHERE seq BETWEEN ? AND ? ORDER BY seq"
)
_NEWEST: Final = (
    "INSERT INTO latest SELECT device, kind, seq FROM entries INDEXED BY entries_kind"
    " WHERE device = ? AND kind = ? AND kind <> 'reading' ORDER BY seq DESC LIMIT 1"
)
_ENDS: Final = (
    "INSERT INTO subjects SELECT subject, 0, min(seq), max(seq), 0 FROM entries"
    " INDEXED BY entries_subject WHERE subject = ? AND subject <> '' GROUP BY subject"
)
# In compact JSON this stands for nothing but the key of a body: within a text its
# quotes would be escaped.
_AHEAD: Final = b'"event":"ahead"'


class Leaving(msgspec.Struct, frozen=True):
    """What stands in some ranges; the names are those of a retirement's body."""

    count: int
    sha256: str
    tallies: dict[str, tuple[int, int, int]]
    macs: tuple[tuple[int, bytes], ...] = ()  # of links of the audit chain


def look(
    db: sqlite3.Connection, ranges: Sequence[Range], sessions: Collection[str] = ()
) -> Leaving:
    """All that stands there, each row against its seal. Raises JournalError.

    `sessions`: what leaves is all that is said of these, and bindings ahead that they
    carried out; without, what leaves is readings.
    """
    digest = hashlib.sha256()
    tallies: dict[str, tuple[int, int, int]] = {}
    macs = []
    count = 0
    for entry in _standing(db, ranges):
        digest.update(chain.packed(entry))
        count += 1
        if sessions:
            _belongs(entry, sessions)
            if entry.mac is not None:
                macs.append((entry.seq, entry.mac))
        elif entry.kind != "reading":
            raise JournalError(f"entry {entry.seq} is no reading, and stays")
        elif entry.subject:
            before, first, _ = tallies.get(entry.subject, (0, entry.seq, 0))
            tallies[entry.subject] = (before + 1, first, entry.seq)
    return Leaving(count, digest.hexdigest(), tallies, tuple(macs))


def let_go(db: sqlite3.Connection, entry: Entry) -> None:
    """Delete what this retirement tells of; it is a row already, and in `retired`.

    Raises JournalError where something else stands there: then nothing may be kept of
    the transaction.
    """
    body: RetirementBody = codec.decode(entry.kind, entry.body)
    there = look(db, body.ranges, frozenset(body.sessions))
    macs = tuple((seq, mac) for seq, _, mac in body.links)
    said = Leaving(body.count, body.sha256, body.tallies, macs)
    if there != said or body.count != sum(b - a + 1 for a, b in body.ranges):
        raise JournalError(f"what retirement {entry.seq} tells of is not what stands")
    if body.links and entry.mac is None:
        raise JournalError("records of the audit chain stay: the master key is missing")
    others = _others(db, body) if body.sessions else set()
    for span in body.ranges:
        db.execute("DELETE FROM entries WHERE seq BETWEEN ? AND ?", span)
    if body.sessions:
        _see_whole(db, body.sessions)
        _find_latest(db, body.ranges)
        _find_ends(db, others)
    if body.sink:
        delivery.forget(db, body.sink)


# --- Private ----------------------------------------------------------------------


def _standing(db: sqlite3.Connection, ranges: Sequence[Range]) -> Iterator[Entry]:
    for span in ranges:
        for row in db.execute(_ROWS, span):
            entry = Entry(*row[:-1])
            if schema.seal(entry) != row[-1]:
                raise JournalError(f"entry {entry.seq} is not what was written")
            yield entry


def _belongs(entry: Entry, sessions: Collection[str]) -> None:
    """A session's readings leave before it, by retirements of their own."""
    ahead = entry.kind == "binding" and _AHEAD in entry.body
    if entry.kind == "reading" or not (entry.subject in sessions or ahead):
        raise JournalError(f"entry {entry.seq} is of no such session, and stays")


def _others(db: sqlite3.Connection, body: RetirementBody) -> set[str]:
    """Patients of whom something leaves: what was said ahead is said of them."""
    return {it.subject for it in _standing(db, body.ranges)} - {*body.sessions}


def _see_whole(db: sqlite3.Connection, sessions: Collection[str]) -> None:
    """Nothing may be left of these."""
    sql = "SELECT seq FROM entries WHERE subject = ? AND subject <> '' LIMIT 1"
    for session_id in sessions:
        left = db.execute(sql, (session_id,)).fetchone()
        if left is not None:
            told = f"session {session_id} stays: entry {left[0]} would be left of it"
            raise JournalError(told)


def _find_latest(db: sqlite3.Connection, ranges: Sequence[Range]) -> None:
    """The latest of a kind may have left: then it is the one before."""
    sql = "DELETE FROM latest WHERE seq BETWEEN ? AND ? RETURNING device, kind"
    lacking = [it for span in ranges for it in db.execute(sql, span).fetchall()]
    db.executemany(_NEWEST, lacking)


def _find_ends(db: sqlite3.Connection, patients: Collection[str]) -> None:
    """What was said ahead left: it may have been first or last of its patient."""
    for pseudonym in patients:
        db.execute("DELETE FROM subjects WHERE subject = ?", (pseudonym,))
        db.execute(_ENDS, (pseudonym,))
