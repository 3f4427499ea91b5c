"""Scales and ticks: where a number lies on paper, and which numbers stand beside."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

_STEPS: Final = (1, 2, 2.5, 5, 10)
_MINUTE: Final = 60
_HOUR: Final = 3600
# Seconds between ticks of time; longer ones are whole hours.
_TIMES: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


class Scale(msgspec.Struct, frozen=True):
    """Numbers from `low` to `high` lie from `start` to `end` on paper; low < high."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where it lies; never outside."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


class Axis(msgspec.Struct, frozen=True):
    """A scale and its ticks, each with what is written beside."""

    scale: Scale
    ticks: tuple[tuple[float, str], ...]


def levels(values: Sequence[float], start: float, end: float, about: int = 4) -> Axis:
    """An axis that holds all values and 0, from tick to tick, about so many."""
    low, high = min([0.0, *values]), max([0.0, *values])
    if high - low < _HAIR:
        high = low + 1.0
    step = _round_step((high - low) / about)
    first, last = math.floor(low / step + _HAIR), math.ceil(high / step - _HAIR)
    places = max(0, -math.floor(math.log10(step) + _HAIR))
    if round(step, places) != round(step, places + 1):
        places += 1  # steps of 2.5
    ticks = [step * n for n in range(first, last + 1)]
    return Axis(
        Scale(min(ticks[0], low), max(ticks[-1], high), start, end),
        tuple((it, _level(it, places)) for it in ticks),
    )


def seconds(until_s: float, start: float, end: float, about: int = 8) -> Axis:
    """An axis of time from 0, in whole seconds, minutes or hours."""
    until_s = max(until_s, 1.0)
    step = next((it for it in _TIMES if until_s / it <= about), 0.0)
    if not step:
        step = max(1.0, round(_round_step(until_s / about / _HOUR))) * _HOUR
    ticks = [step * n for n in range(math.floor(until_s / step + _HAIR) + 1)]
    long = until_s >= _HOUR
    return Axis(
        Scale(0.0, until_s, start, end),
        tuple((it, clock(it, hours=long)) for it in ticks),
    )


def clock(s: float, *, hours: bool = False) -> str:
    """`5:00`, or `1:05:00`, of a duration in seconds."""
    minutes, rest = divmod(round(s), _MINUTE)
    if hours or minutes >= _MINUTE:
        return f"{minutes // _MINUTE}:{minutes % _MINUTE:02}:{rest:02}"
    return f"{minutes}:{rest:02}"


_HAIR: Final = 1e-9  # 0.3 / 0.1 is a hair below 3


def _round_step(rough: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(it * power for it in _STEPS if it * power >= rough * (1 - _HAIR))


def _level(value: float, places: int) -> str:
    big = abs(value) >= 1e6  # noqa: PLR2004
    return f"{value:.4g}" if big else f"{value:.{places}f}"
