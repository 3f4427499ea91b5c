"""For whom a treatment is: now, ahead, afterwards; and not, after all."""

from typing import Final

from devicelog.console.people import found, recent
from devicelog.console.visit import Answer, Refused, Sent, Shown, Visit
from devicelog.model.said import REASONS
from devicelog.records.bindings import UNDO_S

_DEFAULT: Final = "/"


def choose(visit: Visit) -> Answer:
    """A page of its own: the last patients, or those that are searched for."""
    device, session = visit.query.get("device", ""), visit.query.get("session", "")
    row = visit.reader.session(session) if session else None
    if session and row is None:
        raise Refused(404, "error.not_there")
    asked = visit.query.get("q", "").strip()
    facts = {
        "device": device or (row.device if row else ""),
        "session": session,
        "bound": row.pseudonym if row else "",
        "q": asked,
        "offers": found(visit, asked) if asked else recent(visit),
        "reasons": REASONS,
        "back": back(visit.query.get("back", "")),
    }
    # A piece of it is what the search field of a card fetches.
    template = "_offers.html" if visit.query.get("part") else "bind.html"
    return Shown(template, facts)


def bind(visit: Visit) -> Answer:
    """A session that there is, else the next one on the device."""
    form = visit.form
    session, code = form.get("session", ""), form.get("pseudonym", "")
    by = visit.user.name if visit.user and visit.may("treatments") else ""
    if session:
        said = {"session_id": session, "pseudonym": code, "clinician": by}
        if form.get("reason"):
            said |= {"reason": form["reason"], "note": form.get("note", "")}
        visit.do("assign", **said)
        visit.may_undo(session, UNDO_S)
        visit.say("said.bound", whom=code)
    else:
        visit.do("ahead", device=form.get("device", ""), pseudonym=code, clinician=by)
        visit.say("said.ahead", whom=code)
    return Sent(back(form.get("back", "")))


def undo(visit: Visit) -> Answer:
    """Within ten seconds: as it was before."""
    visit.do("undo", session_id=visit.form.get("session", ""))
    visit.may_undo("", 0)
    visit.say("said.undone")
    return Sent(back(visit.form.get("back", "")))


def unbind(visit: Visit) -> Answer:
    """Back into the inbox, for a reason."""
    form = visit.form
    visit.do(
        "unbind",
        session_id=form.get("session", ""),
        reason=form.get("reason", ""),
        note=form.get("note", ""),
    )
    visit.say("said.unbound")
    return Sent(back(form.get("back", "")))


def withdraw(visit: Visit) -> Answer:
    """What was said ahead no longer holds."""
    visit.do("withdraw", device=visit.form.get("device", ""))
    visit.say("said.withdrawn")
    return Sent(back(visit.form.get("back", "")))


def back(path: str) -> str:
    """Where the form was: a path of ours, never another host's."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if ours and path.isprintable() else _DEFAULT
