"""Which readings of a channel are believed, before a session is made of them.

With a checksum of 16 bits all are. With less, a reading that does not follow the one
before (a transition that table.FOLLOWS calls impossible, or a timer out of step) is
held until the next one speaks for it or against it, at most one quiet time. Verdicts
depend on the readings alone; a tick only tells early what the next reading would tell.
"""

import msgspec

from devicelog.model.flow import Reading
from devicelog.model.states import LIVE
from devicelog.sessions.rules import SECOND, Rules
from devicelog.sessions.table import FOLLOWS, JUMP_SHARE, SLACK_S
from devicelog.sessions.timer import time_left

_STRONG_BITS = 16


class Verdict(msgspec.Struct, frozen=True):
    """A reading, in its order, and whether it counts; if not, why."""

    reading: Reading
    believed: bool = True
    why: str = ""


class Gate:
    """The gate of one channel. While it is `holding`, no deadline of it may fire.

    A reading that is not believed counts as noise.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._strong = rules.check_bits >= _STRONG_BITS
        self._quiet_ns = rules.quiet_ns
        self._last: Reading | None = None  # believed
        self._held: Reading | None = None

    def take(self, reading: Reading) -> list[Verdict]:
        """Verdicts that this reading allows, in order. [] while it is held itself."""
        if self._strong:
            return [Verdict(reading)]
        verdicts = self.tick(reading.mono_ns)
        held = self._held
        if held is not None:
            self._held = None
            verdicts.append(self._confirm(held, reading))
        if self._follows(self._last, reading):
            self._last = reading
            verdicts.append(Verdict(reading))
        else:
            self._held = reading
        return verdicts

    def tick(self, mono_ns: int) -> list[Verdict]:
        """Time went by: what nothing followed in time is judged by itself."""
        deadline = self.deadline
        return [] if deadline is None or deadline > mono_ns else self.settle()

    def settle(self) -> list[Verdict]:
        """Nothing will follow (the line was lost): judge what is held now."""
        held, self._held = self._held, None
        if held is None:
            return []
        was = self._last.state if self._last else "offline"
        if held.state not in FOLLOWS[was]:
            return [Verdict(held, believed=False, why=f"{held.state} after {was}")]
        flags = (*held.flags, "unconfirmed")
        held = msgspec.structs.replace(held, flags=flags)
        self._last = held
        return [Verdict(held)]

    @property
    def holding(self) -> bool:
        """Whether a reading is held."""
        return self._held is not None

    @property
    def deadline(self) -> int | None:
        """The monotonic time until which the held reading may wait."""
        return self._held.mono_ns + self._quiet_ns if self._held else None

    def _confirm(self, held: Reading, reading: Reading) -> Verdict:
        """The next reading agrees if it follows what is held, and that alone."""
        last = self._last
        if self._follows(held, reading) and not self._follows(last, reading):
            self._last = held
            return Verdict(held)
        was = last.state if last else "offline"
        why = f"{held.state} after {was}, then {reading.state}: nothing confirmed it"
        return Verdict(held, believed=False, why=why)

    def _follows(self, last: Reading | None, reading: Reading) -> bool:
        if last is None or reading.mono_ns - last.mono_ns >= self._quiet_ns:
            return True  # nothing near enough to compare with
        if reading.state not in FOLLOWS[last.state]:
            return False
        if last.state not in LIVE or reading.state not in LIVE | {"finished"}:
            return True
        return self._in_step(last, reading)

    def _in_step(self, last: Reading, reading: Reading) -> bool:
        """The timer did not jump, and a finished one had run out."""
        before = time_left(self._rules, last.values)
        left = time_left(self._rules, reading.values)
        if reading.state == "finished":
            left = 0.0
        if before is None or left is None:
            return True
        seconds = (reading.mono_ns - last.mono_ns) / SECOND
        slack = SLACK_S + JUMP_SHARE * seconds
        stops = self._rules.timer_stops_in
        moves = last.state not in stops or reading.state not in stops
        return -slack <= before - left <= slack + (seconds if moves else 0.0)
