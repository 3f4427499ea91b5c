"""Patients as a page offers them: who was here last, who is meant, what they had."""

import msgspec

from devicelog.console.saying import dose, settings
from devicelog.console.visit import Visit
from devicelog.journal.reader import SessionRow
from devicelog.records import patients

FEW = 8
_RECENT = 200  # sessions that are looked at for them
_FOUND = 20


class Offer(msgspec.Struct, frozen=True):
    """One patient to choose. `last`: what they had last, where it may be seen."""

    pseudonym: str
    name: str
    born: str = ""
    number: str = ""
    last: str = ""
    last_ns: int | None = None


def recent(visit: Visit, few: int = FEW) -> list[Offer]:
    """Those who were treated last, the latest first."""
    rows = visit.reader.sessions(purpose="treatment", limit=_RECENT)
    codes = list(dict.fromkeys(row.pseudonym for row in rows if row.pseudonym))[:few]
    return [offer(visit, code) for code in codes]


def found(visit: Visit, text: str) -> list[Offer]:
    """Those who are meant by a name, a birth date, a number or a pseudonym."""
    typed = text.strip()
    code = typed.upper().replace("-", "").replace(" ", "")
    everybody = [*visit.people()]
    meant = patients.found(iter(everybody), typed)
    meant += [
        it
        for it in everybody
        if it.pseudonym.replace("-", "") == code and it not in meant
    ]
    return [offer(visit, it.pseudonym) for it in meant[:_FOUND]]


def offer(visit: Visit, code: str) -> Offer:
    """One, by pseudonym; showing them is noted."""
    person = visit.who(code)
    who = person.who if person else None
    last, last_ns = "", None
    if visit.may("treatments"):
        row = visit.reader.last_treatment(code)
        if row is not None:
            last, last_ns = in_short(visit, row), row.started_ns
    return Offer(
        pseudonym=code,
        name=who.name if who else "",
        born=who.birth_date if who else "",
        number=who.record_number if who else "",
        last=last,
        last_ns=last_ns,
    )


def in_short(visit: Visit, row: SessionRow) -> str:
    """`3 MHz, 20 %, 0.5 W/cm² (SATP), 5:00; 24 J · 4:59`."""
    words = visit.house.words
    parts = (settings(words, row.settings), dose(words, row.totals))
    return "; ".join(it for it in parts if it)
