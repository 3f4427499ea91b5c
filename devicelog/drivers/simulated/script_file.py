"""A script of one's own: one treatment in a TOML file, checked strictly.

meaning = "lowered after a minute, then off the skin"
programme = { frequency_mhz = 1.0, duty_pct = 100, intensity_w_cm2 = 1.0, time_s = 300 }
ramp_s = 3.0             # and timer_error_pct, and head = { id, serial, ... }
[[steps]]                # in order; second 0 is the start key
at_s = 60.0
action = "turn"
intensity_w_cm2 = 0.8
[[steps]]
at_s = 90.0
action = "uncouple"

Interferential current has a `current` instead, combination therapy both. What goes
wrong between the device and who listens stands in [[troubles]]: at_s, for_s, `fault`.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from devicelog import strict
from devicelog.drivers.profile import Line
from devicelog.drivers.simulated.channel import Action
from devicelog.drivers.simulated.equipment import (
    DUTY_LABELS,
    LARGE,
    Combined,
    Current,
    Head,
    Programme,
)
from devicelog.drivers.simulated.faults import FaultName, Trouble
from devicelog.drivers.simulated.play import Loaded, Script, Step
from devicelog.errors import ConfigError
from devicelog.model.fields import FIELDS
from devicelog.model.flow import Identity
from devicelog.model.states import Modality

# The keys that may carry the value of an action, one or the other; all others take
# none. A programme and a current together are combination therapy.
_CARRIES: Final[dict[Action, tuple[str, ...]]] = {
    "load": ("programme", "current"),
    "turn": ("intensity_w_cm2", "amplitude_ma"),
    "lengthen": ("seconds",),
    "jump": ("seconds",),
    "swap": ("head",),
    "uncouple": ("circuit",),
    "couple": ("circuit",),
    "dry": ("times",),
    "fail": ("fault",),
    "clock": ("says",),
}
# The keys that carry the value of a fault; all others take none.
_SPOILS: Final[dict[FaultName, str]] = {
    "flips": "count",
    "garbage": "count",
    "babble": "count",
    "line": "line",
    "identity": "serial",
}
_OPTIONAL: Final = {"circuit"}
_KEYS: Final = {key: None for keys in _CARRIES.values() for key in keys}
_MEANT: Final[dict[str, Modality]] = {"intensity_w_cm2": "us", "amplitude_ma": "if"}
# What bounds a number, by key: a field of the catalogue, or two numbers.
_BOUNDS: Final[dict[str, str | tuple[float, float]]] = {
    "frequency_mhz": "frequency_mhz",
    "intensity_w_cm2": "intensity_w_cm2",
    "time_s": "time_set_s",
    "amplitude_1_ma": "amplitude_1_ma",
    "amplitude_2_ma": "amplitude_2_ma",
    "amplitude_ma": "amplitude_1_ma",
    "beat_low_hz": "beat_low_hz",
    "beat_high_hz": "beat_high_hz",
    "carrier_hz": "carrier_hz",
    "balance_pct": "balance_pct",
    "ramp_s": "ramp_s",
    "era_cm2": "era_cm2",
    "bnr": "bnr",
    "seconds": (0.001, 7200.0),  # no device counts further
    "circuit": (1, 2),
    "count": (1, 100_000),
    "baud": (50, 4_000_000),
    "times": (0.01, 1000.0),
    "timer_error_pct": (-99.0, 1000.0),
}


class _Step(msgspec.Struct, frozen=True):
    at_s: float
    action: Action
    programme: Programme | None = None
    current: Current | None = None
    intensity_w_cm2: float | None = None
    amplitude_ma: float | None = None
    seconds: float | None = None
    head: Head | None = None
    circuit: int | None = None
    times: float | None = None
    fault: str | None = None
    says: str | None = None

    @property
    def carried(self) -> dict[str, Any]:
        """What stands beside its time and its action."""
        return {it: value for it in _KEYS if (value := getattr(self, it)) is not None}


class _Trouble(msgspec.Struct, frozen=True):
    at_s: float
    for_s: float
    fault: FaultName
    count: int | None = None
    line: Line | None = None
    serial: str | None = None

    @property
    def carried(self) -> dict[str, Any]:
        """What stands beside its times and its name."""
        keys = ("count", "line", "serial")
        return {it: value for it in keys if (value := getattr(self, it)) is not None}


class _File(msgspec.Struct, frozen=True):
    programme: Programme | None = None
    current: Current | None = None
    meaning: str = ""
    steps: tuple[_Step, ...] = ()
    troubles: tuple[_Trouble, ...] = ()
    head: Head = LARGE
    ramp_s: float = 0.0
    timer_error_pct: float = 0.0


def parse(text: str, source: str) -> Script:
    """The script in this text. Raises ConfigError that lists all that is wrong."""
    table, problems = strict.load(text, source)
    file = None
    if table is not None:
        file, problems = table.check(_File)
        if file is not None:
            problems += _problems(table, file)
    if file is None or problems:
        listed = "\n  ".join(str(problem) for problem in problems)
        raise ConfigError(f"script {source} cannot be used:\n  {listed}")
    return Script(
        file.meaning or source,
        _loaded(file.programme, file.current),
        steps=tuple(_step(it) for it in file.steps),
        troubles=tuple(_trouble(it) for it in file.troubles),
        head=file.head,
        ramp_s=file.ramp_s,
        timer_error_pct=file.timer_error_pct,
    )


# --- Private ----------------------------------------------------------------------


def _loaded(sound: Programme | None, current: Current | None) -> Loaded:
    if sound and current:
        return Combined(sound, current)
    loaded = sound or current
    assert loaded  # noqa: S101  _problems saw to it
    return loaded


def _step(it: _Step) -> Step:
    if it.action == "load":
        return Step(it.at_s, it.action, _loaded(it.programme, it.current))
    for key, value in it.carried.items():
        return Step(it.at_s, it.action, value, _MEANT.get(key))
    return Step(it.at_s, it.action)


def _trouble(it: _Trouble) -> Trouble:
    value: Any = True
    for key, said in it.carried.items():
        value = Identity("SIM", said, "1.0") if key == "serial" else said
    return Trouble(it.at_s, it.for_s, it.fault, value)


def _problems(table: strict.Table, file: _File) -> Iterator[strict.Problem]:
    """What is wrong with values whose shapes are right."""
    if not (file.programme or file.current):
        what = 'is missing: what is given ("current", if it is no ultrasound)'
        yield table.problem("programme", what, "add it")
    yield from _bounded(table, "", file)
    before = 0.0
    for n, it in enumerate(file.steps):
        key = f"steps[{n}]"
        if not it.at_s >= before:
            yield table.problem(
                f"{key}.at_s",
                f"{it.at_s:g} is before {before:g}",
                "steps stand in order, from second 0, the start",
            )
        before = max(before, it.at_s)
        yield from _carries(table, key, it)
        yield from _bounded(table, f"{key}.", it)
    for n, trouble in enumerate(file.troubles):
        yield from _spoils(table, f"troubles[{n}]", trouble)


def _carries(table: strict.Table, key: str, it: _Step) -> Iterator[strict.Problem]:
    """Whether a step carries what its action needs, and nothing else."""
    may = _CARRIES.get(it.action, ())
    there = [*it.carried]
    for name in there:
        if name not in may:
            what = f'"{it.action}" takes no {name}'
            yield table.problem(f"{key}.{name}", what, "remove it")
    if may and not _OPTIONAL.issuperset(may) and not set(may) & set(there):
        remedy = " or ".join(["add it", *may[1:]])
        what = f'is missing: "{it.action}" needs it'
        yield table.problem(f"{key}.{may[0]}", what, remedy)
    if it.action != "load" and set(may) <= set(there) and len(may) > 1:
        what = f"stands beside {may[0]}: a step does one thing"
        yield table.problem(f"{key}.{may[1]}", what, "make two steps of it")


def _spoils(table: strict.Table, key: str, it: _Trouble) -> Iterator[strict.Problem]:
    """Whether a trouble carries what its fault needs, and nothing else."""
    needed = _SPOILS.get(it.fault)
    for name in it.carried:
        if name != needed:
            what = f'"{it.fault}" takes no {name}'
            yield table.problem(f"{key}.{name}", what, "remove it")
    if needed and needed not in it.carried:
        what = f'is missing: "{it.fault}" needs it'
        yield table.problem(f"{key}.{needed}", what, "add it")
    if not it.for_s > 0:
        yield table.problem(f"{key}.for_s", f"{it.for_s:g} is no time", "above 0")
    yield from _bounded(table, f"{key}.", it)


def _bounded(
    table: strict.Table, key: str, it: msgspec.Struct
) -> Iterator[strict.Problem]:
    """Whether numbers are within their bounds, in this table and those within it."""
    for name, value in msgspec.structs.asdict(it).items():
        where = f"{key}{name}"
        if isinstance(value, msgspec.Struct):
            yield from _bounded(table, f"{where}.", value)
        elif name == "duty_pct" and value not in DUTY_LABELS:
            known = ", ".join(str(it) for it in DUTY_LABELS)
            yield table.problem(where, f"{value} has no label", f"one of {known}")
        elif name in _BOUNDS and value is not None:
            low, high = _bounds(name)
            if not low <= value <= high:
                what = f"{value:g} is out of bounds"
                yield table.problem(where, what, f"{low:g} to {high:g}")


def _bounds(name: str) -> tuple[float, float]:
    bounds = _BOUNDS[name]
    if not isinstance(bounds, str):
        return bounds
    field = FIELDS[bounds]
    return field.low or 0.0, field.high or 0.0
