"""The data directory: private, held by one recorder at a time."""

import fcntl
import os
import stat
from pathlib import Path
from typing import Final

from devicelog.errors import JournalBusy, JournalError, JournalRefused

JOURNAL: Final = "journal.db"
WAL: Final = "journal.db-wal"
SHM: Final = "journal.db-shm"
LOCK: Final = "lock"
QUARANTINE: Final = "quarantine"


class Directory:
    """One data directory, locked from `take` to `release`.

    The lock file is also the witness of what was acknowledged: a `seq` that was
    written there after its commit. A journal that ends before it has lost entries,
    which no page of it can tell (a cut `-wal`, an older copy put in its place).
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.journal = self.path / JOURNAL
        self.wal = self.path / WAL
        self.shm = self.path / SHM
        self.quarantine = self.path / QUARANTINE
        self._lock = -1

    def take(self) -> None:
        """Make it if need be, 0700, and lock it. Raises JournalError, JournalBusy."""
        try:
            self._make()
            self._lock = os.open(
                self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise JournalError(
                f"the data directory {self.path} cannot be used: {error.strerror}",
                hint="`[journal] directory` must be writable for the recorder's user",
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = self._told()[0] or "of unknown number"
            self.release()
            raise JournalBusy(
                f"{self.path} is recorded into by process {holder}",
                hint="stop that recorder first, or configure another directory",
            ) from None
        self.acknowledge(self.acknowledged)

    @property
    def acknowledged(self) -> int:
        """The last `seq` that is known to have been durable; 0 if none is."""
        seq = self._told()[1]
        return int(seq) if seq.isdigit() else 0

    def acknowledge(self, seq: int) -> None:
        """This entry and all before are durable.

        Not synced: a power cut leaves an older line, which promises less.
        """
        # In place and of one length: a full disk cannot refuse it.
        os.pwrite(self._lock, f"{os.getpid():<10} {seq:<20}\n".encode(), 0)

    def release(self) -> None:
        """Let another recorder in."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def sync(self) -> None:
        """Make the names in the directory durable."""
        sync_directory(self.path)

    def free(self) -> int:
        """Bytes that this user may still write here."""
        at = os.statvfs(self.path)
        return at.f_bavail * at.f_frsize

    # --- Private ------------------------------------------------------------------

    def _make(self) -> None:
        missing = [it for it in (self.path, *self.path.parents) if not it.exists()]
        try:
            self.path.mkdir(parents=True)
            # A name that was never synced is taken away by a cut of the power.
            for made in missing:
                sync_directory(made.parent)
        except FileExistsError:
            if stat.S_IMODE(self.path.stat().st_mode) == stat.S_IRWXU:
                return
            # Closing a directory that serves others too would break them.
            if any(self.path.iterdir()) and not (self.path / LOCK).exists():
                raise JournalRefused(
                    f"{self.path} holds other files and is open to other users",
                    hint="configure a directory of its own for the journal,"
                    f" or say `chmod 700 {self.path}`",
                ) from None
        self.path.chmod(stat.S_IRWXU)

    def _told(self) -> tuple[str, str]:
        words = os.pread(self._lock, 100, 0).decode(errors="replace").split()
        return (words[0], words[1]) if len(words) > 1 else ("", "")


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
