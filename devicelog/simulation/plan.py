"""The days of a made-up clinic: which device treats whom, when, and what goes wrong.

Pure, and the same for the same seed. All seconds count from midnight before the first
day, in the clinic's own time; the devices are off outside of their hours.

22 days of forty treatments, some eight minutes each and told of once a second, are 0.4
million readings of sessions. With those around them, and of channels at rest, it is 0.5
million; 0.45 million are kept.
"""

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

import msgspec

from devicelog.drivers.simulated.clinic import shortened, treatment, usually
from devicelog.drivers.simulated.equipment import LARGE, Programme
from devicelog.drivers.simulated.faults import FaultName, Trouble
from devicelog.drivers.simulated.play import Loaded, Step
from devicelog.model.pseudonyms import pseudonym
from devicelog.model.states import Modality, Purpose

DAY_S: Final = 86_400
BEAT_S: Final = 1.0  # what speaks unasked does so once in this time
_HOURS: Final = (8.5, 13.5)  # when devices are switched on
_KNOWN: Final = 90  # patients of the clinic
# Treatments of this clinic take so long, in s.
_LASTS_S: Final[dict[Modality, tuple[float, ...]]] = {
    "us": (360.0, 420.0, 480.0),
    "if": (480.0, 600.0, 720.0),
}
_PURPOSES: Final[tuple[Purpose, ...]] = ("treatment", "training", "demonstration")
_WEAK: Final[tuple[tuple[FaultName, int | bool], ...]] = (
    ("silent", True),
    ("half", True),
    ("corrupt", True),
    ("flips", 1),
    ("flips", 2),
    ("garbage", 12),
    ("babble", 300),
    ("echo", True),
    ("unplugged", True),
)


class Device(msgspec.Struct, frozen=True):
    """One of the clinic's. `patients`: so many each half day."""

    name: str
    label: str
    profile: str
    modalities: frozenset[Modality]
    patients: int


# Forty treatments a day.
CLINIC: Final = (
    Device("us-1", "Ultrasound, room 1", "us-modbus", frozenset({"us"}), 7),
    Device("us-2", "Ultrasound, room 2", "us-classic", frozenset({"us"}), 7),
    Device("if-1", "Interferential, room 3", "ifc-classic", frozenset({"if"}), 4),
    Device("combo-1", "Combination, room 4", "combo", frozenset({"us", "if"}), 2),
)


class Visit(msgspec.Struct, frozen=True):
    """A treatment as it is planned. `patient`: a pseudonym, or empty: none is named."""

    at_s: float
    patient: str
    purpose: Purpose = "treatment"


class Room(msgspec.Struct, frozen=True):
    """A device and all that happens to it."""

    device: Device
    steps: list[Step]
    troubles: list[Trouble]
    visits: list[Visit]


def working_days(last: date, count: int, holidays: Collection[date] = ()) -> list[date]:
    """So many days on which the clinic is open, up to this one."""
    days: list[date] = []
    day = last
    while len(days) < count:
        friday = 5
        if day.isoweekday() <= friday and day not in holidays:
            days.insert(0, day)
        day -= timedelta(days=1)
    return days


def rooms(
    days: list[date],
    seed: int,
    clinic: Sequence[Device] = CLINIC,
    away: Mapping[str, Collection[date]] = {},
) -> list[Room]:
    """What happens in each room on these days; `away`: when a device is not there."""
    dice = random.Random(seed)  # noqa: S311  made up, no secret
    patients = [pseudonym(dice.choice) for _ in range(_KNOWN)]
    return [
        _room(it, days, patients, f"{seed}/{it.name}", away.get(it.name, ()))
        for it in clinic
    ]


# --- Private ----------------------------------------------------------------------


def _room(
    device: Device,
    days: list[date],
    patients: list[str],
    seed: str,
    away: Collection[date],
) -> Room:
    dice = random.Random(seed)  # noqa: S311  made up, no secret
    room = Room(device, [], [], [])
    off_s = 0.0
    for day in days:
        if day in away:
            continue
        midnight_s = float((day - days[0]).days * DAY_S)
        for hour in _HOURS:
            on_s = midnight_s + hour * 3600 + dice.uniform(0, 1200)
            room.troubles.append(Trouble(off_s, on_s - off_s, "unplugged"))
            weekly = day.isoweekday() == 1 and hour == _HOURS[0]
            off_s = _half_day(room, dice, on_s, patients, check=weekly)
            if dice.random() < 0.3:  # noqa: PLR2004  on some days the line is bad
                room.troubles.append(_bad_line(dice, on_s + 30, off_s - 30))
    last_s = float(((days[-1] - days[0]).days + 1) * DAY_S)
    room.troubles.append(Trouble(off_s, last_s - off_s + DAY_S, "unplugged"))
    return room


def _half_day(
    room: Room, dice: random.Random, on_s: float, patients: list[str], *, check: bool
) -> float:
    """From the switch on to the switch off, which is told."""
    room.steps.append(Step(on_s, "reset"))
    at_s = on_s + dice.uniform(20, 60)
    if check and "us" in room.device.modalities:
        room.visits.append(Visit(at_s, "", "output_check"))
        at_s = _treat(room, _output_check(dice, at_s)) + dice.uniform(30, 90)
    for _ in range(room.device.patients):
        room.visits.append(_visit(dice, at_s, patients))
        at_s = _treat(room, _given(room, dice, at_s)) + dice.uniform(20, 60)
    return at_s


def _treat(room: Room, steps: Iterator[Step]) -> float:
    """When these steps are over."""
    room.steps.extend(steps)
    return room.steps[-1].at_s


def _visit(dice: random.Random, at_s: float, patients: list[str]) -> Visit:
    (purpose,) = dice.choices(_PURPOSES, (97, 2, 1))
    named = purpose == "treatment" and dice.random() < 0.94  # noqa: PLR2004  the inbox
    return Visit(at_s, dice.choice(patients) if named else "", purpose)


def _given(room: Room, dice: random.Random, at_s: float) -> Iterator[Step]:
    """A usual treatment; now and then the device itself fails in it."""
    head, usual = dice.choice(usually(room.device.modalities))
    programme = _timed(dice, usual)
    fails = dice.random() < 0.03  # noqa: PLR2004  so many treatments end so
    failing = at_s + dice.uniform(30, 200)
    for step in treatment(dice, head, programme, at_s, 1.0):
        if fails and step.at_s > failing:
            yield dice.choice((Step(failing, "fail", "3"), Step(failing, "reset")))
            fails = False
        yield step


def _timed(dice: random.Random, usual: Loaded) -> Loaded:
    """The programme over a time that is usual here."""
    modality: Modality = "us" if isinstance(usual, Programme) else "if"
    return shortened(usual, dice.choice(_LASTS_S[modality]) / usual.time_s)


def _output_check(dice: random.Random, at_s: float) -> Iterator[Step]:
    """A minute in the tank of the power meter."""
    yield Step(at_s, "swap", LARGE)
    yield Step(at_s + 2, "load", Programme(1.0, 100, 1.0, 60))
    yield Step(at_s + 6, "start")
    yield Step(at_s + 70 + dice.uniform(0, 5), "clear")


def _bad_line(dice: random.Random, from_s: float, to_s: float) -> Trouble:
    fault, value = dice.choice(_WEAK)
    lasts_s = dice.uniform(2, 12)
    return Trouble(dice.uniform(from_s, to_s - lasts_s), lasts_s, fault, value)
