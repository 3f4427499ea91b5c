"""Whether the recorder still turns, and how it ends when it does not.

Each loop counts its passes. One whose count stands still hangs; nobody else would see
it, for the rest of the recorder goes on. Who looks at them can hang too: faulthandler's
own thread, which needs nothing of Python, ends the process then.
"""

import contextlib
import faulthandler
import os
import socket
from collections.abc import Mapping
from typing import Final

from devicelog.clock import SECOND, Clock
from devicelog.errors import JournalError

HANG_S: Final = 20.0
# A look that is so late says that all of us were away: the machine slept.
_LATE_S: Final = 5.0
_STDERR: Final = 2


class Hang(JournalError):
    """One part stands still; `part` names it. The process must end."""

    def __init__(self, part: str) -> None:
        super().__init__(
            f"the {part} hangs since {HANG_S:g} s",
            hint="it is to be started again; the log tells where it hung",
        )
        self.part = part


class Beats:
    """The counts as they were last seen, and since when they stand."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._looked_ns = clock.mono_ns()
        self._seen: dict[str, tuple[int, int]] = {}

    def look(self, counts: Mapping[str, int]) -> None:
        """Take the counts, each second. Raises Hang."""
        now_ns = self._clock.mono_ns()
        if now_ns - self._looked_ns > _LATE_S * SECOND:
            self._seen.clear()
        self._looked_ns = now_ns
        for part, count in counts.items():
            before, since_ns = self._seen.get(part, (-1, now_ns))
            if count != before:
                since_ns = now_ns
            self._seen[part] = (count, since_ns)
            if now_ns - since_ns > HANG_S * SECOND:
                raise Hang(part)

    def still_s(self, part: str) -> float:
        """For how long it stood still when it was last looked at."""
        return (self._looked_ns - self._seen[part][1]) / SECOND


def end_within(seconds: float) -> None:
    """Unless it is said again in time: tell where each thread is, and exit with 1."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=_STDERR)


def end_at_leisure() -> None:
    """The end may take its time."""
    faulthandler.cancel_dump_traceback_later()


def tell_where() -> None:
    """Where each thread is, by file and line, to standard error."""
    faulthandler.dump_traceback(_STDERR)


def notify(message: str) -> None:
    """Tell systemd (sd_notify(3)); nothing where it does not listen."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
    ):
        systemd.sendto(message.encode(), address)
