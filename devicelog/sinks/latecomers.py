"""Entries that wait until their time is known, and come when it is."""

from typing import Final

from devicelog.journal.reader import Reader
from devicelog.model.delivery import Position
from devicelog.model.flow import Entry

_PAGE: Final = 500


class Latecomers:
    """Of one sink. A look begins when a clock was learnt, and goes page by page."""

    def __init__(self, sink: str) -> None:
        self._sink = sink
        self._after: int | None = None  # None: no look is due
        self._told = Position()
        self._durable = False

    def call(self, told: Position) -> None:
        """A clock may have been learnt. `told`: what was handed over until now."""
        self._after, self._told = 0, told

    def page(self, view: Reader) -> list[Entry]:
        """The next of them; none: not now.

        Who waits is read from the journal, and the last of them may not be there yet:
        the look is over once it began with all that was handed over.
        """
        if self._after is None:
            return []
        if self._after == 0:
            there = view.position(self._sink)
            self._durable = (
                there.top >= self._told.top and there.done_to >= self._told.done_to
            )
        seqs = view.waiting(self._sink, _PAGE, after=self._after)
        if not seqs:
            self._after = None if self._durable else 0
        found = (view.entry(seq) for seq in seqs)
        return [entry for entry in found if entry is not None]

    def sent(self, upto: int) -> None:
        """These went, or wait on."""
        self._after = upto
