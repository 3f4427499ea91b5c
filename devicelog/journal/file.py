"""The journal's file: made whole or not at all, opened one way, its promises asserted.

The one place that opens it for writing. A plain `open` and `close` of the file would
drop the locks that SQLite holds on it in this process; nobody else may do that.
"""

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from devicelog.errors import JournalError, JournalRefused
from devicelog.journal import delivery, keys, projections, schema
from devicelog.journal.directory import sync_directory
from devicelog.journal.ledger import BUSY_MS
from devicelog.journal.schema import Meta

_OLDEST_SQLITE: Final = (3, 37, 0)  # STRICT tables
_WAL_LIMIT: Final = 64 * 1024 * 1024
_BUILDING: Final = ".building"
_EARLY: Final = 1
_PIECE: Final = 1 << 20
_PRIVATE: Final = stat.S_IRUSR | stat.S_IWUSR


def connect(path: Path) -> sqlite3.Connection:
    """The one connection that writes. Raises sqlite3.Error, JournalError."""
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise JournalError(
            f"SQLite {sqlite3.sqlite_version} is too old", hint="3.37 is not"
        )
    path.chmod(_PRIVATE)
    db = sqlite3.connect(
        uri(path, "rw"),
        uri=True,
        isolation_level=None,  # every transaction is begun by us, by name
        check_same_thread=False,  # opened by one thread, then used by another alone
        timeout=BUSY_MS / 1000,
    )
    try:
        _promise(db)
    except BaseException:
        db.close()
        raise
    return db


def write_again(wal: Path) -> None:
    """Make the log durable as it stands, before what it holds is believed.

    A recorder that was killed may have left commits that were never synced, and what a
    failed sync covered, the kernel calls clean: no later sync writes it. So the same
    bytes are written once more in their place, and synced. Raises OSError.
    """
    with contextlib.suppress(FileNotFoundError), wal.open("r+b", buffering=0) as log:
        at = 0
        while piece := os.pread(log.fileno(), _PIECE, at):
            at += os.pwrite(log.fileno(), piece, at)
        os.fsync(log.fileno())


@contextmanager
def building(path: Path, meta: Meta) -> Iterator[sqlite3.Connection]:
    """A new journal, seen at `path` once the block has filled it without an error.

    The block runs inside one transaction of a file that nobody else knows.
    """
    unfinished = path.with_name(path.name + _BUILDING)
    for leftover in (unfinished, unfinished.with_name(unfinished.name + "-journal")):
        leftover.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE))
    unfinished.chmod(_PRIVATE)  # whatever the umask says
    db = sqlite3.connect(uri(unfinished, "rw"), uri=True, isolation_level=None)
    try:
        with contextlib.closing(db):
            db.execute(f"PRAGMA page_size={schema.PAGE_SIZE}")
            db.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={schema.VERSION}")
            tables = (schema, projections, delivery, keys)
            made = "".join(it.TABLES for it in tables)
            db.executescript(f"BEGIN IMMEDIATE; {made}")
            db.execute("INSERT INTO meta VALUES (1, ?, ?)", schema.meta_row(meta))
            yield db
            db.execute("COMMIT")
            _log_ahead(db)
    except BaseException:
        unfinished.unlink()
        raise
    unfinished.rename(path)
    sync_directory(path.parent)


def meta(db: sqlite3.Connection) -> Meta:
    """What this journal is. Raises JournalError where that cannot be read."""
    row = db.execute("SELECT body, crc FROM meta").fetchone()
    if row is None:
        raise JournalError("the journal does not say what it is")
    return schema.read_meta(*row)


def admit(path: Path, *, older: bool = False) -> Meta:
    """What the journal at `path` is, nothing touched.

    Raises JournalRefused where it is foreign, newer, or (unless asked for) older;
    sqlite3.DatabaseError or JournalError where it is damaged.
    """
    found = _whole(path)
    if found.version < schema.VERSION and not older:
        raise JournalRefused(
            f"{path} was written by an older devicelog"
            f" (journal version {found.version}, this program's is {schema.VERSION})",
            hint="stop the recorder, then say `devicelog db migrate`",
        )
    return found


def _log_ahead(db: sqlite3.Connection) -> None:
    """Set WAL mode. Where the disk refuses it, SQLite tells the old mode, no error."""
    (mode,) = db.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise sqlite3.OperationalError(f"the disk keeps the journal in mode {mode}")


def _whole(path: Path) -> Meta:
    try:
        # No lock, no -wal, no -shm. What is asked was written at birth.
        return _admit(path, "immutable")
    except JournalRefused:
        raise
    except (sqlite3.DatabaseError, JournalError):
        # After a power cut in a checkpoint the file is whole with its log alone.
        if not path.with_name(f"{path.name}-wal").exists():
            raise
    return _admit(path, "ro")


def _admit(path: Path, mode: str) -> Meta:
    with contextlib.closing(sqlite3.connect(uri(path, mode), uri=True)) as db:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (application,) = db.execute("PRAGMA application_id").fetchone()
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        if not names:
            raise JournalError("the file is empty")
        ours = application == schema.APPLICATION_ID
        if version == _EARLY and not ours and "entries" in names:
            raise JournalRefused(
                f"{path} was written by an early devicelog that was never released",
                hint="configure another directory; nothing was touched",
            )
        if not ours and not names & {"entries", "meta"}:
            raise JournalRefused(
                f"{path} is an SQLite file of another program",
                hint="move it away, or configure another directory",
            )
        found = meta(db)
        if found.version > schema.VERSION and version == found.version:
            raise JournalRefused(
                f"{path} was written by a newer devicelog"
                f" (journal version {version}, this program knows {schema.VERSION})",
                hint="install that version again; nothing was touched",
            )
        if not ours or version != found.version:
            raise JournalError("the file's header is damaged")
        return found


def uri(path: Path, mode: str) -> str:
    """An SQLite address; `immutable` is a mode here, for files that nobody writes."""
    option = "mode=ro&immutable=1" if mode == "immutable" else f"mode={mode}"
    return f"file:{quote(str(path.absolute()))}?{option}"


def _promise(db: sqlite3.Connection) -> None:
    """Set what durability rests on, and see that it is so."""
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA secure_delete=ON")
    db.execute(f"PRAGMA journal_size_limit={_WAL_LIMIT}")
    # The writer checkpoints itself: SQLite's own would swallow its errors.
    db.execute("PRAGMA wal_autocheckpoint=0")
    promised = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}
    for name, value in promised.items():
        (found,) = db.execute(f"PRAGMA {name}").fetchone()
        if found != value:
            raise JournalError(f"SQLite keeps {name} at {found}, not {value}")
