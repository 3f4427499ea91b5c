"""Who is who: searching, adding; and the day of one who treats."""

from datetime import datetime, timedelta
from typing import Final

from devicelog.console.people import found, in_short, offer, recent
from devicelog.console.visit import Answer, Sent, Shown, Visit
from devicelog.journal.queries import Page
from devicelog.records.bindings import WITHIN_S

_NS: Final = 1_000_000_000
_ADDED: Final = ("name", "birth_date", "record_number")


def patients(visit: Visit) -> Answer:
    """Those who were here last, or those that are searched for."""
    asked = visit.query.get("q", "")
    facts = {
        "q": asked,
        "offers": found(visit, asked) if asked else recent(visit, 20),
    }
    return Shown("patients.html", facts)


def today(visit: Visit) -> Answer:
    """My patients today: whom this clinician treated, the latest first."""
    mine = visit.user.name if visit.user else ""
    rows = [
        row
        for row in visit.reader.in_order(Page(from_ns=_midnight(visit), limit=1000))[
            ::-1
        ]
        if row.clinician == mine and row.pseudonym
    ]
    codes = dict.fromkeys(row.pseudonym for row in rows)
    facts = {
        "offers": {code: offer(visit, code) for code in codes},
        "rows": [(row, in_short(visit, row)) for row in rows],
        "labels": visit.labels,
    }
    return Shown("today.html", facts)


def add(visit: Visit) -> Answer:
    """A new patient; who seems to be there already is asked about."""
    who = {name: visit.form.get(name, "").strip() for name in _ADDED}
    written = visit.do("add_patients", who=[who])
    code = written.entries[0].subject
    device, session = visit.form.get("device", ""), visit.form.get("session", "")
    visit.say("said.added", whom=code, code=code)
    if session or device:  # it was for this one that somebody was added
        return Sent(f"/bind?device={device}&session={session}&q={code}")
    return Sent(f"/patients?q={code}")


def correct(visit: Visit) -> Answer:
    """Who a pseudonym is, corrected."""
    who = {name: visit.form.get(name, "").strip() for name in _ADDED}
    code = visit.path["code"]
    visit.do("change_patient", pseudonym=code, who=who)
    visit.say("said.changed", whom=code)
    return Sent(f"/patients/{code}")


def ahead(visit: Visit) -> Answer:
    """The next treatment on this device is for this patient."""
    code = visit.path["code"]
    visit.do(
        "ahead",
        device=visit.form.get("device", ""),
        pseudonym=code,
        within_s=WITHIN_S,
        clinician=visit.user.name if visit.user and visit.may("treatments") else "",
    )
    visit.say("said.ahead", whom=code)
    return Sent("/")


def _midnight(visit: Visit) -> int:
    now_ns = visit.house.recording.clock.wall_ns()
    now = datetime.fromtimestamp(now_ns / _NS, visit.house.zone)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return int(max(day, now - timedelta(days=1)).timestamp()) * _NS
