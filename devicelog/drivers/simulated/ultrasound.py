"""The physics of one virtual ultrasound device. It knows no wire and no clock.

`advance` is told what time it is, in seconds since the device exists; `press` is told
what a person did, or what happened to the device. What the device would say of itself
is in `values`. Between two calls everything that falls due happens at its own exact
time, so it does not matter how often one looks.

    selftest -> idle -load-> ready -start-> ramping -> running -> finished
                                              |  uncouple -> hold_contact -> running
                                              |  pause -> paused -resume-> running
                                              |  stop -> aborted     fail -> fault

Timer and output stand still in hold_contact and paused. Below 0.2 W/cm2 the coupling
sensor sees nothing and the device lets it run (as Combin8 does). The face of the head
warms with the mean power and stops the device at 43 Cel (IEC 60601-2-5). Heat: a first
order, fitted to 40.6 Cel after 210 s at 5 W, the warning of a textbook treatment.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

import msgspec

from devicelog.drivers.simulated.equipment import DUTY_LABELS, LARGE, Head, Programme
from devicelog.model.fields import Value
from devicelog.model.states import DECODED, EMITTING, LIVE, State

Action = Literal[
    "load",  # value: Programme
    "start",
    "pause",
    "resume",
    "stop",
    "clear",  # leave the end screen
    "turn",  # value: the new intensity in W/cm2
    "lengthen",  # value: seconds more
    "swap",  # value: Head
    "uncouple",  # the head leaves the skin
    "couple",
    "fail",  # value: the fault as the device names it
    "acknowledge",  # the fault is seen to: go on from pause
    "reset",  # off and on again
]

AMBIENT_C: Final = 24.0
LIMIT_C: Final = 43.0
SENSED_FROM_W_CM2: Final = 0.2
OVERHEATED: Final = "1"

_WARMING_S: Final = 90.0
_KELVIN_PER_W: Final = 3.68
_AT_REST: Final[frozenset[State]] = frozenset(
    {"idle", "ready", "paused", "finished", "aborted"}
)
_ANY: Final[frozenset[State]] = frozenset(DECODED)

# In which states an action does anything; elsewhere the device ignores it.
ACTS: Final[dict[Action, frozenset[State]]] = {
    "load": _AT_REST - {"paused"},
    "start": frozenset({"ready"}),
    "pause": LIVE - {"paused"},
    "resume": frozenset({"paused"}),
    "stop": LIVE,
    "clear": frozenset({"finished", "aborted", "fault"}),
    "turn": LIVE | {"ready"},
    "lengthen": LIVE,
    "swap": _AT_REST,
    "uncouple": _ANY,
    "couple": _ANY,
    "fail": _ANY,
    "acknowledge": frozenset({"fault"}),
    "reset": _ANY,
}


class Ultrasound:
    """See the module. Times in seconds; `timer_error_pct` above 0: its timer is fast.

    `ramp_s` is how long it says ramping after a start; at once it gives the share
    `ramp_from` of the level, the rest rises evenly.
    """

    def __init__(
        self,
        head: Head = LARGE,
        *,
        ramp_s: float = 0.0,
        ramp_from: float = 0.0,
        timer_error_pct: float = 0.0,
        selftest_s: float = 3.0,
    ) -> None:
        self.state: State = "selftest"
        self.head = head
        self.temperature_c = AMBIENT_C
        self._ramp_s = ramp_s
        self._ramp_from = ramp_from
        self._rate = 1 + timer_error_pct / 100
        self._selftest_s = selftest_s
        self._now = 0.0
        self._since = 0.0  # when selftest or ramp began
        # The timer as it stood at a moment; counted from there, it ends to the tick.
        self._stood_s, self._stood_at = 0.0, 0.0
        self._coupled = True
        self._fault = ""
        self._set: Programme | None = None

    def advance(self, to_s: float) -> None:
        """Let time pass. A time that is past already changes nothing."""
        while self._now < to_s:
            due, then = min(self._ahead(), key=lambda it: it[0], default=(to_s, None))
            until = max(self._now, min(due, to_s))
            self._flow(until - self._now)
            self._now = until
            if then is not None and due <= to_s:
                self._read_timer()
                then()

    def press(self, action: Action, value: Any = None) -> bool:
        """Something is done to the device now; False: it ignores it in this state."""
        if self.state not in ACTS[action]:
            return False
        self._read_timer()
        act: Callable[..., None] = getattr(self, f"_{action}")
        if value is None:
            act()
        else:
            act(value)
        return True

    @property
    def left_s(self) -> float:
        """What the device's own timer shows."""
        if self.state not in EMITTING:
            return self._stood_s
        return max(0.0, self._stood_s - (self._now - self._stood_at) * self._rate)

    @property
    def actual_w_cm2(self) -> float:
        """Intensity that leaves the head now, in the pulse."""
        if self.state not in EMITTING or self._set is None:
            return 0.0
        level = self._set.intensity_w_cm2
        if self.state == "running":
            return level
        risen = (self._now - self._since) / self._ramp_s
        return level * (self._ramp_from + (1 - self._ramp_from) * risen)

    def values(self) -> dict[str, Value]:
        """What the device says of itself: fields of the catalogue, and `state`."""
        said: dict[str, Value] = {
            "state": self.state,
            "head_id": self.head.id,
            "head_serial": self.head.serial,
            "era_cm2": self.head.era_cm2,
            "bnr": self.head.bnr,
            "contact_ok": self._senses_contact(),
            "head_temp_c": round(self.temperature_c, 1),
            "intensity_actual_w_cm2": self.actual_w_cm2,
            "power_actual_w": self.actual_w_cm2 * self.head.era_cm2,
            "intensity_w_cm2": 0.0,
            "time_set_s": 0.0,
            "time_left_s": self.left_s,
        }
        if self._fault:
            said["fault_code"] = self._fault
        if self._set is not None:
            said |= {
                "time_set_s": self._set.time_s,
                "frequency_mhz": self._set.frequency_mhz,
                "duty_pct": float(self._set.duty_pct),
                "duty_raw": DUTY_LABELS[self._set.duty_pct],
                "intensity_w_cm2": self._set.intensity_w_cm2,
            }
        return said

    # --- What time does -----------------------------------------------------------

    def _ahead(self) -> Iterator[tuple[float, Callable[[], None]]]:
        """What falls due if nobody does anything, and when."""
        if self.state == "selftest":
            yield self._since + self._selftest_s, self._passed
        if self.state == "ramping":
            yield self._since + self._ramp_s, self._risen
        if self.state in EMITTING:
            yield self._stood_at + self._stood_s / self._rate, self._ran_out
            goal = self._settles_at()
            if goal > LIMIT_C:
                way = (goal - self.temperature_c) / (goal - LIMIT_C)
                yield self._now + _WARMING_S * math.log(way), self._overheat

    def _flow(self, seconds: float) -> None:
        """So long nothing changes but the temperature (and the timer, by itself)."""
        goal = self._settles_at()
        decay = math.exp(-seconds / _WARMING_S)
        self.temperature_c = goal + (self.temperature_c - goal) * decay

    def _settles_at(self) -> float:
        """The temperature that the face would reach in the end."""
        if self.state not in EMITTING or self._set is None:
            return AMBIENT_C
        mean = self._set.intensity_w_cm2 * self._set.duty_pct / 100
        return AMBIENT_C + _KELVIN_PER_W * mean * self.head.era_cm2

    def _read_timer(self) -> None:
        self._stood_s, self._stood_at = self.left_s, self._now

    def _passed(self) -> None:
        self.state = "idle"

    def _risen(self) -> None:
        self.state = "running"

    def _ran_out(self) -> None:
        self.state, self._stood_s = "finished", 0.0

    def _overheat(self) -> None:
        self.temperature_c = LIMIT_C
        self._fail(OVERHEATED)

    def _senses_contact(self) -> bool:
        level = self._set.intensity_w_cm2 if self._set else 0.0
        return self._coupled or level < SENSED_FROM_W_CM2

    # --- What people do -----------------------------------------------------------

    def _load(self, programme: Programme) -> None:
        self._set, self._stood_s = programme, programme.time_s
        self.state = "ready"

    def _start(self) -> None:
        self._since = self._now
        self.state = "ramping" if self._ramp_s else "running"
        self._hold_without_contact()

    def _pause(self) -> None:
        self.state = "paused"

    def _resume(self) -> None:
        self.state = "running"
        self._hold_without_contact()

    def _stop(self) -> None:
        self.state = "aborted"

    def _clear(self) -> None:
        self.state, self._set, self._stood_s, self._fault = "idle", None, 0.0, ""

    def _turn(self, intensity_w_cm2: float) -> None:
        if self._set is not None:
            self._set = msgspec.structs.replace(
                self._set, intensity_w_cm2=intensity_w_cm2
            )
        self._hold_without_contact()

    def _lengthen(self, seconds: float) -> None:
        if self._set is not None:
            longer = self._set.time_s + seconds
            self._set = msgspec.structs.replace(self._set, time_s=longer)
        self._stood_s += seconds

    def _swap(self, head: Head) -> None:
        self.head, self.temperature_c = head, AMBIENT_C

    def _uncouple(self) -> None:
        self._coupled = False
        self._hold_without_contact()

    def _couple(self) -> None:
        self._coupled = True
        if self.state == "hold_contact":
            self.state = "running"

    def _fail(self, fault: str) -> None:
        self.state, self._fault = "fault", fault

    def _acknowledge(self) -> None:
        self._fault = ""
        self.state = "paused" if self.left_s else "idle"

    def _reset(self) -> None:
        self._clear()
        self.state, self._since = "selftest", self._now

    def _hold_without_contact(self) -> None:
        if self.state in EMITTING and not self._senses_contact():
            self.state = "hold_contact"
