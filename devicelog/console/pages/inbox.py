"""The inbox: treatments of nobody yet, the oldest first."""

from collections.abc import Iterable

from devicelog.clock import SECOND
from devicelog.console.people import Offer, in_short, offer
from devicelog.console.visit import Answer, Sent, Shown, Visit
from devicelog.journal.queries import Page
from devicelog.journal.reader import SessionRow
from devicelog.model.states import PURPOSES

_NOBODY = ""  # what a session that is nobody's has for a pseudonym
_MOST = 30
_NEAR = 100
_TOGETHER_NS = 10 * SECOND  # parts of one treatment begin within seconds
_GOES_ON_NS = 5 * 60 * SECOND
_WHOLE_NS = 30 * 60 * SECOND  # so long may what broke off have taken
_BROKEN = ("device_reset", "link_lost", "logger_stopped")


def inbox(visit: Visit) -> Answer:
    """Each with what it was, and the likely patient with the reason for it."""
    shown = visit.reader.unassigned(_MOST)
    facts = {
        "rows": shown,
        "departed": visit.reader.departed(_NOBODY),
        "total": visit.reader.count_unassigned(),
        "short": {
            row.session_id: in_short(visit, row) if visit.may("treatments") else ""
            for row in shown
        },
        "labels": visit.labels,
        "likely": {row.session_id: _likely(visit, row) for row in shown},
        "purposes": [it for it in PURPOSES if it != "treatment"],
    }
    return Shown("inbox.html", facts)


def purpose(visit: Visit) -> Answer:
    """It was no treatment: an output check, training, a demonstration."""
    visit.do(
        "purpose",
        session_id=visit.form.get("session", ""),
        purpose=visit.form.get("purpose", ""),
    )
    visit.say("said.purpose")
    return Sent("/inbox")


def likely(row: SessionRow, near: Iterable[SessionRow]) -> tuple[str, str] | None:
    """Whose it may be, and the text that says why; nothing else counts as a reason.

    The rest of one treatment was somebody's; or somebody's broke off on the channel
    right before. That is offered, and a person decides.
    """
    theirs = [it for it in near if it.pseudonym and it.device == row.device]
    codes = {it.pseudonym for it in theirs if _treatment(it) == _treatment(row)}
    if codes:
        return ("inbox.whole", codes.pop()) if len(codes) == 1 else None
    before = [
        it
        for it in theirs
        if it.channel == row.channel and it.ended_ns and it.ended_ns <= row.started_ns
    ]
    last = max(before, key=lambda it: it.ended_ns or 0, default=None)
    if last is None or last.reason not in _BROKEN:
        return None
    if row.started_ns - (last.ended_ns or 0) > _GOES_ON_NS:
        return None
    return "inbox.goes_on", last.pseudonym


def _likely(visit: Visit, row: SessionRow) -> tuple[str, Offer] | None:
    till_ns = row.started_ns + _TOGETHER_NS
    page = Page(from_ns=row.started_ns - _WHOLE_NS, to_ns=till_ns, limit=_NEAR)
    found = likely(row, visit.reader.in_order(page))
    return (found[0], offer(visit, found[1])) if found else None


def _treatment(row: SessionRow) -> str:
    """Which it belongs to; the first session of one bears its id."""
    return row.treatment_id or row.session_id
