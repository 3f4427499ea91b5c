"""Treatments as data: what is done to a virtual device, and when.

A script's steps count from the start of its treatment (the start key is second 0). R1,
R2, R3 are textbook prescriptions with known totals; the others go wrong on purpose.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from devicelog.drivers.simulated.equipment import LARGE, SMALL, Head, Programme
from devicelog.drivers.simulated.ultrasound import Action, Ultrasound
from devicelog.model.fields import Value

LOADED_BEFORE_S: Final = 5.0


class Step(msgspec.Struct, frozen=True):
    """At this time this happens to the device; for `value` see `Action`."""

    at_s: float
    action: Action
    value: Programme | Head | float | str | None = None


class Script(msgspec.Struct, frozen=True):
    """One treatment from loading its programme to the device being idle again.

    `ends_s`: when the treatment ends (0: not told); with `ramp_s` and
    `timer_error_pct` the device is made (see `Ultrasound`).
    """

    meaning: str
    programme: Programme
    ends_s: float = 0.0
    steps: tuple[Step, ...] = ()
    head: Head = LARGE
    ramp_s: float = 0.0
    timer_error_pct: float = 0.0

    def device(self) -> Ultrasound:
        """A device as this treatment needs it."""
        return Ultrasound(
            self.head,
            ramp_s=self.ramp_s,
            ramp_from=1.0,
            timer_error_pct=self.timer_error_pct,
        )

    def timeline(self, begin_s: float = 10.0) -> list[Step]:
        """The steps in the device's own time: the start key is pressed at `begin_s`."""
        steps = (
            Step(-LOADED_BEFORE_S, "load", self.programme),
            Step(0.0, "start"),
            *self.steps,
        )
        return [Step(begin_s + it.at_s, it.action, it.value) for it in steps]

    def player(self, begin_s: float = 10.0) -> "Player":
        """This treatment, on a device of its own."""
        return Player(self.device(), self.timeline(begin_s))


class Player:
    """A device to which a script happens. `ignored` are steps that did nothing."""

    def __init__(self, device: Ultrasound, steps: Iterable[Step]) -> None:
        self.device = device
        self.ignored: list[Step] = []
        self._steps = iter(steps)
        self._next = next(self._steps, None)

    def advance(self, to_s: float) -> None:
        """Let time pass, and what the script has for it happen at its own time."""
        while self._next is not None and self._next.at_s <= to_s:
            step = self._next
            self.device.advance(step.at_s)
            if not self.device.press(step.action, step.value):
                self.ignored.append(step)
            self._next = next(self._steps, None)
        self.device.advance(to_s)

    def values(self) -> dict[str, Value]:
        """See `Ultrasound.values`."""
        return self.device.values()


_FIVE_MINUTES: Final = Programme(1.0, 100, 0.5, 300)

SCRIPTS: Final[dict[str, Script]] = {
    "R1": Script(
        "pulsed, small head, lateral epicondyle; contact lost twice: 24 J",
        Programme(3.0, 20, 0.5, 300),
        317,
        (
            Step(41, "uncouple"),
            Step(47, "couple"),
            Step(178, "uncouple"),
            Step(189, "couple"),
            Step(330, "clear"),
        ),
        head=SMALL,
        ramp_s=3.0,
    ),
    "R2": Script(
        "continuous, gluteal; lowered as the head is warm: 2160 J",
        Programme(1.0, 100, 1.0, 480),
        480,
        (Step(240, "turn", 0.8), Step(490, "clear")),
    ),
    "R3": Script(
        "half duty, knee; paused for a telephone, stopped for pain: 440 J",
        Programme(1.0, 50, 0.8, 360),
        255,
        (
            Step(95, "pause"),
            Step(130, "resume"),
            Step(255, "stop"),
            Step(270, "clear"),
        ),
    ),
    "lengthened": Script(
        "three minutes more, given while it runs",
        _FIVE_MINUTES,
        480,
        (Step(120, "lengthen", 180.0), Step(490, "clear")),
    ),
    "head_swapped": Script(
        "the small head instead of the large one, in a pause",
        _FIVE_MINUTES,
        330,
        (
            Step(120, "pause"),
            Step(135, "swap", SMALL),
            Step(150, "resume"),
            Step(340, "clear"),
        ),
    ),
    "weak": Script(
        "below what the coupling sensor can sense; off the skin and not held",
        Programme(1.0, 100, 0.1, 300),
        300,
        (Step(60, "uncouple"), Step(80, "couple"), Step(310, "clear")),
    ),
    "no_output": Script(
        "runs its whole time at intensity 0",
        Programme(1.0, 100, 0.0, 300),
        300,
        (Step(310, "clear"),),
    ),
    "accidental": Script(
        "started and stopped within ten seconds",
        _FIVE_MINUTES,
        6,
        (Step(6, "stop"), Step(12, "clear")),
    ),
    "twice": Script(
        "two treatments in a row",
        Programme(1.0, 50, 0.8, 180),
        405,
        (
            Step(190, "clear"),
            Step(220, "load", Programme(3.0, 20, 0.5, 180)),
            Step(225, "start"),
            Step(420, "clear"),
        ),
    ),
    "reset": Script(
        "the device restarts in the middle",
        _FIVE_MINUTES,
        100,
        (Step(100, "reset"),),
    ),
    "fault_resumed": Script(
        "a fault, seen to within half a minute, then on to the end",
        _FIVE_MINUTES,
        330,
        (
            Step(90, "fail", "3"),
            Step(110, "acknowledge"),
            Step(120, "resume"),
            Step(340, "clear"),
        ),
    ),
    "failed": Script(
        "a fault that ends the treatment",
        _FIVE_MINUTES,
        90,
        (Step(90, "fail", "4"), Step(300, "clear")),
    ),
    "slow_timer": Script(
        "a timer that runs 12 % slow",
        _FIVE_MINUTES,
        300 / 0.88,
        (Step(350, "clear"),),
        timer_error_pct=-12.0,
    ),
}
