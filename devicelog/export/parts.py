"""A history in parts, for forms that hold a part of it whole: pages, bundles.

Treatments come once and in order, whichever part they fall into, so that no more than
one part is held. Parts are of even size.
"""

from collections import deque
from collections.abc import Iterator
from itertools import chain, islice
from typing import Final

from devicelog.export.history import Manual, Source, Treatment
from devicelog.export.through import Through

MOST: Final = 500  # treatments in one part


class Part(Through):
    """One part of a history. Its treatments are asked for once, then `manual`."""

    def __init__(self, whole: "Whole", number: int, size: int) -> None:
        super().__init__(whole.source)
        self._whole = whole
        self._size = size
        self.number = number
        self.of = whole.parts

    @property
    def last(self) -> bool:
        """Whether the latest treatments are in it."""
        return self.number == self.of

    def count(self) -> int:
        """See `Source`."""
        return self._size

    def treatments(self) -> Iterator[Treatment]:
        """See `Source`; the last part has all that is left."""
        return self._whole.next(None if self.last else self._size)

    def manual(self) -> Iterator[Manual]:
        """See `Source`; what was given before the next part begins."""
        return self._whole.manual(all_=self.last)


class Whole:
    """A history that is taken apart; the next part is asked for when one is done."""

    def __init__(self, source: Source, most: int = MOST) -> None:
        self.source = source
        count = source.count()
        self.parts = max(1, -(-count // most))
        self._sizes = [(count + n) // self.parts for n in range(self.parts)]
        self._treatments = source.treatments()
        self._ahead: deque[Treatment] = deque(maxlen=1)
        self._manual = deque(source.manual())

    def __iter__(self) -> Iterator[Part]:
        for number, size in enumerate(self._sizes, 1):
            yield Part(self, number, size)

    def next(self, count: int | None) -> Iterator[Treatment]:
        """So many more; then the one after them is looked at, for its start."""
        ahead = [self._ahead.popleft()] if self._ahead else []
        yield from islice(chain(ahead, self._treatments), count)
        if (it := next(self._treatments, None)) is not None:
            self._ahead.append(it)

    def manual(self, *, all_: bool) -> Iterator[Manual]:
        """Those before the treatment that was looked at."""
        until = self._ahead[0].started_ns if self._ahead and not all_ else None
        while self._manual and (until is None or self._manual[0].began_ns < until):
            yield self._manual.popleft()
