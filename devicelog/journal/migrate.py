"""From an older layout of the journal to this program's: a backup, one transaction.

`steps` holds one step from each version to the next. A step changes tables and may
read entries; what entries say is never changed. Projections are made anew at the end,
so no step cares for them. Whatever goes wrong, the journal stays as it was.
"""

import contextlib
import os
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from devicelog.clock import SECOND, Clock, SystemClock
from devicelog.errors import DevicelogError, JournalError, JournalRefused
from devicelog.journal import file, projections, schema
from devicelog.journal.directory import Directory, sync_directory
from devicelog.journal.steps import STEPS, Step

BACKUPS: Final = "backups"
_PRIVATE_FILE: Final = 0o600
_PRIVATE: Final = 0o700
_MS: Final = 1_000_000
_ROOM: Final = 2  # times the journal's size: the backup, and the log of the change


class Migrated(msgspec.Struct, frozen=True):
    """From which version to which; `backup` is empty where nothing was to be done."""

    before: int
    after: int
    entries: int
    backup: str = ""


def migrate(
    directory: str,
    *,
    migrations: Mapping[int, Step] = STEPS,
    clock: Clock | None = None,
) -> Migrated:
    """Bring the journal to this program's version; no recorder may run.

    Raises JournalBusy, JournalRefused for a journal that is not ours, newer, or too old
    for a way to lead here, JournalError for anything else: then nothing has changed.
    """
    held = Directory(directory)
    if not held.journal.exists():
        raise JournalError(f"there is no journal in {directory}")
    held.take()
    try:
        file.admit(held.journal, older=True)
        file.write_again(held.wal)
        with contextlib.closing(file.connect(held.journal)) as db:
            return _migrate(db, held, migrations, clock or SystemClock())
    except (sqlite3.Error, OSError) as error:
        raise JournalError(
            f"the journal in {directory} cannot be migrated: {error}",
            hint="it is as it was; is the disk full? `devicelog db check` says more",
        ) from error
    finally:
        held.release()


# --- Private ----------------------------------------------------------------------


def _migrate(
    db: sqlite3.Connection,
    held: Directory,
    migrations: Mapping[int, Step],
    clock: Clock,
) -> Migrated:
    meta = file.meta(db)
    before, after = meta.version, schema.VERSION
    (entries,) = db.execute("SELECT count(*) FROM entries").fetchone()
    if before == after:
        # A change that a crash left in the log alone is told by the file from now on.
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return Migrated(before, after, entries)
    missing = [n for n in range(before, after) if n not in migrations]
    if missing:
        raise JournalRefused(
            f"no way leads from version {missing[0]} of the journal to {after}",
            hint="migrate with a devicelog of the years between first",
        )
    backup = _backup(db, held, before, clock)
    db.execute("BEGIN IMMEDIATE")
    try:
        for version in range(before, after):
            migrations[version](db)
        projections.rebuild(db)
        _finish(db, meta, entries)
        db.execute("COMMIT")
    except BaseException as error:
        db.execute("ROLLBACK")
        if isinstance(error, (sqlite3.Error, OSError, DevicelogError)):
            raise
        raise JournalError(
            f"version {before} of the journal cannot be brought to {after}: {error!r}",
            hint=f"it is as it was, and so is its backup {backup}",
        ) from error
    # What a journal is, is read from its file alone.
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Migrated(before, after, entries, str(backup))


def _finish(db: sqlite3.Connection, meta: schema.Meta, entries: int) -> None:
    """Say the new version, and see that no entry is lost and all fits together."""
    renewed = msgspec.structs.replace(meta, version=schema.VERSION)
    db.execute("UPDATE meta SET body = ?, crc = ?", schema.meta_row(renewed))
    db.execute(f"PRAGMA user_version={schema.VERSION}")
    (left,) = db.execute("SELECT count(*) FROM entries").fetchone()
    if left != entries:
        raise JournalError(f"of {entries} entries {left} would be left")
    (found,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise JournalError(f"the journal would not be whole: {found}")


def _backup(
    db: sqlite3.Connection, held: Directory, version: int, clock: Clock
) -> Path:
    """A copy of the whole journal, durable and looked at. Raises JournalError."""
    size = held.journal.stat().st_size
    if held.free() < _ROOM * size:
        raise JournalError(
            f"{held.path} has {held.free()} bytes left; {_ROOM * size} are needed",
            hint="free some space: a backup is made before anything is changed",
        )
    folder = held.path / BACKUPS
    folder.mkdir(mode=_PRIVATE, exist_ok=True)
    seconds, rest_ns = divmod(clock.wall_ns(), SECOND)
    moment = datetime.fromtimestamp(seconds, UTC)
    name = f"journal-v{version}-{moment:%Y%m%dT%H%M%S}.{rest_ns // _MS:03d}Z.db"
    path = folder / name
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _PRIVATE_FILE)
    try:
        with contextlib.closing(sqlite3.connect(file.uri(path, "rw"), uri=True)) as to:
            db.backup(to)
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_directory(folder)
    sync_directory(held.path)
    _see(path, db)
    return path


def _see(path: Path, db: sqlite3.Connection) -> None:
    """Raise JournalError unless the copy is whole and holds the same entries."""
    asked = "SELECT count(*), coalesce(max(seq), 0), sum(crc) FROM entries"
    with contextlib.closing(
        sqlite3.connect(file.uri(path, "immutable"), uri=True)
    ) as it:
        (found,) = it.execute("PRAGMA integrity_check(1)").fetchone()
        same = it.execute(asked).fetchone() == db.execute(asked).fetchone()
    if found != "ok" or not same:
        raise JournalError(
            f"the backup {path} is not what the journal is; nothing was changed",
            hint="is the disk failing (`dmesg`)?",
        )
