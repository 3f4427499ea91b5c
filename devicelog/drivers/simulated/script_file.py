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
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from devicelog import strict
from devicelog.drivers.simulated.equipment import DUTY_LABELS, LARGE, Head, Programme
from devicelog.drivers.simulated.script import Script, Step
from devicelog.drivers.simulated.ultrasound import Action
from devicelog.errors import ConfigError
from devicelog.model.fields import FIELDS

# The key that carries the value of an action; all others take none.
_CARRIES: Final[dict[Action, str]] = {
    "load": "programme",
    "turn": "intensity_w_cm2",
    "lengthen": "seconds",
    "swap": "head",
    "fail": "fault",
}
_LONGEST_S: Final = 7200.0  # FIELDS["time_set_s"].high: no device counts further


class _Step(msgspec.Struct, frozen=True):
    at_s: float
    action: Action
    programme: Programme | None = None
    intensity_w_cm2: float | None = None
    seconds: float | None = None
    head: Head | None = None
    fault: str | None = None


class _File(msgspec.Struct, frozen=True):
    programme: Programme
    meaning: str = ""
    steps: tuple[_Step, ...] = ()
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
        file.programme,
        steps=tuple(_step(it) for it in file.steps),
        head=file.head,
        ramp_s=file.ramp_s,
        timer_error_pct=file.timer_error_pct,
    )


# --- Private ----------------------------------------------------------------------


def _step(it: _Step) -> Step:
    key = _CARRIES.get(it.action)
    return Step(it.at_s, it.action, getattr(it, key) if key else None)


def _problems(table: strict.Table, file: _File) -> Iterator[strict.Problem]:
    """What is wrong with values whose shapes are right."""
    yield from _programme(table, "programme", file.programme)
    yield from _head(table, "head", file.head)
    if file.ramp_s < 0:
        yield table.problem(
            "ramp_s", f"{file.ramp_s:g} is before the start", "0 or more"
        )
    if not -100 < file.timer_error_pct <= 1000:  # noqa: PLR2004  (FIELDS: timer_error_pct)
        yield table.problem(
            "timer_error_pct", f"{file.timer_error_pct:g} is no clock", "above -100"
        )
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
        yield from _value(table, key, it)


def _value(table: strict.Table, key: str, it: _Step) -> Iterator[strict.Problem]:
    """Whether a step carries what its action needs, and nothing else."""
    needed = _CARRIES.get(it.action)
    for name in _CARRIES.values():
        there = getattr(it, name) is not None
        if there and name != needed:
            yield table.problem(
                f"{key}.{name}", f'"{it.action}" takes no {name}', "remove it"
            )
        if not there and name == needed:
            yield table.problem(
                f"{key}.{name}", f'is missing: "{it.action}" needs it', "add it"
            )
    if it.programme is not None:
        yield from _programme(table, f"{key}.programme", it.programme)
    if it.head is not None:
        yield from _head(table, f"{key}.head", it.head)
    if it.seconds is not None and not 0 < it.seconds <= _LONGEST_S:
        yield table.problem(
            f"{key}.seconds", f"{it.seconds:g} is out of bounds", f"to {_LONGEST_S:g}"
        )
    if it.intensity_w_cm2 is not None:
        yield from _field(table, key, "intensity_w_cm2", it.intensity_w_cm2)


def _programme(
    table: strict.Table, key: str, programme: Programme
) -> Iterator[strict.Problem]:
    yield from _field(table, key, "frequency_mhz", programme.frequency_mhz)
    yield from _field(table, key, "intensity_w_cm2", programme.intensity_w_cm2)
    yield from _field(table, key, "time_s", programme.time_s, "time_set_s")
    if programme.duty_pct not in DUTY_LABELS:
        known = ", ".join(str(it) for it in DUTY_LABELS)
        yield table.problem(
            f"{key}.duty_pct", f"{programme.duty_pct} has no label", f"one of {known}"
        )


def _head(table: strict.Table, key: str, head: Head) -> Iterator[strict.Problem]:
    yield from _field(table, key, "era_cm2", head.era_cm2)
    yield from _field(table, key, "bnr", head.bnr)


def _field(
    table: strict.Table, key: str, name: str, value: float, field: str = ""
) -> Iterator[strict.Problem]:
    """Whether the catalogue believes this value."""
    known = FIELDS[field or name]
    if not known.plausible(value):
        yield table.problem(
            f"{key}.{name}",
            f"{value:g} is out of bounds",
            f"{known.low:g} to {known.high:g}",
        )
