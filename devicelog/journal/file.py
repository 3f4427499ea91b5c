"""The journal's file: SQLite in WAL mode, synchronous=FULL, one writer in the world.

The directory is 0700 and the file 0600; a lock on the directory keeps a second
recorder out. A journal is born simulated or real and refuses the other kind.
"""

import fcntl
import os
import secrets
import sqlite3
from pathlib import Path
from typing import Final

from devicelog.errors import JournalBusy, JournalError, JournalRefused

NAME: Final = "journal.db"
VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ns INTEGER NOT NULL, device TEXT NOT NULL, channel TEXT NOT NULL,
  kind TEXT NOT NULL, subject TEXT NOT NULL, key TEXT NOT NULL UNIQUE,
  body BLOB NOT NULL, mac BLOB);
CREATE UNIQUE INDEX entries_stamp ON entries (device, channel, at_ns);
CREATE INDEX entries_subject ON entries (subject, seq) WHERE subject <> '';
CREATE INDEX entries_device ON entries (device, kind, seq);
CREATE TRIGGER entries_keep BEFORE DELETE ON entries
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER entries_stand BEFORE UPDATE OF
  seq, at_ns, device, channel, kind, subject, key, body ON entries
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TABLE sessions (
  session_id TEXT PRIMARY KEY, device TEXT, channel TEXT, started_ns INTEGER,
  ended_ns INTEGER, reason TEXT, open INTEGER, settings TEXT, totals TEXT,
  flags TEXT, readings INTEGER, treatment_id TEXT, first_seq INTEGER,
  last_seq INTEGER);
CREATE TABLE devices (device TEXT PRIMARY KEY, line TEXT, text TEXT, identity TEXT);
CREATE TABLE anchors (boot_id TEXT PRIMARY KEY, offset_ns INTEGER);
CREATE TABLE runs (run_id TEXT PRIMARY KEY, boot_id TEXT, stopped INTEGER);
CREATE TABLE alarms (name TEXT PRIMARY KEY, text TEXT, cleared INTEGER, seq INTEGER);
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT);
"""
PROJECTIONS: Final = ("sessions", "devices", "anchors", "runs", "alarms")


class Lock:
    """The directory, locked for one recorder."""

    def __init__(self, directory: str) -> None:
        path = Path(directory)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            who = os.read(self._fd, 20).decode(errors="replace")
            os.close(self._fd)
            raise JournalBusy(
                f"{directory} is recorded into by process {who or 'unknown'}",
                hint="stop it first, or name another directory",
            ) from error
        os.ftruncate(self._fd, 0)
        os.write(self._fd, str(os.getpid()).encode())

    def release(self) -> None:
        """Let others in."""
        os.close(self._fd)


def open_writing(directory: str, *, simulated: bool, site: str) -> sqlite3.Connection:
    """The one read-write connection. The directory's lock must be held."""
    path = Path(directory) / NAME
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            db.close()
            raise JournalRefused(
                f"{path} was written by a newer version ({version}, known {VERSION})",
                hint="install that version; nothing was touched",
            )
        mode = db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA secure_delete=ON")
        db.execute("PRAGMA journal_size_limit=67108864")
        if mode != "wal" or db.execute("PRAGMA synchronous").fetchone()[0] != 2:  # noqa: PLR2004
            raise JournalError(f"{path} cannot be kept durable here (mode {mode})")
        if version == 0:
            _create(db, simulated=simulated, site=site)
        _check_whole(db, path)
    except sqlite3.DatabaseError as error:
        raise JournalError(
            f"{path} cannot be opened: {error}",
            hint="keep the file; it may be salvaged",
        ) from error
    _check_kind(db, simulated=simulated)
    return db


def _check_whole(db: sqlite3.Connection, path: Path) -> None:
    """Refuse a file whose pages do not fit together (0.5 s for a million entries)."""
    (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        db.close()
        raise JournalError(
            f"{path} is damaged: {found}",
            hint="keep the file and its -wal; record into another directory meanwhile",
        )


def _create(db: sqlite3.Connection, *, simulated: bool, site: str) -> None:
    meta = {
        "installation": secrets.token_hex(16),
        "simulated": str(int(simulated)),
        "site": site,
    }
    db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version={VERSION};")
    db.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    db.execute("COMMIT")


def _check_kind(db: sqlite3.Connection, *, simulated: bool) -> None:
    row = db.execute("SELECT value FROM meta WHERE name='simulated'").fetchone()
    if bool(int(row[0])) != simulated:
        db.close()
        kinds = ("real", "simulated")
        raise JournalRefused(
            f"this journal is {kinds[not simulated]}, the site {kinds[simulated]}",
            hint="name another directory; the two never mix",
        )
