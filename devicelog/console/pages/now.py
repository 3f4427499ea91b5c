"""The first page: every device, what it does, and for whom."""

from devicelog.console.cards import AROUND, cards, mark
from devicelog.console.people import Offer, offer, recent
from devicelog.console.visit import Answer, Shown, Visit
from devicelog.model import codec
from devicelog.model.said import REASONS
from devicelog.operations.status import gather


def now(visit: Visit) -> Answer:
    """A card a channel; what is wrong; what waits in the inbox."""
    status = gather(visit.house.recording)
    found = cards(status, visit.house.words, visit.house.texts)
    persons = {}
    for card in found:
        row = visit.reader.session(card.session_id) if card.session_id else None
        if row is not None and row.pseudonym:
            persons[card.id] = visit.who(row.pseudonym)
    bind = visit.may("bind")
    facts = {
        "offers": recent(visit) if bind else [],
        "waiting": {it.device: _waits(visit, it.device) for it in found},
        "unassigned": visit.reader.count_unassigned() if bind else 0,
        "reasons": REASONS,
        "cards": found,
        "marks": {it.id: mark(visit.reader, it) for it in found},
        "status": status,
        "persons": persons,
        "treatments": visit.may("treatments"),
        "around": AROUND,
    }
    return Shown("now.html", facts)


def _waits(visit: Visit, device: str) -> Offer | None:
    """For whom the next session on it is to be, as was said ahead."""
    entries = visit.reader.ahead(device) if visit.may("persons") else []
    if not entries:
        return None
    return offer(visit, codec.decode("binding", entries[-1].body).pseudonym)
