"""The first page: every device, what it does, and for whom."""

from devicelog.console.cards import AROUND, cards
from devicelog.console.visit import Answer, Shown, Visit
from devicelog.operations.status import gather


def now(visit: Visit) -> Answer:
    """A card a channel; what is wrong; what waits in the inbox."""
    status = gather(visit.house.recording)
    found = cards(status)
    persons = {}
    for card in found:
        row = visit.reader.session(card.session_id) if card.session_id else None
        if row is not None and row.pseudonym:
            persons[card.id] = visit.who(row.pseudonym)
    facts = {
        "cards": found,
        "status": status,
        "persons": persons,
        "treatments": visit.may("treatments"),
        "around": AROUND,
    }
    return Shown("now.html", facts)
