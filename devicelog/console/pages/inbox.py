"""The inbox: treatments of nobody yet, the oldest first."""

from devicelog.console.people import Offer, in_short, offer
from devicelog.console.visit import Answer, Sent, Shown, Visit
from devicelog.journal.reader import SessionRow
from devicelog.model.states import PURPOSES
from devicelog.records.inbox import waiting

_MOST = 100
_NEAR_NS = 30 * 60 * 1_000_000_000


def inbox(visit: Visit) -> Answer:
    """Each with what it was, and the likely patient with the reason for it."""
    rows = [*reversed(waiting(visit.reader, limit=10_000))]
    shown = rows[:_MOST]
    facts = {
        "rows": shown,
        "total": len(rows),
        "short": {
            row.session_id: in_short(row) if visit.may("treatments") else ""
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


def _likely(visit: Visit, row: SessionRow) -> tuple[str, Offer] | None:
    """The patient of a treatment beside this one; nothing else counts as a reason.

    Same clinic, another device, within half an hour, bound to one patient only: that
    is said as the reason, and a person decides.
    """
    end_ns = row.ended_ns or row.started_ns
    near = visit.reader.sessions(
        since_ns=row.started_ns - _NEAR_NS, purpose="treatment", limit=50
    )
    codes = {
        it.pseudonym
        for it in near
        if it.pseudonym
        and it.device == row.device
        and it.started_ns <= end_ns + _NEAR_NS
    }
    if len(codes) != 1:
        return None
    return "inbox.beside", offer(visit, codes.pop())
