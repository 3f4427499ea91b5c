"""A source as it is seen through something: the base of what changes or counts."""

from collections.abc import Callable, Iterator

from devicelog.export.history import History, Manual, Sample, Source, Treatment
from devicelog.model.flow import SessionEvent
from devicelog.records.audit import Row


class Through:
    """A `history.Source` that tells what another one does."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def history(self) -> History:
        """See `Source`."""
        return self._source.history

    def count(self) -> int:
        """See `Source`."""
        return self._source.count()

    def treatments(self) -> Iterator[Treatment]:
        """See `Source`."""
        return self._source.treatments()

    def manual(self) -> Iterator[Manual]:
        """See `Source`."""
        return self._source.manual()

    def readings(self, of: Treatment) -> Iterator[Sample]:
        """See `Source`."""
        return self._source.readings(of)

    def events(self, of: Treatment) -> list[SessionEvent]:
        """See `Source`."""
        return self._source.events(of)

    def audit(self) -> Iterator[Row]:
        """See `Source`."""
        return self._source.audit()


class Watched(Through):
    """Tells of each treatment once the next is asked for, the first time round.

    `retired`: how many of them have no readings left.
    """

    def __init__(self, source: Source, tick: Callable[[], None]) -> None:
        super().__init__(source)
        self._tick = tick
        self._over = False
        self.retired = 0

    def treatments(self) -> Iterator[Treatment]:
        """See `Source`."""
        counts, self._over = not self._over, True
        for it in super().treatments():
            yield it
            if counts:
                self.retired += bool(it.retired)
                self._tick()
