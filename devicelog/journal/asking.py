"""A connection that only reads, and how anything is asked through it."""

import contextlib
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from devicelog.errors import JournalError
from devicelog.journal.access import open_reading
from devicelog.journal.directory import JOURNAL
from devicelog.journal.rows import made
from devicelog.model.flow import Entry

_T = TypeVar("_T", bound=msgspec.Struct)


class Asking:
    """A context manager, for one thread; `reader.Reader` says what may be asked.

    No snapshot is held between two questions. Raises JournalError.
    """

    def __init__(self, directory: str) -> None:
        self._path = Path(directory) / JOURNAL
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
        rows = self._rows(query, asked)
        return Entry(*rows[0]) if rows else None

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
        return JournalError(
            f"the journal {self._path} cannot be read: {error}",
            hint="start the recorder: it sets damage aside and salvages the rest",
        )
