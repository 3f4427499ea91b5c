"""A folder for what is under way: private, and gone when that ends, however it ends.

Whoever works in one holds a lock on it, which ends with the process. A folder that
nobody holds was left by one that was killed, with a patient's data in it: the next one
that is made removes it, and so does `sweep`.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PREFIX: Final = "devicelog-export-"
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder of our own, 0700, among the files of the machine that are temporary."""
    sweep()
    path, handle = _made()
    try:
        yield path
    finally:
        try:
            shutil.rmtree(path)
        finally:
            os.close(handle)


def sweep() -> None:
    """Remove what this user's processes left that were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # Another user's, one that is worked in, one that has just gone.
        with contextlib.suppress(OSError), _held(path):
            shutil.rmtree(path)


# --- Private ----------------------------------------------------------------------


def _made() -> tuple[Path, int]:
    """A new folder, and the handle that holds it."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))  # 0700
        # Until it is held, another process may sweep it away: then another is made.
        swept = contextlib.suppress(FileNotFoundError, BlockingIOError)
        with swept, _held(path) as handle:
            if path.exists():
                return path, os.dup(handle)


@contextlib.contextmanager
def _held(path: Path) -> Iterator[int]:
    """Raises OSError where it is not ours, or is held."""
    handle = os.open(path, _DIRECTORY)
    try:
        if os.fstat(handle).st_uid != os.geteuid():
            raise PermissionError
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield handle
    finally:
        os.close(handle)
