"""Which head a session was given with: the wire says, else the register."""

from typing import Literal

import msgspec

from devicelog.journal.reader import Reader, SessionRow
from devicelog.records.register import Book

Source = Literal[
    "wire",  # the device named it
    "register",  # the one head that was on the device then
    "possible",  # one of several that were on the device then
]


class Used(msgspec.Struct, frozen=True):
    """A head of a session, by every name that it has there."""

    names: frozenset[str]
    source: Source

    @property
    def name(self) -> str:
        """One of its names; the longest is its serial number, most often."""
        return max(self.names, key=lambda it: (len(it), it))


class Heads:
    """The heads of sessions, as the journal tells them."""

    def __init__(self, journal: Reader) -> None:
        self._journal = journal
        self.book = Book(journal)

    def of(self, row: SessionRow) -> list[Used]:
        """All heads of one session; empty where nothing is known."""
        named: list[frozenset[str]] = []
        for told in self._journal.heads(row.session_id):
            names = frozenset({told.serial, told.id} - {""})
            # One that is named by its id now and by its serial number then.
            same = [it for it in named if it & names]
            named = [it for it in named if it not in same]
            named.append(names.union(*same))
        if named:
            return [Used(names, "wire") for names in named]
        there = self.book.heads_on(row.device, row.started_ns)
        source: Source = "register" if len(there) == 1 else "possible"
        return [Used(frozenset({name}), source) for name in there]
