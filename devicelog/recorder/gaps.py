"""Times without readings on a device, each told once, when they are over."""

import msgspec

from devicelog.clock import SECOND
from devicelog.model.kinds import GapBody, GapCause


class Seen(msgspec.Struct, frozen=True):
    """The last reading before now. `mono_ns` is None when it is of another boot."""

    at_ns: int
    mono_ns: int | None


class GapWatch:
    """Of one device. `seen`: the last reading that an earlier run journalled."""

    def __init__(self, quiet_ns: int, seen: Seen | None) -> None:
        self._quiet = quiet_ns
        self._seen = seen
        self._cause: GapCause | None = "restart" if seen else None
        self.count = 0

    def lost(self, cause: GapCause) -> bool:
        """The line is lost for this cause; True unless it was so already."""
        if self._cause == cause:
            return False
        if self._cause is None or self._seen is None:
            self._cause = cause
        return True

    def reading(self, mono_ns: int, at_ns: int) -> GapBody | None:
        """A reading is here; the gap that it ends, if any."""
        seen, cause = self._seen, self._cause
        self._seen, self._cause = Seen(at_ns, mono_ns), None
        if seen is None:
            return None
        if cause is None:
            if seen.mono_ns is None or mono_ns - seen.mono_ns <= self._quiet:
                return None
            cause = "silence"
        self.count += 1
        seconds = (
            mono_ns - seen.mono_ns if seen.mono_ns is not None else at_ns - seen.at_ns
        ) / SECOND
        return GapBody(
            mono_ns=mono_ns,
            began_ns=seen.at_ns,
            seconds=round(seconds, 3) if seconds >= 0 else None,
            cause=cause,
        )
