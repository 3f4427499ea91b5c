"""The inbox: treatments of nobody yet; and what all treatments sum up to."""

import msgspec

from devicelog.journal.reader import Reader, SessionRow

_ALL = 1_000_000


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Of all sessions whose purpose is treatment; the others are only counted.

    `energy_j` sums ultrasound whose convention is known; `emission_s` all channels.
    """

    treatments: int = 0
    unassigned: int = 0
    patients: int = 0
    emission_s: float = 0.0
    energy_j: float = 0.0
    other: dict[str, int] = {}


def waiting(journal: Reader, limit: int = 1000) -> list[SessionRow]:
    """Sessions without a patient, the latest first."""
    return journal.sessions(pseudonym="", purpose="treatment", limit=limit)


def totals(journal: Reader, since_ns: int | None = None) -> Totals:
    """What was given in sessions that started then or later."""
    rows = journal.sessions(since_ns=since_ns, limit=_ALL)
    treated = [row for row in rows if row.purpose == "treatment"]
    other: dict[str, int] = {}
    for row in rows:
        if row.purpose != "treatment":
            other[row.purpose] = other.get(row.purpose, 0) + 1
    return Totals(
        treatments=len(treated),
        unassigned=sum(not row.pseudonym for row in treated),
        patients=len({row.pseudonym for row in treated} - {""}),
        emission_s=sum(row.totals.get("emission_s", 0.0) for row in treated),
        energy_j=sum(row.totals.get("energy_j", 0.0) for row in treated),
        other=other,
    )
