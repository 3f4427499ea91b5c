"""Disk space held back, so that a full disk still takes some hours of entries."""

import os
from pathlib import Path
from typing import Final

from devicelog.journal.directory import Directory

BALLAST: Final = "ballast"
_MIB: Final = 1024 * 1024
# What SQLite needs to open a journal: a wal-index, and the first pages of a -wal.
_TIGHT: Final = 4 * _MIB


class Ballast:
    """The file `ballast` in the data directory: really allocated, not sparse."""

    def __init__(self, directory: Directory, size_mb: int) -> None:
        self._directory = directory
        self._path: Path = directory.path / BALLAST
        self.size = size_mb * _MIB

    @property
    def held(self) -> bool:
        """Whether there is something to release."""
        return self._path.exists()

    @property
    def wanting(self) -> bool:
        """Whether there should be a ballast and is none."""
        return self.size > 0 and not self.held

    def release(self) -> bool:
        """Give the space to the journal. False if there was none to give."""
        if not self.held:
            return False
        self._path.unlink()
        self._directory.sync()
        return True

    def release_if_tight(self) -> bool:
        """Before opening: SQLite cannot open anything on a disk without a free byte."""
        return self._directory.free() < min(_TIGHT, self.size) and self.release()

    def make(self) -> bool:
        """Hold the space back again, if the disk has more than twice as much."""
        if not self.wanting or self._directory.free() <= 2 * self.size:
            return False
        unfinished = self._path.with_name(BALLAST + ".making")
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        handle = os.open(unfinished, flags, 0o600)
        try:
            os.posix_fallocate(handle, 0, self.size)
        except OSError:  # somebody else was faster to take the space
            unfinished.unlink()
            return False
        finally:
            os.close(handle)
        unfinished.rename(self._path)
        return True
