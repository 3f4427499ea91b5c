"""Devices and heads: lines, hours, errors of timers, checks that are due, recall."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from devicelog.console.people import in_short
from devicelog.console.trend import trend
from devicelog.console.visit import Answer, Refused, Sent, Shown, Visit
from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader, UseRow
from devicelog.model.said import CHECKS, LEVELS
from devicelog.operations.status import gather
from devicelog.records import calibration
from devicelog.records.calibration import Due
from devicelog.records.recall import recall
from devicelog.records.register import Book

_HOUR_S: Final = 3600
_TREND: Final = 30  # sessions
_LATEST: Final = 25


class Use(msgspec.Struct, frozen=True):
    """What a device did over all that is recorded."""

    sessions: int
    hours: float
    faults: int
    contacts_lost: int
    errors: tuple[float, ...]  # of its timer, per session, in %, the latest last
    trend: str  # the same as a curve


def devices(visit: Visit) -> Answer:
    """All of them, with what is wrong and what is due."""
    status = gather(visit.house.recording)
    now_ns = visit.house.recording.clock.wall_ns()
    uses, there = _uses(visit), status.devices
    facts = {
        "status": status,
        "devices": there,
        "use": {it.name: _use(visit, it.name, uses.get(it.name)) for it in there},
        "register": Book(visit.reader).at(now_ns),
        "due": [*_overdue(visit.reader, now_ns).items()],
        "heads": visit.reader.head_names(),
    }
    return Shown("devices.html", facts)


def device(visit: Visit) -> Answer:
    """One: its line, its sessions, its checks."""
    status = gather(visit.house.recording)
    name = visit.path["name"]
    found = next((it for it in status.devices if it.name == name), None)
    if found is None:
        raise Refused(404, "error.not_there")
    rows = visit.reader.sessions(device=name, limit=_LATEST)
    values = visit.may("treatments")
    facts = {
        "status": status,
        "device": found,
        "use": _use(visit, name, _uses(visit, name).get(name)),
        "rows": rows,
        "short": {it.session_id: in_short(visit, it) for it in rows if values},
        "checks": [it for it in calibration.checks(visit.reader) if it.name == name],
        "checks_there": CHECKS,
        "levels": LEVELS,
        "register": Book(visit.reader).at(visit.house.recording.clock.wall_ns()),
    }
    return Shown("device.html", facts)


def check(visit: Visit) -> Answer:
    """An output check, a timer or a safety test, written down."""
    form = visit.form
    told: dict[str, Any] = {
        "thing": form.get("thing", "device"),
        "name": form.get("name", ""),
        "check": form.get("check", ""),
        "level": form.get("level", "annual"),
        "points": [*_points(form.get("points", ""))],
        "checker": visit.user.name if visit.user else "",
        "instrument": form.get("instrument", ""),
    }
    if form.get("passed"):
        told["passed"] = form["passed"] == "yes"
    if form.get("frequency_mhz"):
        told["frequency_mhz"] = _number(form["frequency_mhz"])
    if form.get("mode"):
        told["mode"] = form["mode"]
    visit.do("add_check", **told)
    visit.say("said.checked", name=told["name"])
    return Sent(f"/devices/{visit.path['name']}")


def recalled(visit: Visit) -> Answer:
    """What a bad head touched; pseudonyms, for who may not know persons too."""
    head = visit.query.get("head", "")
    found = recall(visit.reader, head) if head else None
    return Shown("recall.html", {"head": head, "recall": found})


def _overdue(reader: Reader, now_ns: int) -> dict[tuple[str, str], list[Due]]:
    """By device or head."""
    things: dict[tuple[str, str], list[Due]] = {}
    for it in calibration.due(reader, now_ns):
        if it.overdue:
            things.setdefault((it.thing, it.name), []).append(it)
    return things


def _uses(visit: Visit, device: str | None = None) -> dict[str, UseRow]:
    return {it.device: it for it in visit.reader.uses(device)}


def _use(visit: Visit, name: str, sums: UseRow | None) -> Use:
    errors = visit.reader.timer_errors(name, _TREND)
    return Use(
        sessions=sums.sessions if sums else 0,
        hours=sums.emission_s / _HOUR_S if sums else 0.0,
        faults=sums.faults if sums else 0,
        contacts_lost=sums.contacts_lost if sums else 0,
        errors=tuple(errors),
        trend=trend(errors),
    )


def _points(text: str) -> Iterator[dict[str, float]]:
    """`5:4.6 10:9.1`: shown and measured, pair by pair."""
    for pair in text.replace(";", " ").split():
        shown, _, measured = pair.partition(":")
        yield {"shown": _number(shown), "measured": _number(measured)}


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise DevicelogError(
            f'"{text[:20]}" is no number', hint="as in 4.6; points as 5:4.6 10:9.1"
        ) from None
