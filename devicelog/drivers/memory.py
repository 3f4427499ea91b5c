"""What a device said last, for who encodes its frames one after another."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from devicelog.drivers.meaning import Values
from devicelog.drivers.profile import Cell

_Said = TypeVar("_Said")


class Memory(Generic[_Said]):
    """What was said of each cell last: while its values stand, it is said again.

    From frame to frame few change; `say` is asked for those alone.
    """

    def __init__(
        self, cells: Sequence[Cell], say: Callable[[int, Values], _Said]
    ) -> None:
        self._say = say
        self._names = [(n, cell.name) for n, cell in enumerate(cells) if not cell.plus]
        self._sums = [
            (n, cell.name, cell.plus) for n, cell in enumerate(cells) if cell.plus
        ]
        self._meant: list[object] = [self] * len(cells)  # nothing is equal to it
        self._said: dict[int, _Said] = {}

    def of(self, values: Values) -> Mapping[int, _Said]:
        """What is said of these, by number of cell. Raises what `say` raises."""
        get, said, meant = values.get, self._said, self._meant
        for n, name in self._names:
            value = get(name)
            if value != meant[n]:
                said[n] = self._say(n, values)
                meant[n] = value
        for n, name, plus in self._sums:
            pair = get(name), get(plus)
            if pair != meant[n]:
                said[n] = self._say(n, values)
                meant[n] = pair
        return said
