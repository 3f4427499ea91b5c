"""A connection that only reads, and how anything is asked through it."""

import contextlib
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import msgspec

from devicelog.errors import JournalDamaged, JournalError
from devicelog.journal import schema
from devicelog.journal.access import open_reading
from devicelog.journal.directory import JOURNAL
from devicelog.journal.rows import made
from devicelog.model.flow import Entry

# The file is not what was written; all else is of the disk, or of access.
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_T = TypeVar("_T", bound=msgspec.Struct)


class Asking:
    """A context manager, for one thread; `reader.Reader` says what may be asked.

    No snapshot is held between two questions. `sealed`: each entry is held against
    what it was sealed with, a microsecond each. Raises JournalError; JournalDamaged
    where what is asked for is not as it was written.
    """

    def __init__(self, directory: str, *, sealed: bool = False) -> None:
        self._path = Path(directory) / JOURNAL
        self._sealed = sealed
        self._db: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        try:
            self._db = open_reading(self._path)
        except sqlite3.Error as error:
            raise self._told(error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    # --- Private ------------------------------------------------------------------

    @property
    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            raise JournalError("the reader is closed", hint="use it in a `with` block")
        return self._db

    def _entry(self, query: str, *asked: object) -> Entry | None:
        return next(iter(self._entries(query, asked)), None)

    def _entries(self, query: str, asked: Any = ()) -> list[Entry]:
        """Rows of entries, which end with their seal."""
        found = []
        for *told, seal in self._rows(query, asked):
            entry = Entry(*told)
            if self._sealed and schema.seal(entry) != seal:
                raise self._damaged(f"entry {entry.seq} is not what was written")
            found.append(entry)
        return found

    def _made(self, shape: type[_T], query: str, asked: Any = ()) -> list[_T]:
        """Rows as structs; some of their columns hold JSON."""
        return [made(shape, row) for row in self._rows(query, asked)]

    def _rows(self, query: str, asked: Any = ()) -> list[Any]:
        try:
            # All at once: a cursor left half-read would pin the -wal.
            with contextlib.closing(self._open.execute(query, asked)) as cursor:
                return cursor.fetchall()
        except (sqlite3.Error, UnicodeError) as error:
            raise self._told(error) from error

    def _told(self, error: Exception) -> JournalError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if isinstance(error, UnicodeError) or code in _DAMAGE:
            return self._damaged(str(error))
        return JournalError(
            f"the journal {self._path} cannot be read: {error}",
            hint="is its disk sound (`dmesg`)? `devicelog db check` says more",
        )

    def _damaged(self, what: str) -> JournalDamaged:
        return JournalDamaged(
            f"the journal {self._path} is damaged: {what}",
            hint="start the recorder anew: it sets damage aside and salvages the rest",
        )
