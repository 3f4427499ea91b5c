"""Time, as the machine tells it; the one place where clocks are read.

`mono_ns` is CLOCK_BOOTTIME, so it counts suspend; `awake_ns` is CLOCK_MONOTONIC,
which does not. Everything that keeps time takes a `Clock`; tests pass `ManualClock`.
"""

import ctypes
import time
from pathlib import Path
from typing import Final, Protocol

SECOND: Final = 1_000_000_000
# No trustworthy clock stands before the day on which this version was made.
BUILD_NS: Final = 1_795_478_400 * SECOND  # 2026-11-24T00:00:00Z

_STA_UNSYNC: Final = 0x0040  # linux/timex.h
_TIME_ERROR: Final = 5


class Clock(Protocol):
    """What the recorder asks of time. All values in nanoseconds."""

    def mono_ns(self) -> int:
        """Time since boot, suspend included (CLOCK_BOOTTIME)."""

    def awake_ns(self) -> int:
        """Time since boot without suspend (CLOCK_MONOTONIC)."""

    def wall_ns(self) -> int:
        """UTC since 1970 as the system believes it (CLOCK_REALTIME)."""

    def synchronised(self) -> bool:
        """Whether the kernel reports a synchronised clock (adjtimex)."""


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)

    def mono_ns(self) -> int:
        """See `Clock`."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def awake_ns(self) -> int:
        """See `Clock`."""
        return time.monotonic_ns()

    def wall_ns(self) -> int:
        """See `Clock`."""
        return time.time_ns()

    def synchronised(self) -> bool:
        """See `Clock`. A kernel that does not answer counts as not synchronised."""
        # struct timex begins: modes (int, padded), offset, freq, maxerror, esterror
        # (longs), status (int). 512 bytes are more than any kernel's struct.
        buffer = ctypes.create_string_buffer(512)
        if int(self._libc.adjtimex(buffer)) in (-1, _TIME_ERROR):
            return False
        long = ctypes.sizeof(ctypes.c_long)
        status = ctypes.c_int.from_buffer(buffer, 5 * long).value
        return not status & _STA_UNSYNC


class ManualClock:
    """A clock that stands still until it is moved. For tests and simulated months."""

    def __init__(self, wall_ns: int = BUILD_NS, *, mono_ns: int = SECOND) -> None:
        self._wall = wall_ns
        self._mono = mono_ns
        self._awake = mono_ns
        self.synced = True

    def mono_ns(self) -> int:
        """See `Clock`."""
        return self._mono

    def awake_ns(self) -> int:
        """See `Clock`."""
        return self._awake

    def wall_ns(self) -> int:
        """See `Clock`."""
        return self._wall

    def synchronised(self) -> bool:
        """See `Clock`."""
        return self.synced

    def advance(self, seconds: float) -> None:
        """Let time pass on all clocks."""
        step = round(seconds * SECOND)
        self._mono += step
        self._awake += step
        self._wall += step

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an operator or NTP would."""
        self._wall += round(seconds * SECOND)

    def suspend(self, seconds: float) -> None:
        """Sleep: boot time and wall time go on, monotonic time does not."""
        step = round(seconds * SECOND)
        self._mono += step
        self._wall += step


def boot_id() -> str:
    """The kernel's identity of this boot; monotonic times compare within it alone."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
