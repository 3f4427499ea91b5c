"""How far each sink has come, and what it set aside: tables beside the entries.

They are no projections: no entry tells them. Lost, they only mean sending again.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from devicelog.model.delivery import Position, Progress, Reject

TABLES: Final = """
CREATE TABLE relays(
    sink TEXT PRIMARY KEY, position BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE rejects(
    sink TEXT, seq INTEGER, reason TEXT NOT NULL, PRIMARY KEY (sink, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE waiting(
    sink TEXT, seq INTEGER, PRIMARY KEY (sink, seq)
) STRICT, WITHOUT ROWID;
"""
NAMES: Final = ("relays", "rejects", "waiting")


def apply(db: sqlite3.Connection, progress: Sequence[Progress]) -> None:
    """Take these in, in order, within the open transaction."""
    for it in progress:
        db.execute(
            "INSERT INTO relays VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET position = excluded.position",
            (it.sink, msgspec.json.encode(it.position)),
        )
        db.executemany(
            "INSERT INTO rejects VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET reason = excluded.reason",
            ((it.sink, reject.seq, reject.reason) for reject in it.rejects),
        )
        db.executemany(
            "INSERT INTO waiting VALUES (?, ?) ON CONFLICT DO NOTHING",
            ((it.sink, seq) for seq in it.waiting),
        )
        db.executemany(
            "DELETE FROM waiting WHERE sink = ? AND seq = ?",
            ((it.sink, seq) for seq in it.arrived),
        )


def forget(db: sqlite3.Connection, sink: str) -> None:
    """Nothing waits for this sink any more, and nothing tells how far it had come."""
    for name in NAMES:
        db.execute(f"DELETE FROM {name} WHERE sink = ?", (sink,))  # noqa: S608


def position(db: sqlite3.Connection, sink: str) -> Position:
    """How far this sink has come; at the beginning if nothing is known."""
    sql = "SELECT position FROM relays WHERE sink = ?"
    row = db.execute(sql, (sink,)).fetchone()
    return msgspec.json.decode(row[0], type=Position) if row else Position()


def sinks(db: sqlite3.Connection) -> list[str]:
    """Those that ever took something."""
    return [name for (name,) in db.execute("SELECT sink FROM relays ORDER BY sink")]


def rejected(db: sqlite3.Connection, sink: str) -> int:
    """How many entries were set aside for good."""
    sql = "SELECT count(*) FROM rejects WHERE sink = ?"
    return int(db.execute(sql, (sink,)).fetchone()[0])


def rejects(db: sqlite3.Connection, sink: str, limit: int) -> list[Reject]:
    """Entries set aside, the newest first."""
    sql = "SELECT seq, reason FROM rejects WHERE sink = ? ORDER BY seq DESC LIMIT ?"
    return [Reject(*row) for row in db.execute(sql, (sink, limit))]


def waiting(db: sqlite3.Connection, sink: str, limit: int, after: int = 0) -> list[int]:
    """Entries that wait until their time is known, oldest first."""
    sql = "SELECT seq FROM waiting WHERE sink = ? AND seq > ? ORDER BY seq LIMIT ?"
    return [seq for (seq,) in db.execute(sql, (sink, after, limit))]


def set_aside(db: sqlite3.Connection, sink: str, first: int, last: int) -> set[int]:
    """Entries of this range that the sink will never take."""
    sql = "SELECT seq FROM rejects WHERE sink = ? AND seq BETWEEN ? AND ?"
    return {seq for (seq,) in db.execute(sql, (sink, first, last))}


def copy(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Carry all of it over from another journal, as far as it can be read."""
    for name in NAMES:
        try:
            rows = source.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608
        except (sqlite3.Error, UnicodeError):
            continue
        for row in rows:
            places = ", ".join("?" * len(row))
            sql = f"INSERT OR IGNORE INTO {name} VALUES ({places})"  # noqa: S608
            target.execute(sql, row)
