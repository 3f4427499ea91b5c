"""Treatments without a device, so that one history holds the whole treatment."""

from typing import Annotated, Any, Final

import msgspec

from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.facts import Facts, Manual
from devicelog.model.flow import Draft, Entry
from devicelog.model.said import ManualBody, Reason
from devicelog.records.derived import Deriver, Session
from devicelog.records.request import Args, Asked, Clinician, View

_PAGE: Final = 1000
_ALL: Final = 1_000_000
_DAY_NS: Final = 86_400 * 1_000_000_000
_AHEAD_NS: Final = 60 * 1_000_000_000
_MINUTE_NS: Final = 60 * 1_000_000_000


class AddTreatment(Args, frozen=True, kw_only=True, omit_defaults=True):
    """This was given to a patient; `began_ns` 0: it has just ended."""

    pseudonym: str
    treatment: Manual
    minutes: Annotated[float, msgspec.Meta(gt=0, le=480)]
    began_ns: Annotated[int, msgspec.Meta(ge=0)] = 0
    clinician: Clinician = ""
    facts: Facts = Facts()
    note: str = ""


class WithdrawTreatment(Args, frozen=True, kw_only=True, omit_defaults=True):
    """The manual treatment of this entry was written down by mistake."""

    seq: int
    reason: Reason
    note: str = ""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A manual treatment that stands, by the number of its entry."""

    seq: int
    began_ns: int
    minutes: float
    treatment: Manual
    clinician: str
    facts: Facts
    note: bool


class History(msgspec.Struct, frozen=True, kw_only=True):
    """All that was given to one patient, the latest first."""

    pseudonym: str
    sessions: list[Session]
    manual: list[Given]


def add(view: View, asked: Asked, args: AddTreatment) -> list[Draft]:
    """An entry of the patient; it cannot lie ahead, and an old one is asked about."""
    pseudonym = view.patient(args.pseudonym)
    now_ns = asked.now.at_ns
    began_ns = args.began_ns or now_ns - round(args.minutes * _MINUTE_NS)
    if began_ns > now_ns + _AHEAD_NS:
        raise DevicelogError(
            "the treatment lies ahead",
            hint="write it down when it was given; look at the clock too",
        )
    old = now_ns - began_ns > _DAY_NS
    asked.sure(["the treatment is older than a day"] if old else [])
    body = asked.body(
        ManualBody,
        pseudonym=pseudonym,
        treatment=args.treatment,
        began_ns=began_ns,
        minutes=args.minutes,
        clinician=args.clinician,
        facts=args.facts,
        note=view.seal(args.note, pseudonym) if args.note else None,
    )
    return [asked.draft("manual_treatment", body, pseudonym)]


def withdraw(view: View, asked: Asked, args: WithdrawTreatment) -> list[Draft]:
    """It is kept, and no longer stands."""
    entry = view.journal.entry(args.seq)
    if entry is None or args.seq not in {
        it.seq for it in given(view.journal, entry.subject)
    }:
        raise DevicelogError(
            f"entry {args.seq} is no manual treatment that stands",
            hint="`devicelog treatments list` shows their numbers",
        )
    body = asked.body(
        ManualBody,
        event="withdrawn",
        pseudonym=entry.subject,
        of=args.seq,
        reason=args.reason,
        note=view.seal(args.note, entry.subject) if args.note else None,
    )
    return [asked.draft("manual_treatment", body, entry.subject)]


def given(journal: Reader, pseudonym: str) -> list[Given]:
    """The manual treatments of a patient that stand, the latest first."""
    standing: dict[int, Given] = {}
    for entry, body in _said(journal, pseudonym):
        if body.of is not None:
            standing.pop(body.of, None)
        elif body.treatment is not None:
            standing[entry.seq] = Given(
                seq=entry.seq,
                began_ns=body.began_ns,
                minutes=body.minutes,
                treatment=body.treatment,
                clinician=body.clinician,
                facts=body.facts,
                note=body.note is not None,
            )
    return sorted(standing.values(), key=lambda it: it.began_ns, reverse=True)


def history(journal: Reader, pseudonym: str) -> History:
    """All of a patient: what devices gave, and what hands did."""
    deriver = Deriver(journal)
    rows = journal.sessions(pseudonym=pseudonym, limit=_ALL)
    return History(
        pseudonym=pseudonym,
        sessions=[deriver.session(row) for row in rows],
        manual=given(journal, pseudonym),
    )


def _said(journal: Reader, pseudonym: str) -> list[tuple[Entry, Any]]:
    found: list[tuple[Entry, Any]] = []
    after = 0
    while page := journal.entries(
        after, kind="manual_treatment", subject=pseudonym, limit=_PAGE
    ):
        found += [(it, codec.decode(it.kind, it.body)) for it in page]
        after = page[-1].seq
    return found
