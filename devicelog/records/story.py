"""What people said of one session, in order."""

from typing import Any, Final

import msgspec

from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Entry
from devicelog.model.said import Said

_PAGE: Final = 1000
_SHARED: Final = frozenset(Said.__struct_fields__)
_KNOWN: Final = frozenset({"v", "event", "session_id"})


class SaidOf(msgspec.Struct, frozen=True):
    """One thing that was said: `what`, and the facts that belong to it.

    `note`: there is one, sealed.
    """

    seq: int
    at_ns: int
    by: str
    how: str
    what: str
    facts: dict[str, Any]
    note: bool


def said_of(journal: Reader, session_id: str) -> list[SaidOf]:
    """All of it; what was said before it was changed stands here too."""
    told: list[SaidOf] = []
    after = 0
    while page := journal.entries(after, subject=session_id, limit=_PAGE):
        for entry in page:
            if entry.kind not in ("reading", "session"):
                body = codec.decode(entry.kind, entry.body)
                if isinstance(body, Said):
                    told.append(_told(entry, body))
        after = page[-1].seq
    return told


def _told(entry: Entry, body: Said) -> SaidOf:
    facts: dict[str, Any] = msgspec.to_builtins(body)
    return SaidOf(
        seq=entry.seq,
        at_ns=entry.at_ns,
        by=body.by,
        how=body.how,
        what=str(getattr(body, "event", entry.kind)),
        facts={n: it for n, it in facts.items() if n not in _SHARED | _KNOWN},
        note=body.note is not None,
    )
