"""The rows that tell of one session: its own, and one an event.

An event that lasts (pause, lost contact, lost line) carries its end once that is known;
both are made from all the session's entries together.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import msgspec

from devicelog.clock import SECOND
from devicelog.journal.reader import Reader, SessionRow
from devicelog.model import codec
from devicelog.model.fields import AMPLITUDES, TYPED, Value, publishable
from devicelog.model.flow import Entry, EventName, SessionEvent
from devicelog.model.kinds import ReceiptBody
from devicelog.sinks.influx_times import Placed
from devicelog.sinks.lines import MEASUREMENTS, Row

_MS: Final = 1_000_000
_PAGE: Final = 1000
# What ends what lasts.
_ENDED_BY: Final[dict[EventName, frozenset[EventName]]] = {
    "pause": frozenset({"resume", "fault", "end"}),
    "contact_lost": frozenset({"contact_back", "fault", "end"}),
    "line_lost": frozenset({"gap", "end"}),
}
# As first read they say nothing: the totals carry their means and maxima.
_LEVELS: Final = frozenset(name for names in AMPLITUDES.values() for name in names)
_FIELDS: Final = MEASUREMENTS["therapy_session"].fields


class Derived(Protocol):
    """What stands beside a session and is kept nowhere: its head, the corrected dose.

    Made from the journal at one moment, when it is asked for.
    """

    def fields(self, row: SessionRow) -> Mapping[str, Value]:
        """Fields of the session's row, empty or absent where nothing is known."""

    def touched(self, entry: Entry) -> Sequence[str]:
        """Sessions whose fields this entry may have changed."""


Derive = Callable[[Reader], Derived]


class Nothing:
    """Derives nothing: what the device itself says is all."""

    def __init__(self, view: Reader) -> None:
        del view

    def fields(self, _: SessionRow) -> Mapping[str, Value]:
        """See `Derived`."""
        return {}

    def touched(self, _: Entry) -> Sequence[str]:
        """See `Derived`."""
        return ()


class Told(msgspec.Struct, frozen=True):
    """`session`: its own row; `events`: rows by the seq of the entry that made them.

    An entry that ends what lasts also makes the row of its beginning again.
    """

    session: Row | None
    events: dict[int, list[Row]]


class _Event(msgspec.Struct, frozen=True):
    entry: Entry
    event: SessionEvent
    at_ns: int
    placed: Placed


def session_rows(
    session_id: str,
    view: Reader,
    *,
    place: Callable[[Entry, Reader], Placed | None],
    where: Callable[[SessionRow, Mapping[str, Any]], tuple[str, ...]],
    zone: ZoneInfo,
    derived: Derived,
) -> Told | None:
    """See `Told`. None: when one of its entries happened is not known yet.

    `where` gives the tags of the session's row.
    """
    row = view.session(session_id)
    if row is None:
        return Told(None, {})
    events = []
    for entry in _entries(session_id, "session", view):
        placed = place(entry, view)
        if placed is None:
            return None
        at_ns = entry.at_ns + placed.shift_ns
        events.append(_Event(entry, codec.session_event(entry.body), at_ns, placed))
    if not events:
        return Told(None, {})
    tags = where(row, row.settings | row.totals)
    receipt = _receipt(session_id, view)
    session = Row(
        "therapy_session",
        tags,
        events[0].at_ns,
        {
            **_session(row, events, zone),
            **(_received(receipt) if receipt else {}),
            **derived.fields(row),
        },
    )
    return Told(session, _rows(tags[:3], events))


# --- Private ----------------------------------------------------------------------


def _entries(session_id: str, kind: str, view: Reader) -> Iterator[Entry]:
    after = 0
    while page := view.entries(after, subject=session_id, kind=kind, limit=_PAGE):
        yield from page
        after = page[-1].seq


def _receipt(session_id: str, view: Reader) -> ReceiptBody | None:
    last = None
    for entry in _entries(session_id, "receipt", view):
        last = entry
    return None if last is None else codec.decode("receipt", last.body)


def _session(row: SessionRow, events: list[_Event], zone: ZoneInfo) -> dict[str, Value]:
    started_ns = events[0].at_ns
    local = datetime.fromtimestamp(started_ns // SECOND, zone)
    flags = [*row.flags]
    if any(it.placed.estimated for it in events):
        flags.append("time_estimated")
    fields: dict[str, Value] = {
        "session_id": row.session_id,
        "treatment_id": row.treatment_id,
        "pseudonym": row.pseudonym,
        "head": "",
        "head_source": "",
        "uncorrected": "",
        "started_at": started_ns // _MS,
        "end_reason": row.reason or "",
        "purpose": row.purpose,
        "flags": " ".join(flags),
        "local_hour": local.hour,
        "local_weekday": local.isoweekday(),
    }
    if row.ended_ns is not None:
        shift_ns = events[-1].placed.shift_ns
        fields["ended_at"] = (row.ended_ns + shift_ns) // _MS
    told = row.settings | row.totals
    known = {n: it for n, it in told.items() if n in _FIELDS and n not in _LEVELS}
    return known | fields


def _received(receipt: ReceiptBody) -> dict[str, Value]:
    counts = {
        "receipt_decoded": receipt.decoded,
        "receipt_kept": receipt.kept,
        "receipt_published": receipt.published,
        "receipt_stored": receipt.stored,
    }
    known: dict[str, Value] = {n: it for n, it in counts.items() if it is not None}
    return known | {"receipt_state": receipt.state}


def _rows(tags: tuple[str, ...], events: list[_Event]) -> dict[int, list[Row]]:
    rows: dict[int, list[Row]] = {}
    for n, it in enumerate(events):
        fields: dict[str, Value] = {
            "text": words(it.event),
            "session_id": it.event.session_id,
            "seq": it.entry.seq,
        }
        at_ns, made_by = it.at_ns, [it.entry.seq]
        closing = _ENDED_BY.get(it.event.event, frozenset())
        later = events[n + 1 :]
        end = next((e for e in later if e.event.event in closing), None)
        if end is not None:
            fields["ended_at"] = end.at_ns // _MS
            made_by.append(end.entry.seq)
        elif it.event.event == "gap" and it.event.began_ns is not None and n:
            # It stands where the readings stop; the line's loss was told before it.
            at_ns = it.event.began_ns + events[n - 1].placed.shift_ns
            fields["ended_at"] = it.at_ns // _MS
        row = Row("therapy_event", (*tags, it.event.event), at_ns, fields)
        for seq in made_by:
            rows.setdefault(seq, []).append(row)
    return rows


def words(event: SessionEvent) -> str:
    """What happened, as short as it can be said; what was typed is left out."""
    name = event.event
    if event.field in TYPED:
        return event.field
    if event.field:
        return f"{event.field}: {event.old} -> {event.new}"
    if name in ("start", "segment"):
        return " ".join(f"{key}={it}" for key, it in publishable(event.values).items())
    if name == "gap":
        return "paused in the gap" if event.paused_in_gap else ""
    return str(event.reason or event.cause or event.new or "")
