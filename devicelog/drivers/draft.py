"""A profile as far as it can be read, so that what is wrong elsewhere is told too."""

from collections.abc import Iterator
from typing import Any, Final, TypeVar

import msgspec

from devicelog.drivers.profile import Cell, Channel, Profile, Request
from devicelog.strict import Problem, Table

_T = TypeVar("_T", bound=msgspec.Struct)
_SECTIONS: Final = ("requests", "channels", "cells")


class Draft(msgspec.Struct, frozen=True):
    """What is well-formed: the keys outside of the sections, and each section's items.

    An item stands with its key in the file, as `cells[3]`. `head` has empty sections.
    """

    table: Table
    head: Profile | None
    requests: list[tuple[str, Request]]
    channels: list[tuple[str, Channel]]
    cells: list[tuple[str, Cell]]

    def problem(self, key: str, message: str, remedy: str) -> Problem:
        """See `Table.problem`; here every problem has a remedy."""
        return self.table.problem(key, message, remedy)

    def names(self, section: str, key: str = "name") -> list[str]:
        """Names in a section (or another text), also of items not well-formed."""
        return [
            item[key]
            for _, item in _items(self.table, section)
            if isinstance(item, dict) and isinstance(item.get(key), str)
        ]

    def request(self, name: str) -> Request | None:
        """The well-formed request of this name."""
        return next((it for _, it in self.requests if it.name == name), None)

    def channels_of(self, cell: Cell) -> list[Channel]:
        """The channels that a cell speaks of."""
        return [
            it
            for _, it in self.channels
            if it.request == cell.request and cell.channel in ("", it.name)
        ]

    @property
    def knows_identity(self) -> bool:
        """Whether `identity` is a request, or none on purpose."""
        name = self.table.values.get("identity", "none")
        return name in ("none", *self.names("requests"))

    def identifies(self, request: str) -> bool:
        """Whether this is the request that asks who answers."""
        return bool(self.table.values.get("identity", "none") == request)


def draft(table: Table) -> Draft:
    """Read what can be read of it."""
    head = {key: it for key, it in table.values.items() if key not in _SECTIONS}
    return Draft(
        table=table,
        head=table.check(Profile, head | {section: [] for section in _SECTIONS})[0],
        requests=_well_formed(table, "requests", Request),
        channels=_well_formed(table, "channels", Channel),
        cells=_well_formed(table, "cells", Cell),
    )


# --- Private ----------------------------------------------------------------------


def _items(table: Table, section: str) -> Iterator[tuple[str, Any]]:
    items = table.values.get(section, [])
    if isinstance(items, list):
        for n, item in enumerate(items):
            yield f"{section}[{n}]", item


def _well_formed(table: Table, section: str, shape: type[_T]) -> list[tuple[str, _T]]:
    read = [(key, table.check(shape, it, key)[0]) for key, it in _items(table, section)]
    return [(key, item) for key, item in read if item is not None]
