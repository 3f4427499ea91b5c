"""What the tests of this room share: readings in seconds, devices that follow a script.

Times of tests are seconds after `AT`; the monotonic axis begins elsewhere on purpose.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from devicelog.model.codec import encode
from devicelog.model.flow import Reading, SessionEvent
from devicelog.model.states import EMITTING, State
from devicelog.sessions.rules import Rules
from devicelog.sessions.tracker import Tracker

SECOND = 1_000_000_000
AT = 1_795_600_000 * SECOND  # 2026-11-25T09:46:40Z
MONO = 777 * SECOND

SOUND = {
    "time_set_s": 300.0,
    "frequency_mhz": 1.0,
    "duty_pct": 100.0,
    "intensity_w_cm2": 1.0,
    "era_cm2": 5.0,
    "contact_ok": True,
}


def ns(seconds: float) -> int:
    return round(seconds * SECOND)


def at(seconds: float) -> int:
    return AT + ns(seconds)


def mono(seconds: float) -> int:
    return MONO + ns(seconds)


def rules(**changes: Any) -> Rules:
    return Rules(**({"modality": "us", "convention": "SATP"} | changes))


def tracker(the_rules: Rules | None = None, taken: Iterable[str] = ()) -> Tracker:
    return Tracker("us1", "us", the_rules or rules(), set(taken).__contains__)


def reading(
    seconds: float, state: State, left: float | None = None, **values: Any
) -> Reading:
    """A reading of an ultrasound device; output flows while it emits."""
    said: dict[str, Any] = dict(SOUND)
    if left is not None:
        said["time_left_s"] = float(left)
    if state not in EMITTING:
        said["intensity_w_cm2"] = 0.0
    said |= values
    said = {name: value for name, value in said.items() if value is not None}
    return Reading("us", state, mono(seconds), at(seconds), said, b"\x01")


def play(it: Tracker, *readings: Reading) -> list[SessionEvent]:
    return [event for one in readings for event in it.take(one)]


def told(events: Iterable[SessionEvent]) -> list[str]:
    """Names of events; an end with its reason."""
    return [e.event if e.event != "end" else f"end {e.reason}" for e in events]


def bodies(events: Iterable[SessionEvent]) -> list[bytes]:
    return [encode(event) for event in events]


def end_of(events: Iterable[SessionEvent]) -> SessionEvent:
    (end,) = (event for event in events if event.event == "end")
    return end


# --- Devices that follow a script ------------------------------------------------

Scene = tuple[float, State, dict[str, Any]]


def script(
    *scenes: Scene,
    set_s: float,
    until: float,
    rate: float = 1.0,
    values: Callable[[float, dict[str, Any]], dict[str, Any]] | None = None,
) -> Callable[[float], Reading]:
    """A device whose state changes at these times; its timer runs while it emits."""

    def look(seconds: float) -> Reading:
        left, said, state = set_s, {"time_set_s": set_s}, "idle"
        ends = [scene[0] for scene in scenes[1:]] + [until]
        for (begin, scene_state, more), end in zip(scenes, ends, strict=True):
            if seconds < begin:
                break
            state, said = scene_state, said | more
            if state in EMITTING:
                left -= rate * (min(seconds, end) - begin)
        said = {**said, "time_left_s": max(left, 0.0)}
        said = values(seconds, said) if values else said
        return Reading("us", state, mono(seconds), at(seconds), said, b"\x01")

    return look


def clock(
    until: float, interval: float = 1.0, jitter: float = 0.0, seed: int = 0
) -> Iterator[float]:
    """The times at which a device is read."""
    chance = random.Random(seed)
    seconds = -3.0
    while seconds <= until:
        yield seconds
        seconds += interval * (1 + jitter * (2 * chance.random() - 1))
