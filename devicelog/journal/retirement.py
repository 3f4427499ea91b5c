"""Letting entries go: in the transaction of the entry that tells of it, or not at all.

An entry of kind `retirement` names what leaves, and its hash; the ledger hands it in
here once it is written. What does not stand as the entry says stays, and so does all.
"""

import hashlib
import sqlite3
from collections.abc import Sequence
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


class Leaving(msgspec.Struct, frozen=True):
    """What stands in some ranges; the names are those of a retirement's body."""

    count: int
    sha256: str
    tallies: dict[str, tuple[int, int, int]]


def look(db: sqlite3.Connection, ranges: Sequence[Range]) -> Leaving:
    """All that stands there, each row against its seal. Raises JournalError."""
    digest = hashlib.sha256()
    tallies: dict[str, tuple[int, int, int]] = {}
    count = 0
    for span in ranges:
        for row in db.execute(_ROWS, span):
            entry = Entry(*row[:-1])
            if schema.seal(entry) != row[-1]:
                raise JournalError(f"entry {entry.seq} is not what was written")
            digest.update(chain.packed(entry))
            count += 1
            if entry.kind != "reading":
                raise JournalError(f"entry {entry.seq} is no reading, and stays")
            if entry.subject:
                before, first, _ = tallies.get(entry.subject, (0, entry.seq, 0))
                tallies[entry.subject] = (before + 1, first, entry.seq)
    return Leaving(count, digest.hexdigest(), tallies)


def let_go(db: sqlite3.Connection, entry: Entry) -> None:
    """Delete what this retirement tells of; it is a row already, and in `retired`.

    Raises JournalError where something else stands there: then nothing may be kept of
    the transaction.
    """
    body: RetirementBody = codec.decode(entry.kind, entry.body)
    there = look(db, body.ranges)
    said = Leaving(body.count, body.sha256, body.tallies)
    if there != said or body.count != sum(b - a + 1 for a, b in body.ranges):
        raise JournalError(f"what retirement {entry.seq} tells of is not what stands")
    for span in body.ranges:
        db.execute("DELETE FROM entries WHERE seq BETWEEN ? AND ?", span)
    if body.sink:
        delivery.forget(db, body.sink)
