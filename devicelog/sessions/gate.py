"""Which readings of a channel are believed, before a session is made of them.

A reading that says what chance might have said (sessions.doubts) is held until the next
one speaks for it or against it, at most one quiet time. Verdicts depend on the readings
alone; a tick only tells early what the next reading would tell.
"""

from typing import Final

import msgspec

from devicelog.model.fields import SETTINGS, Value
from devicelog.model.flow import Reading
from devicelog.sessions.doubts import SEQUENCE, STATE, TIMER, doubts
from devicelog.sessions.rules import SECOND, Rules
from devicelog.sessions.table import FOLLOWS

# What came and went twice in so long flickers, as bad contact does: from then on it is
# believed at once, until it has stood still for as long.
RESTLESS_NS: Final = 10 * SECOND


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
        self._quiet_ns = rules.quiet_ns
        self._last: Reading | None = None  # believed
        self._held: Reading | None = None
        self._doubts: frozenset[str] = frozenset()  # of the held one
        self._heard_ns = 0  # when the last reading came, believed or not
        self._went: dict[str, int] = {}  # what came and went, and when it did last
        self._restless: dict[str, int] = {}  # what flickers, and until when

    def take(self, reading: Reading) -> list[Verdict]:
        """Verdicts that this reading allows, in order. [] while it is held itself."""
        verdicts = self.tick(reading.mono_ns)
        found = self._found(reading)
        held = self._held
        if held is not None:
            verdicts.append(self._judge(held, reading, found))
            found = self._found(reading) if verdicts[-1].believed else found
        if found:
            self._held, self._doubts = reading, found
        else:
            self._last = reading
            verdicts.append(Verdict(reading))
        self._heard_ns = reading.mono_ns
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
        if SEQUENCE in self._doubts:
            was = self._last.state if self._last else "offline"
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

    # --- Private ------------------------------------------------------------------

    def _found(self, reading: Reading) -> frozenset[str]:
        """What the reading cannot say by itself after the last that was believed.

        Nothing after a quiet time: there is none near enough to compare with.
        """
        now = reading.mono_ns
        if self._last is None or now - self._heard_ns >= self._quiet_ns:
            return frozenset()
        found = doubts(self._rules, self._last, reading)
        moves = {name for name in found if self._restless.get(name, 0) > now}
        self._restless |= dict.fromkeys(moves, now + RESTLESS_NS)
        return found - moves

    def _judge(self, held: Reading, reading: Reading, found: frozenset[str]) -> Verdict:
        """Whether all that is doubted of the held one has changed in the next, too.

        A knob may have been turned on, or the next reading be a damaged one: what
        changed before it counts all the same.
        """
        self._held = None
        last = self._last or held
        told = (last.values, held.values, reading.values)
        if (
            self._doubts <= found
            and reading.state in FOLLOWS[held.state]
            and all(
                _on_its_way(*(values.get(name) for values in told))
                for name in self._doubts & SETTINGS
            )
        ):
            self._last = held
            return Verdict(held)
        self._flickers(reading.mono_ns)
        changed = f"{held.state} after {last.state}"
        if STATE not in self._doubts:
            changed = ", ".join(sorted(self._doubts)) + " changed"
        why = f"{changed}, then {reading.state}: nothing confirmed it"
        return Verdict(held, believed=False, why=why)

    def _flickers(self, now: int) -> None:
        """What was doubted went as it came; a setting does so by being told or not."""
        told = self._last.values if self._last else {}
        for name in self._doubts - {SEQUENCE, TIMER} - (SETTINGS & told.keys()):
            if now - self._went.get(name, -RESTLESS_NS) < RESTLESS_NS:
                self._restless[name] = now + RESTLESS_NS
            self._went[name] = now


# --- Private ----------------------------------------------------------------------


def _on_its_way(old: Value | None, held: Value | None, now: Value | None) -> bool:
    """Whether a setting is where the next reading has it, or was on its way there."""
    if held == now:
        return True
    if isinstance(old, float) and isinstance(held, float) and isinstance(now, float):
        return old < held < now or old > held > now
    return False
