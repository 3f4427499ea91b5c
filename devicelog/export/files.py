"""Files that are whole or not there: written beside their name, then renamed.

What is half written is called `NAME.partial`; it is private to its owner from the first
byte, and the next export to the same name takes its place.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from devicelog.errors import DevicelogError
from devicelog.journal.directory import sync_directory

PARTIAL: Final = ".partial"
_BUFFER: Final = 1 << 20
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SHUT: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextlib.contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name once the block has ended, and everything is on disk.

    An exception within the block leaves what was there before, and no half. Raises
    DevicelogError where it cannot be written.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        with _taken(partial, path) as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                partial.replace(path)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
        sync_directory(path.parent)
    except OSError as error:
        raise told(error, path) from error


def told(error: OSError, path: Path) -> DevicelogError:
    """What is wrong with writing there, and what to do."""
    why = error.strerror or str(error)
    if error.errno in _FULL:
        hint = "free some space there, or name another place: -o FILE"
        return DevicelogError(f"there is no room for {path}: {why}", hint=hint)
    if error.errno in _SHUT:
        hint = f"may this user write into {path.parent}? else name another place"
        return DevicelogError(f"{path} may not be written: {why}", hint=hint)
    hint = "is there such a folder? name another place: -o FILE"
    return DevicelogError(f"{path} cannot be written: {why}", hint=hint)


@contextlib.contextmanager
def _taken(partial: Path, path: Path) -> Iterator[BinaryIO]:
    """The half-written file, empty, ours alone as long as the block lasts."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    with open(os.open(partial, flags, 0o600), "r+b", _BUFFER) as file:  # noqa: PTH123
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DevicelogError(
                f"another export writes {path} now", hint="wait, or name another file"
            ) from None
        os.fchmod(file.fileno(), 0o600)
        file.truncate()
        yield file
