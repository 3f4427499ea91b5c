"""Whose a session is: bound by a person, now or ahead; changed, freed, undone.

A session starts in the inbox and belongs to nobody until an entry says whose it is: no
session inherits the patient of the one before. A binding names one session, ends with
it, and is never changed: another one follows it.
"""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from devicelog.errors import DevicelogError
from devicelog.journal.reader import SessionRow
from devicelog.model import codec
from devicelog.model.flow import Draft, Entry
from devicelog.model.said import BindingBody, Reason
from devicelog.records.request import Args, Asked, Clinician, View, key_of

UNDO_S: Final = 10.0
WITHIN_S: Final = 900.0
_LONGEST_S: Final = 4 * 3600.0
_OLD_NS: Final = 86_400 * 1_000_000_000


class Assign(Args, frozen=True, kw_only=True, omit_defaults=True):
    """This session belongs to this patient, treated by `clinician`."""

    session_id: str
    pseudonym: str
    clinician: Clinician = ""
    reason: Reason | None = None
    note: str = ""


class Unbind(Args, frozen=True, kw_only=True, omit_defaults=True):
    """This session belongs to nobody."""

    session_id: str
    reason: Reason
    note: str = ""


class Undo(Args, frozen=True, kw_only=True, omit_defaults=True):
    """The last binding of this session was a slip."""

    session_id: str


class Ahead(Args, frozen=True, kw_only=True, omit_defaults=True):
    """The next session on this device, if it starts in time, is for this patient."""

    device: str
    pseudonym: str
    within_s: Annotated[float, msgspec.Meta(gt=0, le=_LONGEST_S)] = WITHIN_S
    clinician: Clinician = ""


class Withdraw(Args, frozen=True, kw_only=True, omit_defaults=True):
    """What was said ahead of the next session on this device no longer holds."""

    device: str


def assign(view: View, asked: Asked, args: Assign) -> list[Draft]:
    """Bind a session, and what lies unbound of the same treatment, to a patient."""
    pseudonym = view.patient(args.pseudonym)
    row = view.session(args.session_id)
    _treated(row)
    if row.pseudonym == pseudonym:
        raise DevicelogError(
            f"session {row.session_id} belongs to {pseudonym} already",
            hint="nothing is to be done",
        )
    _reasoned(row, args.reason, args.note)
    rows = [row, *_waiting_of_treatment(view, row)]
    asked.sure([*_questions(view, asked, row, pseudonym)])
    note = view.seal(args.note, row.session_id) if args.note else None
    return [
        _bound(
            asked,
            it,
            pseudonym=pseudonym,
            clinician=args.clinician,
            reason=args.reason if it is row else None,
            note=note if it is row else None,
        )
        for it in rows
    ]


def unbind(view: View, asked: Asked, args: Unbind) -> list[Draft]:
    """Put a session back into the inbox."""
    row = view.session(args.session_id)
    if not row.pseudonym:
        raise DevicelogError(
            f"session {row.session_id} belongs to nobody",
            hint="`devicelog sessions unassigned` shows all that wait",
        )
    _reasoned(row, args.reason, args.note)
    note = view.seal(args.note, row.session_id) if args.note else None
    return [_bound(asked, row, event="unbound", reason=args.reason, note=note)]


def undo(view: View, asked: Asked, args: Undo) -> list[Draft]:
    """Within ten seconds: what the last request bound or freed is as it was before."""
    row = view.session(args.session_id)
    entry = view.journal.standing(row.session_id)
    body = None if entry is None else _read(entry)
    if entry is None or body is None or body.event not in ("bound", "unbound"):
        raise DevicelogError(
            f"there is no binding of {row.session_id} to undo",
            hint="bind it anew: `devicelog sessions assign`",
        )
    gone = asked.now.since(body, entry.at_ns)
    if gone is None or gone > UNDO_S:
        raise DevicelogError(
            f"the binding of {row.session_id} is older than {UNDO_S:g} s",
            hint="give a reason: `devicelog sessions assign|unbind ... --reason`",
        )
    return [_back(view, asked, it) for it in _same_request(view, entry)]


def ahead(view: View, asked: Asked, args: Ahead) -> list[Draft]:
    """Say whose the next session on a device will be."""
    pseudonym = view.patient(args.pseudonym)
    view.device(args.device)
    waiting = view.journal.ahead(args.device)
    questions = [
        f"{_read(it).pseudonym} waits for the next session on {args.device}"
        for it in waiting
    ]
    questions += [
        f"{pseudonym} is treated on {row.device} now (session {row.session_id})"
        for row in view.journal.sessions(open_only=True, pseudonym=pseudonym)
        if row.device != args.device
    ]
    asked.sure(questions)
    body = asked.body(
        BindingBody,
        event="ahead",
        pseudonym=pseudonym,
        clinician=args.clinician,
        within_s=args.within_s,
        confirmed=asked.confirm,
    )
    return [
        *(_ended(asked, it, "withdrawn") for it in waiting),
        asked.draft("binding", body, pseudonym, device=args.device),
    ]


