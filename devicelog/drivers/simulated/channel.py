"""The run state and the timer of a virtual channel, whatever it gives out.

`advance` is told what time it is, in seconds since the device exists; `press` is told
what a person did, or what happened to the device. Between two calls everything that
falls due happens at its own exact time, so it does not matter how often one looks.

    selftest -> idle -load-> ready -start-> ramping -> running -> finished
                                              |  uncouple -> hold_contact -> running
                                              |  pause -> paused -resume-> running
                                              |  stop -> aborted     fail -> fault

Timer and output stand still in hold_contact and paused.
"""

from collections.abc import Callable, Iterator
from math import inf
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar

import msgspec

from devicelog.drivers.simulated.equipment import Current, Programme
from devicelog.model.fields import Value
from devicelog.model.states import DECODED, EMITTING, LIVE, Modality, State

Action = Literal[
    "load",  # value: Programme, Current or Combined
    "start",
    "pause",
    "resume",
    "stop",
    "switch",  # the patient's own switch: it is over
    "clear",  # leave the end screen
    "turn",  # value: the new intensity in W/cm2, or the new amplitude in mA
    "lengthen",  # value: seconds more
    "jump",  # value: seconds by which the timer falls by itself
    "swap",  # value: Head
    "uncouple",  # the head leaves the skin, an electrode comes off (value: circuit)
    "couple",
    "dry",  # value: so many times its impedance has an electrode now
    "fail",  # value: the fault as the device names it
    "acknowledge",  # the fault is seen to: go on from pause
    "reset",  # off and on again
    "clock",  # value: what the device says of its own clock
]

_ANY: Final[frozenset[State]] = frozenset(DECODED)
AT_REST: Final[frozenset[State]] = frozenset(
    {"idle", "ready", "paused", "finished", "aborted"}
)

# In which states an action does anything; elsewhere the device ignores it.
ACTS: Final[dict[Action, frozenset[State]]] = {
    "load": AT_REST - {"paused"},
    "start": frozenset({"ready"}),
    "pause": LIVE - {"paused"},
    "resume": frozenset({"paused"}),
    "stop": LIVE,
    "switch": LIVE,
    "clear": frozenset({"finished", "aborted", "fault"}),
    "turn": LIVE | {"ready"},
    "lengthen": LIVE,
    "jump": LIVE,
    "uncouple": _ANY,
    "couple": _ANY,
    "fail": _ANY,
    "acknowledge": frozenset({"fault"}),
    "reset": _ANY,
}
Due = tuple[float, Callable[[], None]]
_NOTHING: Final[Due] = (inf, lambda: None)
_Set = TypeVar("_Set", Programme, Current)


