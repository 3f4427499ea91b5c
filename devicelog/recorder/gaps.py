"""Times without readings on a device, each told once, when they are over."""

import msgspec

from devicelog.clock import SECOND
from devicelog.model.flow import Reading
from devicelog.model.kinds import GapBody, GapCause


class Seen(msgspec.Struct, frozen=True):
    """The last reading of an earlier run.

    `mono_ns` is None when it is of another boot; `clock_ok`: whether `at_ns` is right.
    """

    at_ns: int
    mono_ns: int | None
    clock_ok: bool = True


class GapWatch:
    """Of one device. `seen`: the last reading that an earlier run journalled."""

    def __init__(self, quiet_ns: int, seen: Seen | None) -> None:
        self._quiet = quiet_ns
        self._seen: Seen | Reading | None = seen
        self._cause: GapCause | None = "restart" if seen else None
        self.count = 0

    def lost(self, cause: GapCause) -> None:
        """The line is lost for this cause; the first stands."""
        self._cause = self._cause or cause

    def reading(self, now: Reading) -> GapBody | None:
        """A reading is here; the gap that it ends, if any."""
        seen, cause = self._seen, self._cause
        self._seen, self._cause = now, None
        if seen is None:
            return None
        if cause is None:
            if seen.mono_ns is None or now.mono_ns - seen.mono_ns <= self._quiet:
                return None
            cause = "silence"
        self.count += 1
        return GapBody(
            mono_ns=now.mono_ns,
            began_ns=seen.at_ns,
            seconds=_between(seen, now),
            cause=cause,
        )


def _between(seen: Seen | Reading, now: Reading) -> float | None:
    """Seconds between two readings; None where no clock can tell."""
    if seen.mono_ns is not None:
        return round((now.mono_ns - seen.mono_ns) / SECOND, 3)
    if seen.clock_ok and now.clock_ok and seen.at_ns <= now.at_ns:
        return round((now.at_ns - seen.at_ns) / SECOND, 3)
    return None
