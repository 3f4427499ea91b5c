"""One session: set against delivered, clocks, what happened, receipt, raw frames."""

from itertools import islice
from typing import Any, Final

import msgspec

from devicelog.console import told
from devicelog.console.pages.bind import back
from devicelog.console.visit import Answer, Refused, Sent, Shown, Visit
from devicelog.errors import DevicelogError
from devicelog.journal.reader import SessionRow
from devicelog.model import codec
from devicelog.model.facts import NAMES, Facts
from devicelog.model.said import REASONS
from devicelog.model.states import PURPOSES
from devicelog.operations.status import gather
from devicelog.records.story import said_of

_FRAMES: Final = 100
_NUMBERS: Final = frozenset({"treated_area_cm2", "electrode_area_cm2"})
_COUNTS: Final = frozenset({"pain_before", "pain_after"})
_YES: Final = frozenset({"contraindications_checked", "warned"})


def session(visit: Visit) -> Answer:
    """All of it, for who may see treatments."""
    row = _row(visit)
    facts = {
        "status": gather(visit.house.recording),
        "row": row,
        "it": told.one(visit, row),
        "line": told.in_a_line(visit, row),
        "person": visit.who(row.pseudonym),
        "labels": visit.labels,
        "reasons": REASONS,
        "purposes": PURPOSES,
        "choices": choices() if visit.may("records") else {},
        "stands": msgspec.to_builtins(row.annotations),
        "story": said_of(visit.reader, row.session_id) if visit.may("records") else [],
    }
    return Shown("session.html", facts)


def frames(visit: Visit) -> Answer:
    """The very bytes of its readings, in hex, a page at a time."""
    row = _row(visit)
    after = int(visit.query.get("after", "0")) if _digits(visit) else 0
    entries = visit.reader.entries(
        after, kind="reading", subject=row.session_id, limit=_FRAMES
    )
    rows = [(it, codec.decode(it.kind, it.body)) for it in islice(entries, _FRAMES)]
    following = entries[-1].seq if len(entries) == _FRAMES else None
    return Shown("frames.html", {"row": row, "rows": rows, "following": following})


def annotate(visit: Visit) -> Answer:
    """What a person adds to it; what is left empty is not said."""
    row = _row(visit)
    facts = {name: it for name in NAMES if (it := _fact(visit, name)) is not None}
    note = visit.form.get("note", "").strip()
    visit.do("annotate", session_id=row.session_id, facts=facts, note=note)
    visit.say("said.annotated")
    return Sent(back(f"/sessions/{row.session_id}"))


def close(visit: Visit) -> Answer:
    """End by hand what the device cannot end any more."""
    list(visit.ask("close_session", session_id=_row(visit).session_id))
    visit.say("said.closed")
    return Sent(f"/sessions/{visit.path['id']}")


def choices() -> dict[str, list[str]]:
    """What may be said of each fact; empty: a number."""
    schema = msgspec.json.schema(Facts)["$defs"]["Facts"]["properties"]
    return {name: _choices(it) for name, it in schema.items()}


def _choices(it: dict[str, Any]) -> list[str]:
    for one in (it, *it.get("anyOf", ())):
        if "enum" in one:
            return [str(value) for value in one["enum"] if value is not None]
        if one.get("type") == "boolean":
            return ["yes", "no"]
    return []


def _fact(visit: Visit, name: str) -> object:
    said = visit.form.get(name, "").strip()
    if not said:
        return None
    if name in _YES:
        return said == "yes"
    if name not in _NUMBERS | _COUNTS:
        return said
    try:
        return int(said) if name in _COUNTS else float(said.replace(",", "."))
    except ValueError:
        raise DevicelogError(f"{name}: that is no number", hint="as in 5") from None


def _row(visit: Visit) -> SessionRow:
    row = visit.reader.session(visit.path["id"])
    if row is None:
        raise Refused(404, "error.not_there")
    return row


def _digits(visit: Visit) -> bool:
    asked = visit.query.get("after", "")
    return asked.isascii() and asked.isdigit() and len(asked) < 19  # noqa: PLR2004