class VirtualChannel(Generic[_Set]):
    """See the module. `timer_error_pct` above 0: its timer is fast.

    What it gives out, and what follows from that, is for those that inherit it.
    """

    modality: ClassVar[Modality]
    acts: ClassVar[dict[Action, frozenset[State]]] = ACTS

    def __init__(self, *, timer_error_pct: float, selftest_s: float) -> None:
        self.state: State = "selftest"
        self.fault = ""
        self._now = 0.0
        self._rate = 1 + timer_error_pct / 100
        self._selftest_s = selftest_s
        self._since = 0.0  # when selftest or ramp began
        # The timer as it stood at a moment; counted from there, it ends to the tick.
        self._stood_s, self._stood_at = 0.0, 0.0
        self._set: _Set | None = None
        self._next: Due | None = None  # what falls due next; None: to be looked up

    def advance(self, to_s: float) -> None:
        """Let time pass. A time that is past already changes nothing."""
        while (due := self._due())[0] <= to_s:
            self._pass(due[0])
            self._read_timer()
            due[1]()
            self._next = None
        self._pass(to_s)

    @property
    def due_s(self) -> float:
        """When something happens if nobody does anything; infinite: never."""
        return self._due()[0]

    def press(self, action: Action, value: Any = None) -> bool:
        """Something is done to the device now; False: it ignores it in this state."""
        if self.state not in self.acts.get(action, ()):
            return False
        self._read_timer()
        self._next = None
        act: Callable[..., None] = getattr(self, f"_{action}")
        if value is None:
            act()
        else:
            act(value)
        return True

    def hold(self) -> None:
        """Output and timer stand still, as if contact were lost."""
        if self.state in EMITTING:
            self._read_timer()
            self._next = None
            self.state = "hold_contact"

    @property
    def left_s(self) -> float:
        """What the device's own timer shows."""
        if self.state not in EMITTING:
            return self._stood_s
        return max(0.0, self._stood_s - (self._now - self._stood_at) * self._rate)

    def values(self) -> dict[str, Value]:
        """What the device says of itself: fields of the catalogue, and `state`."""
        said: dict[str, Value] = {
            "state": self.state,
            "time_set_s": self._set.time_s if self._set else 0.0,
            "time_left_s": self.left_s,
        }
        if self.fault:
            said["fault_code"] = self.fault
        return said

    # --- For those that inherit it ------------------------------------------------

    @property
    def ramp_s(self) -> float:
        """How long its output rises after a start."""
        raise NotImplementedError

    def senses_contact(self) -> bool:
        """Whether it would go on; False: it holds."""
        raise NotImplementedError

    def _flow(self, seconds: float) -> None:
        """So long nothing changes but what changes by itself."""

    def _ahead(self) -> Iterator[Due]:
        """What falls due if nobody does anything, and when."""
        if self.state == "selftest":
            yield self._since + self._selftest_s, self._passed
        if self.state == "ramping":
            yield self._since + self.ramp_s, self._risen
        if self.state in EMITTING:
            yield self._stood_at + self._stood_s / self._rate, self._ran_out

    def _go_on(self) -> None:
        """Output is back after a pause, or after lost contact."""
        self.state = "running"

    def _rise(self) -> None:
        """Output begins at 0."""
        self._since = self._now
        self.state = "ramping" if self.ramp_s else "running"

    def _hold_without_contact(self) -> None:
        if not self.senses_contact():
            self.hold()

    def _due(self) -> Due:
        """What falls due next; it stays so until something happens."""
        if self._next is None:
            self._next = min(self._ahead(), key=lambda it: it[0], default=_NOTHING)
        return self._next

    def _pass(self, to_s: float) -> None:
        if to_s > self._now:
            self._flow(to_s - self._now)
            self._now = to_s

    def _read_timer(self) -> None:
        self._stood_s, self._stood_at = self.left_s, self._now

    # --- What time does -----------------------------------------------------------

    def _passed(self) -> None:
        self.state = "idle"

    def _risen(self) -> None:
        self.state = "running"

    def _ran_out(self) -> None:
        self.state, self._stood_s = "finished", 0.0

    # --- What people do, and what happens -------------------------------------------

    def _load(self, programme: _Set) -> None:
        self._set, self._stood_s = programme, programme.time_s
        self.state = "ready"

    def _start(self) -> None:
        self._rise()
        self._hold_without_contact()

    def _pause(self) -> None:
        self.state = "paused"

    def _resume(self) -> None:
        self._go_on()
        self._hold_without_contact()

    def _stop(self) -> None:
        self.state = "aborted"

    _switch = _stop

    def _clear(self) -> None:
        self.state, self._set, self._stood_s, self.fault = "idle", None, 0.0, ""

    def _lengthen(self, seconds: float) -> None:
        if self._set is not None:
            longer = self._set.time_s + seconds
            self._set = msgspec.structs.replace(self._set, time_s=longer)
        self._stood_s += seconds

    def _jump(self, seconds: float) -> None:
        self._stood_s = max(0.0, self._stood_s - seconds)

    def _fail(self, fault: str) -> None:
        self.state, self.fault = "fault", fault

    def _acknowledge(self) -> None:
        self.fault = ""
        self.state = "paused" if self.left_s else "idle"

    def _reset(self) -> None:
        self._clear()
        self.state, self._since = "selftest", self._now
