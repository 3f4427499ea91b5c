"""Reads back what a store has taken, for its acknowledgement is no promise.

After each connection, from the lower of what was read back and what was written since
the server's present start, page by page, in between what is sent. What differs is sent
again, and told.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from devicelog.clock import SECOND, Clock
from devicelog.journal.reader import Reader
from devicelog.model.delivery import Position, Reject
from devicelog.model.flow import Entry
from devicelog.model.words import counted
from devicelog.sinks.base import Journal, Store

_PAGE: Final = 500
_REFUSED: Final = 10_000
_LOOK_NS: Final = 60 * SECOND  # a server that restarts fast breaks no connection


class Page(msgspec.Struct, frozen=True):
    """Read back up to `upto`; these are to be sent again."""

    upto: int
    lacking: Sequence[Entry] = ()


class Proving:
    """Of one store, for its relay's thread. All calls may raise SinkUnavailable."""

    def __init__(self, name: str, store: Store, journal: Journal, clock: Clock) -> None:
        self._name = name
        self._store = store
        self._journal = journal
        self._clock = clock
        self._to = 0
        self._look_ns = 0
        self._lost = 0
        self._never: set[int] = set()

    def connected(self, before: Position, position: Position) -> Position:
        """A connection is new: all that was taken `before` it is to be read back."""
        self._to = before.last
        self._look_ns = self._clock.mono_ns() + _LOOK_NS
        return position.proved(position.proof.met(self._store.started()))

    def look(self, position: Position) -> Position:
        """Once a minute: whether the server is still the one that it was."""
        now_ns = self._clock.mono_ns()
        if now_ns < self._look_ns:
            return position
        self._look_ns = now_ns + _LOOK_NS
        server = self._store.started()
        if not server:
            return position
        if server != position.proof.server:
            self._to = position.last
        return position.proved(position.proof.met(server))

    def again(self, position: Position, after: int, night: int) -> Position:
        """Read back everything after this once more, as it is done each night."""
        self._to = position.last
        proof = position.proof
        lowest = min(proof.verified_to, after)
        return position.proved(
            msgspec.structs.replace(proof, verified_to=lowest, night=night)
        )

    def refused(self, rejects: Sequence[Reject]) -> None:
        """These are never taken; the journal may not know it yet."""
        if len(self._never) > _REFUSED:
            self._never.clear()
        self._never |= {it.seq for it in rejects}

    def page(self, position: Position, view: Reader) -> Page | None:
        """The next page; None: all is read back."""
        unread = position.unread
        if unread is None or unread[0] > self._to:
            self._over()
            return None
        first, last = unread[0], min(unread[1], self._to)
        found = view.entries(first - 1, limit=_PAGE)
        entries = [entry for entry in found if entry.seq <= last]
        if not entries:
            return Page(last)
        upto = last if len(found) < _PAGE else entries[-1].seq
        never = view.set_aside(self._name, first, upto) | self._never
        lacking = [
            it for it in self._store.lacking(entries, view) if it.seq not in never
        ]
        self._tell([it for it in lacking if _settled(it, position, view)])
        return Page(upto, lacking)

    # --- Private ------------------------------------------------------------------

    @property
    def _alarm(self) -> str:
        return f"sink/{self._name}/lost"

    def _tell(self, lost: Sequence[Entry]) -> None:
        if lost:
            self._lost += len(lost)
            text = (
                f"{self._name} has lost {counted(self._lost, 'entry')} that it had"
                f" acknowledged, the last {lost[-1].seq}; they are sent again"
            )
            self._journal.alarm(self._alarm, text, "nothing; but see to that server")

    def _over(self) -> None:
        if self._lost:
            text = f"all {self._lost} lost entries were sent to {self._name} again"
            self._journal.clear(self._alarm, text)
            self._lost = 0


def _settled(entry: Entry, position: Position, view: Reader) -> bool:
    """Whether all has been sent that decides what should stand there."""
    if entry.kind == "reading" or not entry.subject:
        return True
    row = view.session(entry.subject)
    return row is None or position.takes(row.last_seq)
