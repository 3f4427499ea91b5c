"""Wrapped keys, sealed identities, secrets of users: tables beside the entries.

They are no projections, and unlike entries they can be deleted, for that is how a
patient is forgotten: `secure_delete` leaves zeros where a row was, and the rest of the
table is written anew, for copies of rows that were moved may lie between the others.
What is in them is ciphertext (the key that opens it is not in the journal), or a hash
of what a user of the console knows.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from devicelog.model.flow import Change, Table

TABLES: Final = """
CREATE TABLE keys(
    subject TEXT PRIMARY KEY, value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE identities(
    subject TEXT PRIMARY KEY, value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE user_secrets(
    subject TEXT PRIMARY KEY, value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""
NAMES: Final = ("keys", "identities", "user_secrets")
_PUT: Final = {
    name: f"INSERT OR REPLACE INTO {name} VALUES (?, ?)"  # noqa: S608  (our names)
    for name in NAMES
}
_DELETE: Final = {
    name: f"DELETE FROM {name} WHERE subject = ?"  # noqa: S608
    for name in NAMES
}
_GET: Final = {
    name: f"SELECT value FROM {name} WHERE subject = ?"  # noqa: S608
    for name in NAMES
}


def apply(db: sqlite3.Connection, changes: Sequence[Change]) -> None:
    """Make these, in order, within the open transaction."""
    for it in changes:
        if it.value is None:
            db.execute(_DELETE[it.table], (it.subject,))
        else:
            db.execute(_PUT[it.table], (it.subject, it.value))
    for table in {it.table for it in changes if it.value is None}:
        _write_anew(db, table)


def get(db: sqlite3.Connection, table: Table, subject: str) -> bytes | None:
    """One row's value."""
    row = db.execute(_GET[table], (subject,)).fetchone()
    return bytes(row[0]) if row else None


def copy(source: sqlite3.Connection, target: sqlite3.Connection) -> int:
    """Carry all over from another journal, row by row as far as they can be read.

    How many entries tell of patients whose key or identity could not be read.
    """
    for name in NAMES:
        _rows(source, target, name)
    (lost,) = target.execute(_LOST).fetchone()
    return int(lost)


# Patients that were added and not forgotten, by what the entries say.
_LOST: Final = """
SELECT count(DISTINCT subject) FROM entries
WHERE kind = 'audit' AND instr(body, CAST('"event":"patient_added"' AS BLOB))
AND subject NOT IN (SELECT subject FROM entries WHERE kind = 'tombstone')
AND NOT (subject IN (SELECT subject FROM keys)
    AND subject IN (SELECT subject FROM identities))
"""


def _write_anew(db: sqlite3.Connection, name: str) -> None:
    """The same rows on pages that were zeros: a split page keeps copies of old ones."""
    rows = db.execute(f"SELECT subject, value FROM {name}").fetchall()  # noqa: S608
    db.execute(f"DELETE FROM {name}")  # noqa: S608
    db.executemany(_PUT[name], rows)


def _rows(source: sqlite3.Connection, target: sqlite3.Connection, name: str) -> None:
    """By ranges from both ends: what lies between two damaged pages is lost."""
    for order in ("ASC", "DESC"):
        sql = f"SELECT subject, value FROM {name} ORDER BY subject {order}"  # noqa: S608
        try:
            for row in source.execute(sql):
                put = f"INSERT OR IGNORE INTO {name} VALUES (?, ?)"  # noqa: S608
                target.execute(put, row)
        except (sqlite3.Error, UnicodeError):
            continue
