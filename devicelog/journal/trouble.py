"""What the writer does when the disk does not take what it must.

Full: the ballast is given up first, then the same entries wait in memory, for as long
as it takes. Failed: the kernel may have dropped what a failed fsync covered, so the
file is closed, and opened and verified before the entries are handed over again; never
retried in place. Told once, counted, and told again when it is over.
"""

import errno
import logging
import sqlite3
from typing import Final, Literal

from devicelog.errors import JournalError
from devicelog.journal import notices
from devicelog.journal.store import Store

State = Literal["recording", "disk_full", "failing"]

_log = logging.getLogger(__name__)

_FIRST_WAIT_S: Final = 0.01
_LONGEST_WAIT_S: Final = 1.0
_ATTEMPTS: Final = 20  # some 14 s of a disk that fails each time
_SCARCE: Final = 256 * 1024  # an "I/O error" below so many free bytes is a full disk
_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)


class Trouble:
    """Counts failures between two successes. `state` is the writer's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._errors = 0
        self._fulls = 0
        self._what = ""
        self._wait_s = _FIRST_WAIT_S
        self.state: State = "recording"

    def met(self, error: Exception, *, closing: bool) -> float:
        """An attempt failed; seconds to wait before the next.

        Raises JournalError when there is no point in another one: the disk fails each
        time, or is full and the recorder is to stop.
        """
        if self._is_full(error):
            self._full(error)
            hopeless = closing and self._fulls > _ATTEMPTS // 2
        else:
            self._failed(error)
            hopeless = self._errors >= _ATTEMPTS
        if hopeless:
            raise JournalError(
                f"the journal's disk takes nothing: {_named(error)}",
                hint="look at the disk (`df`, `dmesg`), then start the recorder again",
            ) from error
        wait_s = self._wait_s
        self._wait_s = min(2 * wait_s or _FIRST_WAIT_S, _LONGEST_WAIT_S)
        return wait_s

    def over(self) -> None:
        """An attempt succeeded: tell what went before, once."""
        say = self._store.notices
        if self._errors:
            say.raised(
                notices.DISK_ERROR,
                f"the journal's disk failed {self._errors} times ({self._what});"
                " the file was reopened, nothing that was handed over is lost",
                "replace the disk soon, and see that the backup is good",
            )
        if self._fulls:
            say.raised(
                notices.DISK_FULL,
                f"the disk was full {self._fulls} times; what waited in memory"
                " is recorded now",
                "free disk space: soon nothing can be recorded",
            )
        self._errors = self._fulls = 0
        self._wait_s = _FIRST_WAIT_S
        self.state = "recording"

    # --- Private ------------------------------------------------------------------

    def _failed(self, error: Exception) -> None:
        self._store.drop()
        self._errors += 1
        self._what = _named(error)
        if self._errors == 1:
            _log.error("the journal's disk failed (%s); reopening", self._what)
        self.state = "failing"

    def _full(self, error: Exception) -> None:
        """What is full can be tried again in place: nothing was lost on the way."""
        self._fulls += 1
        if not _is(error, sqlite3.SQLITE_FULL):
            self._store.drop()
        if self._store.ballast.release():
            self._wait_s = 0.0
            _log.error("the disk is full; the ballast is given up to go on recording")
            return
        if self.state != "disk_full":
            _log.error("the disk is full; entries wait in memory")
        self.state = "disk_full"

    def _is_full(self, error: Exception) -> bool:
        if _is(error, sqlite3.SQLITE_FULL) or getattr(error, "errno", 0) in _NO_SPACE:
            return True
        return self._store.directory.free() < _SCARCE


def _is(error: Exception, code: int) -> bool:
    found: int = getattr(error, "sqlite_errorcode", 0)
    return found & 0xFF == code


def _named(error: Exception) -> str:
    name = getattr(error, "sqlite_errorname", "")
    return f"{error}, {name}" if name else str(error)
