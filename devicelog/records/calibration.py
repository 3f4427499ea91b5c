"""Checks of heads and devices: what was measured, what is due, what it means for doses.

Tolerances: output within 20 % of what is shown (21 CFR 1050.10), timers within 10 %
(the audits' limit; 21 CFR 1050.10 asks no less for 5 to 10 minutes). Intervals: IEC TS
62462 asks for output checks at acceptance, each week and each year; timers and
electrical safety are looked at each year.
"""

from typing import Annotated, Final

import msgspec

from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader, SessionRow
from devicelog.model.flow import Draft
from devicelog.model.said import (
    LEVELS,
    CalibrationBody,
    Check,
    Level,
    Mode,
    Point,
    Thing,
    WrongCheck,
)
from devicelog.records.register import Book, Code, Name, dated, said
from devicelog.records.request import Args, Asked, View

TOLERANCE_PCT: Final[dict[Check, float]] = {"output": 20.0, "timer": 10.0}
_DAY_NS: Final = 86_400 * 1_000_000_000
_CONTINUOUS_PCT: Final = 100
# What is looked at, of what, how thoroughly, every so many days.
SCHEME: Final[tuple[tuple[Thing, Check, Level, int], ...]] = (
    ("head", "output", "weekly", 7),
    ("head", "output", "annual", 365),
    ("device", "timer", "annual", 365),
    ("device", "electrical_safety", "annual", 365),
)


class AddCheck(Args, frozen=True, kw_only=True, omit_defaults=True):
    """A check was made. `passed` is for what has no points: electrical safety."""

    thing: Thing
    name: Name
    check: Check
    level: Level = "annual"
    on_ns: Annotated[int, msgspec.Meta(ge=0)] = 0
    passed: bool | None = None
    frequency_mhz: Annotated[float, msgspec.Meta(ge=0.02, le=5)] | None = None
    mode: Mode | None = None
    points: tuple[Point, ...] = ()
    checker: Code = ""
    instrument: Code = ""


