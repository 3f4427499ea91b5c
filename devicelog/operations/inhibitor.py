"""Sleep and shutdown of the machine wait while a treatment runs.

The lock is held by `systemd-inhibit` around a `cat`: it ends when its input ends, so it
falls with the recorder, however that dies. Without systemd, or without its leave, the
recorder records all the same, and says so once.
"""

import logging
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

_log = logging.getLogger(__name__)

_WAIT_S: Final = 2.0
COMMAND: Final = (
    "systemd-inhibit",
    "--what=sleep:shutdown",
    "--mode=block",
    "--who=devicelog",
    "--why=a treatment is being recorded",
    "cat",
)


class Inhibitor:
    """One lock, held or not. For one thread."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = tuple(command)
        self._holder: subprocess.Popen[bytes] | None = None
        self._refused = shutil.which(command[0]) is None

    def hold(self, *, live: bool) -> None:
        """Hold the lock while a treatment is live; at once, and never raises."""
        if not live:
            self.release()
        elif self._holder is not None:
            if self._holder.poll() is not None and not self._refused:
                self._refused = True
                _log.warning(
                    "this machine may sleep or shut down amid a treatment: "
                    "systemd-inhibit ended with %d (is 50-devicelog.rules in place?)",
                    self._holder.returncode,
                )
        elif not self._refused:
            try:
                self._holder = subprocess.Popen(  # noqa: S603  our own words
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            except OSError as error:
                self._refused = True
                _log.warning("systemd-inhibit cannot be started: %s", error)

    def release(self) -> None:
        """Let the machine do as it likes."""
        holder, self._holder = self._holder, None
        if holder is None:
            return
        if holder.stdin is not None:
            holder.stdin.close()
        try:
            holder.wait(_WAIT_S)
        except subprocess.TimeoutExpired:
            holder.kill()
            holder.wait()
