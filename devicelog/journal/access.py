"""Opening a journal to read, whoever asks and whatever its disk is like."""

import os
import pwd
import sqlite3
from pathlib import Path
from typing import Final

from devicelog.errors import JournalError, JournalRefused
from devicelog.journal import file, schema
from devicelog.journal.directory import WAL

_BUSY_S: Final = 5.0


def open_reading(path: Path) -> sqlite3.Connection:
    """A connection that only reads, while a recorder runs or none does.

    Raises JournalError and says what to do; sqlite3.Error where the file is damaged.
    """
    _admit(path)
    db = _try(path, "ro")
    if db is None and not _has_wal(path):
        # No recorder runs and the directory cannot be written (not ours, or the
        # disk is full): there is no -wal, so the file alone says everything.
        db = _try(path, "immutable")
    if db is None:
        raise JournalError(
            f"the journal in {path.parent} cannot be opened",
            hint="is its disk full? free some space, or start the recorder",
        )
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > schema.VERSION:
        db.close()
        raise JournalRefused(
            f"{path} was written by a newer devicelog",
            hint="use that version to read it",
        )
    if version < schema.VERSION:
        db.close()
        raise JournalRefused(
            f"{path} was written by an older devicelog",
            hint="stop the recorder, then say `devicelog db migrate`",
        )
    return db


def _admit(path: Path) -> None:
    """Say in words what SQLite would call "unable to open database file"."""
    directory = path.parent
    try:
        path.stat()
        readable = os.access(path, os.R_OK)
    except FileNotFoundError:
        raise JournalError(
            f"there is no journal in {directory}",
            hint="the recorder makes it: `devicelog run`; or see that"
            " `[journal] directory` names the right one",
        ) from None
    except PermissionError:
        readable = False
    if not readable:
        raise JournalError(
            f"{directory} may not be read by this user",
            hint=f"say `sudo -u {_owner(directory)} devicelog ...`",
        )


def _has_wal(path: Path) -> bool:
    wal = path.with_name(WAL)
    return wal.exists() and wal.stat().st_size > 0  # an attempt leaves it empty


def _try(path: Path, mode: str) -> sqlite3.Connection | None:
    """None where SQLite cannot open the file so."""
    db = sqlite3.connect(
        file.uri(path, mode), uri=True, isolation_level=None, timeout=_BUSY_S
    )
    try:
        db.execute("SELECT 1 FROM meta").fetchone()
    except sqlite3.OperationalError:
        db.close()
        return None
    except BaseException:
        db.close()
        raise
    return db


def _owner(directory: Path) -> str:
    """Whose the directory is, or as whom the recorder usually runs."""
    try:
        return pwd.getpwuid(directory.stat().st_uid).pw_name
    except (OSError, KeyError):
        return "devicelog"
