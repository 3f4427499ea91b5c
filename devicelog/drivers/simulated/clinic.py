"""A clinic that never ends: plausible treatments, one after another, room by room."""

import random
from collections.abc import Iterator
from typing import Final

import msgspec

from devicelog.drivers.simulated.channel import Action
from devicelog.drivers.simulated.equipment import (
    LARGE,
    SMALL,
    TWO_POLE,
    Combined,
    Current,
    Head,
    Programme,
)
from devicelog.drivers.simulated.play import Loaded, Step
from devicelog.model.states import Modality

_SELFTEST_S: Final = 3.2
_APART_S: Final = 30.0  # so much later the next room begins its day
Usual = tuple[Head | None, Loaded]

_SOUND: Final[tuple[Usual, ...]] = (
    (LARGE, Programme(1.0, 100, 1.0, 480)),
    (LARGE, Programme(1.0, 50, 0.8, 360)),
    (LARGE, Programme(1.0, 20, 1.5, 300)),
    (LARGE, Programme(3.0, 50, 0.5, 300)),
    (SMALL, Programme(3.0, 20, 0.5, 300)),
    (SMALL, Programme(3.0, 100, 0.8, 240)),
)
_CURRENT: Final[tuple[Usual, ...]] = (
    (None, Current(18.0, 18.0, 1200, 80.0, 150.0, "6/6", ramp_s=10.0)),
    (None, Current(24.0, 22.0, 900, 90.0, 100.0, "6/6", ramp_s=5.0)),
    (None, Current(15.0, 15.0, 600, 1.0, 100.0, "1/1", ramp_s=5.0)),
    (None, Current(20.0, 0.0, 900, ramp_s=8.0, waveform=TWO_POLE)),
    (None, Current(12.0, 12.0, 600, 100.0, 100.0, ramp_s=5.0, balance_pct=10.0)),
)
_BOTH: Final[tuple[Usual, ...]] = (
    (
        LARGE,
        Combined(
            Programme(1.0, 100, 0.5, 300), Current(10.0, 0.0, 300, waveform=TWO_POLE)
        ),
    ),
)
# What stops the timer for a while: how it begins, how it ends, how long at most. Two
# seconds are the least that is seen by who looks once a second.
_AWAY: Final[dict[str, tuple[Action, Action, float]]] = {
    "contact": ("uncouple", "couple", 12.0),
    "pause": ("pause", "resume", 60.0),
}
_LEAST_S: Final = 2.0


def clinic(
    seed: int,
    *,
    room: int = 1,
    scale: float = 1.0,
    modalities: frozenset[Modality] = frozenset({"us"}),
) -> Iterator[Step]:
    """What happens in this room (from 1), in its device's own time; the same each time.

    All rooms of a seed with equal devices give the same treatments in the same order,
    but each begins with another one and later than the room before. With a `scale`
    under 1 treatments and the pauses between them are as much shorter.
    """
    usual = usually(modalities)
    order = random.Random(seed).sample(usual, len(usual))  # noqa: S311  no secret
    dice = random.Random(f"{seed}/{room}")  # noqa: S311  plausible, not secret
    at = _SELFTEST_S + ((room - 1) * _APART_S + dice.uniform(0, 8)) * scale
    turn = room - 1
    while True:
        head, whole = order[turn % len(order)]
        turn += 1
        for step in treatment(dice, head, shortened(whole, scale), at, scale):
            yield step
            at = step.at_s
        at += dice.uniform(30, 180) * scale


def usually(modalities: frozenset[Modality]) -> tuple[Usual, ...]:
    """What is given with a device of these."""
    given = () if "us" not in modalities else _SOUND
    given += () if "if" not in modalities else _CURRENT
    return given + (_BOTH if len(modalities) > 1 else ())


def treatment(
    dice: random.Random, head: Head | None, programme: Loaded, at: float, scale: float
) -> Iterator[Step]:
    """From the head in the hand to the cleared end screen."""
    if head is not None:
        yield Step(at, "swap", head)
        at += 3 * scale
    yield Step(at, "load", programme)
    at += dice.uniform(2, 12) * scale
    yield Step(at, "start")
    yield from _course(dice, programme, at, scale)


def shortened(whole: Loaded, scale: float) -> Loaded:
    """The same in so much of its time, in whole seconds."""
    if isinstance(whole, Combined):
        sound, current = shortened(whole.sound, scale), shortened(whole.current, scale)
        return msgspec.structs.replace(whole, sound=sound, current=current)
    seconds = float(round(whole.time_s * scale))
    return msgspec.structs.replace(whole, time_s=seconds)


# --- Private ----------------------------------------------------------------------


def _course(
    dice: random.Random, programme: Loaded, begin_s: float, scale: float
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
            yield _lower(programme, at)
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


def _lower(programme: Loaded, at: float) -> Step:
    """Too much is felt: a fifth less."""
    if isinstance(programme, Combined):
        return _lower(programme.current, at)
    if isinstance(programme, Programme):
        return Step(at, "turn", round(programme.intensity_w_cm2 * 0.8, 1))
    levels = (programme.amplitude_1_ma, programme.amplitude_2_ma)
    one, other = (float(round(level * 0.8)) for level in levels)
    return Step(at, "turn", (one, other), "if")
