"""Bodies of entries that a person causes: who said it, how, when, and what.

What a device reported is never changed by them: they stand beside it. Everything here
is a word of a closed list, a number, a code or a pseudonym; free text is sealed bytes.
"""

from typing import Final, Literal, get_args

import msgspec

from devicelog.model.body import Body
from devicelog.model.facts import Facts, Manual
from devicelog.model.states import Purpose

How = Literal[
    "hand",  # a person said it of what was there
    "ahead",  # a person said it before, and it was carried out at the start
    "import",  # it was read from a file
    "simulated",  # nobody said it
]

Reason = Literal[
    "wrong_patient",  # bound to somebody else by mistake
    "wrong_session",  # the patient was treated, but not in this session
    "duplicate_patient",  # two pseudonyms stand for one person
    "mistake",  # it should not have been written down
    "other",  # said in a note
]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
WrongCheck = Literal["mistake", "other"]  # those of them that a check can have
WRONG_CHECK: Final[tuple[WrongCheck, ...]] = get_args(WrongCheck)


class Said(Body, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """What all of them share. `request` is a digest of what was asked.

    `mono_ns` and `boot_id` are for what lasts seconds or minutes (undo, ahead): wall
    time may be stepped in between. `note` is sealed.
    """

    by: str
    how: How = "hand"
    request: str = ""
    mono_ns: int = 0
    boot_id: str = ""
    note: bytes | None = None


BindingEvent = Literal[
    "bound",  # the session belongs to this patient
    "unbound",  # to nobody: it is back in the inbox
    "undone",  # within ten seconds: as it was before; `undoes` is that entry
    "ahead",  # the next session on this device, within so long, is for this patient
    "lapsed",  # nothing came of it: too late, or it could not be carried out
    "forgotten",  # the patient was: the session is nobody's for good
    "withdrawn",  # nothing shall come of it, a person says
]


class BindingBody(Said, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """A session belongs to a patient from here on; `pseudonym` empty: to nobody.

    `was` is whose it was before. `ahead` is the entry that this carries out or ends.
    `confirmed`: said again after a question. `why` is of `lapsed`.
    """

    event: BindingEvent = "bound"
    session_id: str = ""
    pseudonym: str = ""
    was: str = ""
    clinician: str = ""
    was_clinician: str = ""
    reason: Reason | None = None
    confirmed: bool = False
    undoes: int | None = None
    ahead: int | None = None
    within_s: float | None = None
    why: str = ""


class PurposeBody(Said, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """What a session was for, and what it was held to be for before."""

    session_id: str
    purpose: Purpose
    was: Purpose = "treatment"


class AnnotationBody(Said, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """What a person adds to a session; the latest of each fact stands.

    `withdrawn` names facts that no longer stand.
    """

    session_id: str
    facts: Facts = Facts()
    withdrawn: tuple[str, ...] = ()


class ManualBody(Said, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """A treatment without a device, given to a patient from `began_ns` on.

    `withdrawn`: the entry `of` was a mistake; then it says no more than that.
    """

    event: Literal["added", "withdrawn"] = "added"
    pseudonym: str
    treatment: Manual | None = None
    began_ns: int = 0
    minutes: float = 0.0
    clinician: str = ""
    facts: Facts = Facts()
    of: int | None = None
    reason: Reason | None = None


Thing = Literal["device", "head"]
RegisterEvent = Literal[
    "in_service",
    "out_of_service",
    "repaired",
    "moved",  # a head: it is on `device` from then on, or on none
    "labelled",
]


class RegisterBody(Said, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """Something about a device or a head, true from `on_ns` on.

    A head's `name` is its serial number, or what the device calls it where it has none.
    """

    thing: Thing
    name: str
    event: RegisterEvent
    on_ns: int
    serial: str = ""
    asset: str = ""
    label: str = ""
    device: str = ""


Check = Literal["output", "timer", "electrical_safety"]
CHECKS: Final[tuple[Check, ...]] = get_args(Check)
# How thorough: each includes those before it (IEC TS 62462).
Level = Literal["weekly", "annual", "acceptance"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
Mode = Literal["continuous", "pulsed"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)


class Point(msgspec.Struct, frozen=True):
    """What was set or shown, and what was measured: W for output, s for timers."""

    shown: float
    measured: float


class CalibrationBody(Said, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """A check of a device or head, made at `on_ns`.

    `error_pct`: measured against shown over all points; positive: it gives more than
    it shows. `of` withdraws an earlier one; then it says no more than that.
    """

    thing: Thing = "head"
    name: str = ""
    check: Check = "output"
    level: Level = "annual"
    on_ns: int = 0
    passed: bool = False
    frequency_mhz: float | None = None
    mode: Mode | None = None
    points: tuple[Point, ...] = ()
    error_pct: float | None = None
    checker: str = ""
    instrument: str = ""
    of: int | None = None
    reason: Reason | None = None
