"""Whether a journal is whole: what its pages, its rows and its witness say of it.

At each opening: pages and indexes fit together (1.5 s for a million entries), the
newest rows say what they were sealed with, and nothing that was acknowledged is
missing. `examine` looks at everything, projections too.
"""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from devicelog.errors import JournalError, JournalRefused
from devicelog.journal import file, projections, retired, schema
from devicelog.journal.retired import Gone
from devicelog.journal.schema import Meta
from devicelog.model.flow import Entry
from devicelog.model.retirement import Range

# A fifth of a second's worth at each opening; `examine` takes all.
NEWEST: Final = 50_000
_PAGE: Final = 10_000
# Each row is sought in each index: with SQLite's own 2 MB that took three times the
# CPU (73 s for 10 million entries; 25 s from 16 MB on). The connection gives it back.
_CACHE_KIB: Final = 32_000
_WORDS: Final = 10  # so many findings are told
# Errors of the disk or of access; all others mean that the file is not what we wrote.
_OUTSIDE: Final = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
# What reading a damaged page can raise beside SQLite's own: texts that are none, values
# of another type than their column's.
_GARBLED: Final = (sqlite3.Error, JournalError, UnicodeError, TypeError, ValueError)
_ROWS: Final = (
    "SELECT seq, at_ns, device, channel, kind, subject, key, body, mac, crc"
    " FROM entries WHERE seq > ? ORDER BY seq LIMIT ?"
)


class Finding(msgspec.Struct, frozen=True):
    """`damage` in words, "" if none was found; `meta` as far as it can be read."""

    meta: Meta | None
    damage: str


class Report(msgspec.Struct, frozen=True):
    """What `examine` found. `lost`: ranges of seq that an earlier salvage missed.

    `damage`: what only a salvage mends; `stale`: projections that are not what the
    entries say, which a rebuild mends.
    """

    entries: int
    last_seq: int
    lost: tuple[tuple[int, int], ...]
    damage: tuple[str, ...]
    stale: tuple[str, ...] = ()


def inspect(path: Path, acknowledged: int) -> Finding:
    """The journal at `path`, nothing touched, before it is opened for writing.

    Raises JournalRefused where it is not ours to open; sqlite3.Error or OSError where
    the disk does not let us look.
    """
    if not path.exists():
        return Finding(None, f"{path.name} is missing")
    try:
        meta = file.admit(path)
    except JournalRefused:
        raise
    except _GARBLED as error:
        return Finding(None, _words(error))
    try:
        with contextlib.closing(_open(path)) as db:
            return Finding(meta, _pages(db) or _newest(db, acknowledged))
    except _GARBLED as error:
        return Finding(meta, _words(error))


def examine(path: Path, seen: Callable[[int], None] = lambda _: None) -> Report:
    """All of it, while a recorder runs or none does; `seen` counts the rows.

    Raises as `inspect`, and JournalError where it does not even say what it is.
    """
    try:
        meta = file.admit(path)
    except JournalRefused:
        raise
    except _GARBLED as error:
        raise JournalError(f"{path} is damaged: {_words(error)}") from error
    with contextlib.closing(_open(path)) as db:
        damage = [it for (it,) in db.execute(f"PRAGMA integrity_check({_WORDS})")]
        if damage == ["ok"]:
            damage = []
        try:
            count, last, found, stale = _entries(db, meta, seen)
        except _GARBLED as error:
            return Report(0, 0, meta.lost, (*damage, _words(error)))
    return Report(count, last, meta.lost, (*damage, *found), stale)


# --- Private ----------------------------------------------------------------------


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file.uri(path, "ro"), uri=True, isolation_level=None)
    db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    return db


def _words(error: Exception) -> str:
    code = getattr(error, "sqlite_errorcode", 0)
    if code & 0xFF in _OUTSIDE:
        raise error
    return str(error)


def _pages(db: sqlite3.Connection) -> str:
    (found,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    return "" if found == "ok" else str(found)


def _newest(db: sqlite3.Connection, acknowledged: int) -> str:
    (last,) = db.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
    floor = file.meta(db).floor
    if max(last, floor) < acknowledged:
        return f"it ends at entry {last}; entry {acknowledged} had been acknowledged"
    for row in db.execute(_ROWS, (last - NEWEST, NEWEST)):
        if schema.seal(Entry(*row[:-1])) != row[-1]:
            return f"entry {row[0]} is not what was written"
    return ""


def _entries(
    db: sqlite3.Connection, meta: Meta, seen: Callable[[int], None]
) -> tuple[int, int, list[str], tuple[str, ...]]:
    """Every row against its seal and its number, and the projections against all."""
    found: list[str] = []
    told = retired.bodies(db)
    gone = Gone(told)
    memory = sqlite3.connect(":memory:", isolation_level=None)
    memory.executescript(projections.TABLES)
    retired.seed(memory, told)
    count = after = 0
    while rows := db.execute(_ROWS, (after, _PAGE)).fetchall():
        entries = [Entry(*row[:-1]) for row in rows]
        for entry, row in zip(entries, rows, strict=True):
            if schema.seal(entry) != row[-1]:
                found.append(f"entry {entry.seq} is not what was written")
            if gone.end_of(entry.seq):
                found.append(f"entry {entry.seq} had left by a retirement")
            for first, last in _missing(meta, gone, after + 1, entry.seq - 1):
                found.append(f"entries {first} to {last} are missing")
            after = entry.seq
        projections.apply(memory, entries)
        count += len(rows)
        seen(len(rows))
    stale = _projections(db, memory, after)
    memory.close()
    return count, after, found, stale


def _missing(meta: Meta, gone: Gone, first: int, last: int) -> list[Range]:
    """Of these numbers, which have no entry, those of which nobody knows why."""
    missing = []
    while first <= last:
        ends = [high for low, high in meta.lost if low <= first <= high]
        if end := max([gone.end_of(first), *ends]):
            first = end + 1
            continue
        starts = [low for low, _ in (*meta.lost, *gone) if first < low <= last]
        end = min(starts, default=last + 1) - 1
        missing.append((first, end))
        first = end + 1
    return missing


def _projections(
    db: sqlite3.Connection, made: sqlite3.Connection, after: int
) -> tuple[str, ...]:
    """Projections that are not what their entries make; taken in one snapshot."""
    db.execute("BEGIN")
    rows = db.execute(_ROWS, (after, -1)).fetchall()
    projections.apply(made, [Entry(*row[:-1]) for row in rows])
    stale = [
        name
        for name in projections.NAMES
        if db.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608  (our names)
        != made.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608
    ]
    db.execute("COMMIT")
    return tuple(stale)
