"""Bindings ahead, carried out: what comes of each, once the next session has begun.

Used once, by the first session that starts on the device after it was said, and only
within its time, in the same boot, and if it was seen to begin. Whatever cannot be
carried out without a question lapses, and the session stays in the inbox.
"""

from collections.abc import Iterator
from typing import Final

from devicelog.errors import DevicelogError
from devicelog.journal.reader import SessionRow
from devicelog.model import codec
from devicelog.model.flow import Draft, Entry, SessionEvent
from devicelog.model.said import BindingBody
from devicelog.records.bindings import at_once
from devicelog.records.request import Asked, Moment, View, keyed

_PAGE: Final = 1000
# A start in time may become durable later, when the disk hangs.
_GRACE_S: Final = 60.0
_SECOND: Final = 1_000_000_000
_NOT_SEEN: Final = "the session had begun before it was seen"
_BOOT: Final = "the machine was started again"


def carry_out(view: View, now: Moment) -> list[list[Draft]]:
    """What is to be appended now, one group for each binding ahead that ends."""
    groups = []
    for entry in view.journal.ahead():
        body: BindingBody = codec.decode("binding", entry.body)
        asked = Asked(
            id=f"ahead/{entry.seq}", by=body.by, now=now, digest="", how="ahead"
        )
        drafts = _outcome(view, asked, entry, body)
        if drafts:
            groups.append(keyed(drafts, asked.id))
    return groups


# --- Private ----------------------------------------------------------------------


def _outcome(view: View, asked: Asked, entry: Entry, body: BindingBody) -> list[Draft]:
    boots = {run.run_id: run.boot_id for run in view.journal.runs()}
    for start, event in _starts(view, entry):
        if boots.get(start.key.partition("/")[0]) != body.boot_id:
            return [_lapsed(asked, entry, body, _BOOT)]
        if event.mono_ns >= body.mono_ns:
            break
    else:
        return [_lapsed(asked, entry, body, why) for why in _over(asked, entry, body)]
    row = view.session(event.session_id)
    why = _unfit(view, row, body, (event.mono_ns - body.mono_ns) / _SECOND)
    if "start_unseen" in event.flags:
        why = _NOT_SEEN
    if why:
        return [_lapsed(asked, entry, body, why)]
    bound = asked.body(
        BindingBody,
        event="bound",
        session_id=row.session_id,
        pseudonym=body.pseudonym,
        clinician=body.clinician,
        confirmed=body.confirmed,
        ahead=entry.seq,
    )
    return [asked.of_session("binding", bound, row)]


def _starts(view: View, entry: Entry) -> Iterator[tuple[Entry, SessionEvent]]:
    """Sessions that started on the device after this was said, in order."""
    after = entry.seq
    while page := view.journal.entries(
        after, kind="session", device=entry.device, limit=_PAGE
    ):
        for it in page:
            event = codec.session_event(it.body)
            if event.event == "start":
                yield it, event
        after = page[-1].seq


def _over(asked: Asked, entry: Entry, body: BindingBody) -> list[str]:
    """Why nothing can come of it any more; empty while something can."""
    if asked.now.boot_id != body.boot_id:
        return [_BOOT]
    gone = asked.now.since(body, entry.at_ns)
    if gone is None or gone > (body.within_s or 0.0) + _GRACE_S:
        return ["no session started in time"]
    return []


def _unfit(view: View, row: SessionRow, body: BindingBody, after_s: float) -> str:
    """Why this session cannot be bound without a question; empty: it can."""
    try:
        view.patient(body.pseudonym)
    except DevicelogError as error:
        return error.message
    if after_s > (body.within_s or 0.0):
        return "the next session started too late"
    if row.pseudonym or row.purpose != "treatment":
        return "a person was quicker"
    if not body.confirmed and at_once(view, row, body.pseudonym):
        return "the patient was treated on another device at once"
    return ""


def _lapsed(asked: Asked, entry: Entry, body: BindingBody, why: str) -> Draft:
    lapsed = asked.body(BindingBody, event="lapsed", ahead=entry.seq, why=why)
    return asked.draft("binding", lapsed, body.pseudonym, device=entry.device)
