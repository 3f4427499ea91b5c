"""Backups: a copy of the journal as it stood at one moment, whole or not at all.

Taken by SQLite's own backup from a connection that only reads, while a recorder runs:
the copy is of one snapshot. It counts once it was opened and found whole; until then
its name ends in `.partial`. The master key is never in it.
"""

import contextlib
import os
import re
import sqlite3
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from devicelog.errors import DevicelogError
from devicelog.journal import chain, file, schema
from devicelog.journal.access import open_reading
from devicelog.journal.directory import JOURNAL, sync_directory

LIST: Final = "forgotten.json"
_PARTIAL: Final = ".partial"
_PIECE: Final = 2_000  # pages between two reports
_SPARE: Final = 1.1
_DAY_S: Final = 86_400


class Stated(msgspec.Struct, frozen=True):
    """What a journal is and how far it goes; a copy must state the same.

    `key_id` tells which master key its chain was begun with.
    """

    meta: schema.Meta
    entries: int
    last_seq: int
    head: str
    key_id: str


class Made(msgspec.Struct, frozen=True):
    """A backup that was opened and found whole."""

    path: str
    entries: int
    last_seq: int
    head: str
    size: int


def make(
    directory: str,
    to: Path,
    now: datetime,
    seen: Callable[[int, int], None] = lambda *_: None,
) -> Made:
    """Copy the journal into this folder; `seen` counts pages still to be copied.

    Raises DevicelogError where it cannot be written or does not come out whole.
    """
    journal = Path(directory) / JOURNAL
    _see_it_fits(journal, to)
    with contextlib.closing(open_reading(journal)) as source:
        source.execute("BEGIN")  # one snapshot, however long it takes
        stated = state(source)
        name = f"{stated.meta.site}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.db"
        partial = to / f"{name}.{os.getpid()}{_PARTIAL}"
        try:
            _clear(to, stated.meta.site, now)
            _copy(source, partial, seen)
            found = examine(partial)
            if found != stated:
                raise DevicelogError(f"the backup {partial} is not what was copied")
            partial.rename(to / name)
            sync_directory(to)
        except (sqlite3.Error, OSError) as error:
            raise DevicelogError(
                f"the backup {partial} cannot be written: {error}",
                hint="is that disk full, mounted, and writable for this user?",
            ) from error
    size = (to / name).stat().st_size
    told = (stated.entries, stated.last_seq, stated.head)
    return Made(str(to / name), *told, size)


def examine(path: Path) -> Stated:
    """Open a backup, look at every page. Raises DevicelogError where it is damaged."""
    try:
        uri = file.uri(path, "immutable")
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as db:
            (found,) = db.execute("PRAGMA integrity_check(1)").fetchone()
            if found == "ok":
                return state(db)
    except (sqlite3.Error, DevicelogError) as error:
        found = str(error)
    raise DevicelogError(
        f"{path} is no whole journal: {found}", hint="take another one"
    )


def state(db: sqlite3.Connection) -> Stated:
    """What an open journal states of itself."""
    count, last = db.execute("SELECT count(*), max(seq) FROM entries").fetchone()
    newest = chain.last(db)
    head = f"{newest[0]}:{newest[1].hex()}" if newest else ""
    return Stated(file.meta(db), count, last or 0, head, chain.begun_with(db))


def backups(to: Path, site: str) -> list[Path]:
    """Whole ones of this site, the newest first."""
    return sorted((it for it in _named(to, site) if it.is_file()), reverse=True)


def taken_at(path: Path) -> datetime:
    """When a backup was begun, by its name."""
    words = path.stem.rpartition("-")[2]
    return datetime.strptime(words, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def rotate(to: Path, site: str, keep: int) -> list[Path]:
    """Delete all but the newest; those that were deleted."""
    gone = backups(to, site)[keep:]
    for path in gone:
        path.unlink()
    return gone


def put(path: Path, content: bytes) -> None:
    """Write a small file whole or not at all, 0600, durably, over an older one."""
    partial = path.with_name(path.name + _PARTIAL)
    partial.unlink(missing_ok=True)
    handle = _private(partial)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    partial.rename(path)
    sync_directory(path.parent)


# --- Private ----------------------------------------------------------------------


def _see_it_fits(journal: Path, to: Path) -> None:
    if not to.is_dir():
        raise DevicelogError(
            f"there is no directory {to}", hint="is its disk mounted? else make it"
        )
    if not journal.exists():
        return  # opening it says so better
    at = os.statvfs(to)
    wanted = round(journal.stat().st_size * _SPARE)
    if at.f_bavail * at.f_frsize < wanted:
        raise DevicelogError(
            f"{to} has no room for a backup of {wanted / 1e6:.0f} MB",
            hint="free some, or lower `[backup] keep`",
        )


def _named(to: Path, site: str, ending: str = "") -> Iterator[Path]:
    """Files of this site alone: `sim-a-2` is another one than `sim-a`."""
    form = re.compile(rf"{re.escape(site)}-\d{{8}}T\d{{6}}Z\.db{ending}")
    return (it for it in to.glob("*") if form.fullmatch(it.name))


def _clear(to: Path, site: str, now: datetime) -> None:
    """Delete what earlier backups left; what another process still writes stays."""
    for leftover in _named(to, site, rf"(\.\d+)?{re.escape(_PARTIAL)}"):
        with contextlib.suppress(FileNotFoundError):  # its writer was done with it
            old = now.timestamp() - leftover.stat().st_mtime > _DAY_S
            if old or not _lives(leftover.name.split(".")[-2]):
                leftover.unlink()


def _lives(pid: str) -> bool:
    """Whether such a process runs; what has no number in its name was left long ago."""
    if not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True  # another user's
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _copy(
    source: sqlite3.Connection, partial: Path, seen: Callable[[int, int], None]
) -> None:
    os.close(_private(partial))
    uri = file.uri(partial, "rw")
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as target:
        source.backup(
            target, pages=_PIECE, progress=lambda _, left, total: seen(left, total)
        )
    handle = os.open(partial, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _private(path: Path) -> int:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    return os.open(path, flags, stat.S_IRUSR | stat.S_IWUSR)