def withdraw(view: View, asked: Asked, args: Withdraw) -> list[Draft]:
    """Take back what was said ahead."""
    view.device(args.device)
    waiting = view.journal.ahead(args.device)
    if not waiting:
        raise DevicelogError(
            f"nobody waits for the next session on {args.device}",
            hint="it was used, taken back, or too long ago",
        )
    return [_ended(asked, it, "withdrawn") for it in waiting]


def at_once(view: View, row: SessionRow, pseudonym: str) -> list[SessionRow]:
    """Sessions of this patient on other devices that overlap this one."""
    return [
        it
        for it in view.journal.sessions(pseudonym=pseudonym, limit=10_000)
        if it.device != row.device
        and (not row.treatment_id or it.treatment_id != row.treatment_id)
        and (row.ended_ns is None or it.started_ns < row.ended_ns)
        and (it.ended_ns is None or row.started_ns < it.ended_ns)
    ]


# --- Private ----------------------------------------------------------------------


def _treated(row: SessionRow) -> None:
    if row.purpose != "treatment":
        raise DevicelogError(
            f"session {row.session_id} was no treatment but {row.purpose}",
            hint=f"`devicelog sessions purpose {row.session_id} treatment` first",
        )


def _reasoned(row: SessionRow, reason: Reason | None, note: str) -> None:
    """A binding that stood is changed for a reason."""
    if row.pseudonym and reason is None:
        raise DevicelogError(
            f"session {row.session_id} belongs to {row.pseudonym}",
            hint="say why it changes: `--reason wrong_patient`, or another",
        )
    if reason == "other" and not note:
        raise DevicelogError(
            "the reason `other` needs a note", hint="say it in the note"
        )


def _questions(
    view: View, asked: Asked, row: SessionRow, pseudonym: str
) -> Iterator[str]:
    """What a person must have seen before this binding is made."""
    if row.pseudonym:
        yield f"session {row.session_id} belongs to {row.pseudonym}"
    for it in _of_treatment(view, row):
        if it.pseudonym not in ("", pseudonym):
            yield f"{it.session_id}, the same treatment, is {it.pseudonym}'s"
    for it in at_once(view, row, pseudonym):
        yield f"{pseudonym} was treated on {it.device} at once ({it.session_id})"
    if asked.now.at_ns - row.started_ns > _OLD_NS:
        yield f"session {row.session_id} is older than a day"


def _of_treatment(view: View, row: SessionRow) -> list[SessionRow]:
    """The other sessions of the same treatment: it has one patient."""
    if not row.treatment_id:
        return []
    rows = view.journal.sessions(treatment_id=row.treatment_id)
    return [it for it in rows if it.session_id != row.session_id]


def _waiting_of_treatment(view: View, row: SessionRow) -> list[SessionRow]:
    rows = _of_treatment(view, row)
    return [it for it in rows if not it.pseudonym and it.purpose == "treatment"]


def _bound(asked: Asked, row: SessionRow, **told: object) -> Draft:
    facts = {
        "event": "bound",
        "session_id": row.session_id,
        "was": row.pseudonym,
        "was_clinician": row.clinician,
        "confirmed": asked.confirm,
    }
    return asked.of_session("binding", asked.body(BindingBody, **facts | told), row)


def _ended(asked: Asked, waiting: Entry, event: str, why: str = "") -> Draft:
    """Of what was said ahead: nothing comes of it."""
    pseudonym = _read(waiting).pseudonym
    body = asked.body(BindingBody, event=event, ahead=waiting.seq, why=why)
    return asked.draft("binding", body, pseudonym, device=waiting.device)


def _back(view: View, asked: Asked, entry: Entry) -> Draft:
    body = _read(entry)
    row = view.session(body.session_id)
    if body.was:
        view.patient(body.was)  # who may have been forgotten meanwhile
        _treated(row)
    return _bound(
        asked,
        row,
        event="undone",
        pseudonym=body.was,
        clinician=body.was_clinician,
        undoes=entry.seq,
    )


def _same_request(view: View, entry: Entry) -> Iterator[Entry]:
    """What this request bound and still stands so."""
    words = entry.key.split("/")
    id_ = "/".join(words[:2]) if words[0] == "ahead" else words[0]
    n = 0
    while (found := view.journal.find(key_of(id_, n))) is not None:
        session_id = _read(found).session_id
        if session_id and view.journal.standing(session_id) == found:
            yield found
        n += 1


def _read(entry: Entry) -> BindingBody:
    body: BindingBody = codec.decode("binding", entry.body)
    return body