class WithdrawCheck(Args, frozen=True, kw_only=True, omit_defaults=True):
    """The check of this entry was written down by mistake."""

    seq: int
    reason: WrongCheck


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A check that stands, by the number of its entry."""

    seq: int
    thing: Thing
    name: str
    check: Check
    level: Level
    on_ns: int
    passed: bool
    frequency_mhz: float | None
    mode: Mode | None
    points: tuple[Point, ...]
    error_pct: float | None
    checker: str
    instrument: str


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """When a check is due; `last_ns` None: it was never made. `why` tells more."""

    thing: Thing
    name: str
    check: Check
    level: Level
    last_ns: int | None
    due_ns: int
    overdue: bool
    why: str = ""


def add(view: View, asked: Asked, args: AddCheck) -> list[Draft]:
    """What the points say is reckoned here: the error, and whether it passed."""
    _complete(args)
    if args.thing == "device":
        view.device(args.name)
    body = asked.body(
        CalibrationBody,
        thing=args.thing,
        name=args.name,
        check=args.check,
        level=args.level,
        on_ns=dated(asked, args.on_ns),
        passed=_passed(args),
        frequency_mhz=args.frequency_mhz,
        mode=args.mode,
        points=args.points,
        error_pct=error_pct(args.points),
        checker=args.checker,
        instrument=args.instrument,
    )
    device = args.name if args.thing == "device" else "-"
    return [asked.draft("calibration", body, device=device)]


def withdraw(view: View, asked: Asked, args: WithdrawCheck) -> list[Draft]:
    """It is kept, and no longer stands."""
    if args.seq not in {it.seq for it in checks(view.journal)}:
        raise DevicelogError(
            f"entry {args.seq} is no check that stands",
            hint="`devicelog calibration list` shows their numbers",
        )
    body = asked.body(CalibrationBody, of=args.seq, reason=args.reason)
    return [asked.draft("calibration", body)]


def checks(journal: Reader) -> list[Checked]:
    """All checks that stand, in order of their dates."""
    standing: dict[int, Checked] = {}
    shared = Checked.__struct_fields__[1:]
    for entry, body in said(journal, "calibration"):
        if body.of is not None:
            standing.pop(body.of, None)
        else:
            told = {name: getattr(body, name) for name in shared}
            standing[entry.seq] = Checked(seq=entry.seq, **told)
    return sorted(standing.values(), key=lambda it: (it.on_ns, it.seq))


def due(journal: Reader, now_ns: int) -> list[Due]:
    """What is to be checked, the most urgent first; a repair makes it due at once."""
    made = checks(journal)
    things = {(it.thing, it.name) for it in made}
    things |= {("head", name) for name in journal.head_names()}
    things |= {("device", it.device) for it in journal.devices()}
    register = Book(journal).at(now_ns)
    things |= set(register)
    retired = {key for key, it in register.items() if not it.in_service}
    found = []
    for thing, name in things - retired:
        stood = register.get((thing, name))
        repaired_ns = stood.repaired_ns if stood else None
        for which, check, level, days in SCHEME:
            if which == thing:
                mine = [it for it in made if _counts(it, thing, name, check, level)]
                last = mine[-1] if mine else None
                told = (thing, name, check, level)
                found.append(_due(told, days, last, repaired_ns, now_ns))
    return sorted(found, key=lambda it: (it.due_ns, it.name, it.check, it.level))


def error_pct(points: tuple[Point, ...]) -> float | None:
    """Measured against shown, over all points; None without any."""
    shown = sum(it.shown for it in points)
    if not shown:
        return None
    return round(100 * (sum(it.measured for it in points) / shown - 1), 3)


def output_check(
    made: list[Checked], names: frozenset[str], row: SessionRow
) -> Checked | None:
    """The last output check of this head, at this frequency and mode, before a session.

    None where there is none that matches all of it.
    """
    frequency, mode = row.settings.get("frequency_mhz"), mode_of(row)
    if frequency is None or mode is None:
        return None
    before = [
        it
        for it in made
        if it.check == "output"
        and it.name in names
        and it.on_ns <= row.started_ns
        and it.mode == mode
        and it.error_pct is not None
        and it.frequency_mhz is not None
        and round(it.frequency_mhz, 1) == round(float(frequency), 1)
    ]
    return before[-1] if before else None


def mode_of(row: SessionRow) -> Mode | None:
    """Continuous or pulsed, by its duty cycle; None where the wire does not say."""
    duty = row.settings.get("duty_pct")
    if duty is None:
        return None
    return "continuous" if duty == _CONTINUOUS_PCT else "pulsed"


# --- Private ----------------------------------------------------------------------


def _complete(args: AddCheck) -> None:
    """Raise DevicelogError where a check does not say what it must."""
    missing = ""
    if args.check == "electrical_safety":
        missing = "whether it passed" if args.passed is None else ""
    elif not args.points:
        missing = "what was shown and what was measured"
    elif min(it.shown for it in args.points) <= 0:
        missing = "what was shown, above 0, at each point"
    elif args.passed is not None:
        raise DevicelogError(
            "whether it passed is reckoned from its points", hint="leave it out"
        )
    if args.check == "output" and (args.frequency_mhz is None or args.mode is None):
        missing = missing or "at which frequency and in which mode"
    if missing:
        raise DevicelogError(
            f"a check of {args.check.replace('_', ' ')} must say {missing}",
            hint="see `devicelog calibration add --help`",
        )


def _passed(args: AddCheck) -> bool:
    """Every point by itself: errors that cancel out are errors."""
    if args.check not in TOLERANCE_PCT:
        return bool(args.passed)
    limit = TOLERANCE_PCT[args.check]
    return all(
        abs(it.measured - it.shown) * 100 <= limit * it.shown + 1e-9
        for it in args.points
    )


def _counts(it: Checked, thing: Thing, name: str, check: Check, level: Level) -> bool:
    """Whether this check was one of that kind: a thorough one includes the others."""
    same = (it.thing, it.name, it.check) == (thing, name, check)
    return same and LEVELS.index(it.level) >= LEVELS.index(level)


def _due(
    told: tuple[Thing, str, Check, Level],
    days: int,
    last: Checked | None,
    repaired_ns: int | None,
    now_ns: int,
) -> Due:
    thing, name, check, level = told
    last_ns, why = (last.on_ns if last else None), ""
    due_ns = now_ns if last_ns is None else last_ns + days * _DAY_NS
    if last is None:
        why = "never checked"
    elif repaired_ns is not None and repaired_ns > last.on_ns:
        due_ns, why = repaired_ns, "repaired since"
    elif not last.passed:
        due_ns, why = last.on_ns, "the last one failed"
    return Due(
        thing=thing,
        name=name,
        check=check,
        level=level,
        last_ns=last_ns,
        due_ns=due_ns,
        overdue=due_ns <= now_ns,
        why=why,
    )
