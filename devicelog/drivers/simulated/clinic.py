"""A clinic that never ends: plausible treatments, one after another, room by room."""

import random
from collections.abc import Iterator
from typing import Final

import msgspec

from devicelog.drivers.simulated.equipment import LARGE, SMALL, Programme
from devicelog.drivers.simulated.script import Step
from devicelog.drivers.simulated.ultrasound import Action

_SELFTEST_S: Final = 3.2
_APART_S: Final = 30.0  # so much later the next room begins its day
_USUAL: Final = (
    (LARGE, Programme(1.0, 100, 1.0, 480)),
    (LARGE, Programme(1.0, 50, 0.8, 360)),
    (LARGE, Programme(1.0, 20, 1.5, 300)),
    (LARGE, Programme(3.0, 50, 0.5, 300)),
    (SMALL, Programme(3.0, 20, 0.5, 300)),
    (SMALL, Programme(3.0, 100, 0.8, 240)),
)
# What stops the timer for a while: how it begins, how it ends, how long at most. Two
# seconds are the least that is seen by who looks once a second.
_AWAY: Final[dict[str, tuple[Action, Action, float]]] = {
    "contact": ("uncouple", "couple", 12.0),
    "pause": ("pause", "resume", 60.0),
}
_LEAST_S: Final = 2.0


def clinic(seed: int, *, room: int = 1, scale: float = 1.0) -> Iterator[Step]:
    """What happens in this room (from 1), in its device's own time; the same each time.

    All rooms of a seed give the same treatments in the same order, but each begins
    with another one and later than the room before. With a `scale` under 1 treatments
    and the pauses between them are as much shorter.
    """
    order = random.Random(seed).sample(_USUAL, len(_USUAL))  # noqa: S311  no secret
    dice = random.Random(f"{seed}/{room}")  # noqa: S311  plausible, not secret
    at = _SELFTEST_S + ((room - 1) * _APART_S + dice.uniform(0, 8)) * scale
    turn = room - 1
    while True:
        head, usual = order[turn % len(order)]
        turn += 1
        seconds = float(round(usual.time_s * scale))
        programme = msgspec.structs.replace(usual, time_s=seconds)
        yield Step(at, "swap", head)
        at += 3 * scale
        yield Step(at, "load", programme)
        at += dice.uniform(2, 12) * scale
        yield Step(at, "start")
        for step in _course(dice, programme, at, scale):
            yield step
            at = step.at_s
        at += dice.uniform(30, 180) * scale


def _course(
    dice: random.Random, programme: Programme, begin_s: float, scale: float
) -> Iterator[Step]:
    """From a start to the cleared end screen, with what befalls a usual treatment."""
    stops = dice.randrange(10) == 0
    lasts = programme.time_s * (dice.uniform(0.3, 0.9) if stops else 1)
    lost = 0.0  # seconds in which the timer stood still
    moments = sorted(dice.uniform(0.1, 0.9) * lasts for _ in range(dice.randrange(4)))
    for moment in moments:
        at = begin_s + moment + lost
        (befalls,) = dice.choices(("contact", "pause", "turn"), (6, 2, 2))
        if befalls == "turn":
            yield Step(at, "turn", round(programme.intensity_w_cm2 * 0.8, 1))
            continue
        gone, back, most_s = _AWAY[befalls]
        away = dice.uniform(_LEAST_S, max(2 * _LEAST_S, most_s * scale))
        yield Step(at, gone)
        yield Step(at + away, back)
        lost += away
    end = begin_s + lasts + lost
    if stops:
        yield Step(end, "stop")
    yield Step(end + dice.uniform(4, 20) * max(scale, 0.25), "clear")
