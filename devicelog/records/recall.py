"""Recall: which sessions and patients a head that turned out bad has touched."""

import msgspec

from devicelog.journal.reader import Reader
from devicelog.journal.retired import Departed
from devicelog.records.calibration import checks
from devicelog.records.derived import Deriver, Session
from devicelog.records.heads import Heads, Source


class Touched(msgspec.Struct, frozen=True):
    """A session, and how it is known that the head was used in it."""

    session: Session
    source: Source


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    """All that a head touched from `since_ns` on; sessions the latest first.

    `unassigned` sessions belong to nobody yet: their patients are not in `pseudonyms`.
    `departed`: whole sessions since then that left by age, whatever their head, which
    is not known any more.
    """

    head: str
    since_ns: int
    why: str
    pseudonyms: tuple[str, ...]
    unassigned: int
    touched: list[Touched]
    departed: Departed


def recall(journal: Reader, head: str, since_ns: int | None = None) -> Recall:
    """Without a time: since the last output check that the head passed."""
    why = "as asked"
    if since_ns is None:
        passed = [
            it
            for it in checks(journal)
            if it.name == head and it.check == "output" and it.passed
        ]
        since_ns = passed[-1].on_ns if passed else 0
        why = "its last passed check" if passed else "it never passed a check"
    heads, deriver = Heads(journal), Deriver(journal)
    # What began before and ended after has touched somebody since.
    rows = journal.touched(head, heads.book.devices_of(head), since_ns)
    touched = [
        Touched(deriver.session(row), used.source)
        for row in rows
        for used in heads.of(row)
        if head in used.names
    ]
    mine = [it.session for it in touched if it.session.purpose == "treatment"]
    return Recall(
        head=head,
        since_ns=since_ns,
        why=why,
        pseudonyms=tuple(sorted({it.pseudonym for it in mine} - {""})),
        unassigned=sum(not it.pseudonym for it in mine),
        touched=touched,
        departed=journal.departed().since(since_ns),
    )
