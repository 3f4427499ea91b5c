"""Wall time for what the wire brings: an anchor plus the monotonic clock.

The anchor (UTC minus boot time) follows the system clock only while nothing is ramping
or running, so that a stepped clock never bends a treatment; each move is an entry. A
clock before the software's build date, or more than a day before the last trusted
entry, is untrusted until the kernel reports synchronisation or the operator accepts it.
"""

from typing import Final

from devicelog.clock import BUILD_NS, SECOND, Clock
from devicelog.model.kinds import ClockBody

# Slewing keeps both clocks together; what differs by more was a step.
_STEP_NS: Final = SECOND // 20
_SUSPEND_NS: Final = SECOND
_DAY_NS: Final = 86_400 * SECOND


class Timebase:
    """The anchor of this run. `observe` is called each second by the loop.

    `anchor_ns` is the journal's last anchor of this same boot, or None; `trusted_ns`
    the highest trusted `at_ns` of the journal, or None.
    """

    def __init__(
        self,
        clock: Clock,
        boot_id: str,
        *,
        anchor_ns: int | None = None,
        trusted_ns: int | None = None,
    ) -> None:
        self._clock = clock
        self._boot_id = boot_id
        self._floor = max(BUILD_NS, (trusted_ns or 0) - _DAY_NS)
        self.anchor_ns = self._offset() if anchor_ns is None else anchor_ns
        self._asleep = self._sleep()
        self.trusted = self._believable()
        self._first = anchor_ns is None

    def at(self, mono_ns: int) -> int:
        """UTC in ns of a monotonic time of this boot."""
        return self.anchor_ns + mono_ns

    def observe(self, *, live: bool) -> list[ClockBody]:
        """Look at the system clock; what changed. `live`: something is emitting."""
        bodies = []
        if self._first:
            self._first = False
            bodies.append(self._body("anchor", None))
        offset = self._offset()
        if abs(offset - self.anchor_ns) > _STEP_NS and not live:
            old, self.anchor_ns = self.anchor_ns, offset
            self.trusted = self._believable()
            bodies.append(self._body("anchor", old))
        elif not self.trusted and abs(offset - self.anchor_ns) <= _STEP_NS:
            self.trusted = self._believable()
            if self.trusted:
                bodies.append(self._body("trusted", self.anchor_ns))
        return bodies

    def accept(self) -> ClockBody:
        """The operator says that the system clock is right; taken up when nothing runs.

        The returned entry says what the clock showed then.
        """
        # From now on what this clock says is the measure, also after a step.
        self._floor = min(self._floor, self._clock.wall_ns() - _DAY_NS)
        body = ClockBody(
            event="accepted",
            mono_ns=self._clock.mono_ns(),
            boot_id=self._boot_id,
            old_ns=self.anchor_ns,
            new_ns=self._offset(),
        )
        self.trusted = self._believable()
        return body

    def slept_ns(self) -> int:
        """Time suspended since the last call, if more than a second; else 0."""
        asleep = self._sleep()
        slept, self._asleep = asleep - self._asleep, asleep
        return slept if slept > _SUSPEND_NS else 0

    # --- Private ------------------------------------------------------------------

    def _offset(self) -> int:
        return self._clock.wall_ns() - self._clock.mono_ns()

    def _sleep(self) -> int:
        return self._clock.mono_ns() - self._clock.awake_ns()

    def _believable(self) -> bool:
        """The anchor stands late enough, or is what a synchronised clock says."""
        if self.at(self._clock.mono_ns()) >= self._floor:
            return True
        follows = abs(self._offset() - self.anchor_ns) <= _STEP_NS
        return follows and self._clock.synchronised()

    def _body(self, event: str, old: int | None) -> ClockBody:
        return ClockBody(
            clock_ok=self.trusted,
            event="trusted" if event == "trusted" else "anchor",
            mono_ns=self._clock.mono_ns(),
            boot_id=self._boot_id,
            old_ns=old,
            new_ns=self.anchor_ns,
        )
