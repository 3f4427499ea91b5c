"""A profile as far as it can be read, so that what is wrong elsewhere is told too."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

import msgspec

from devicelog.drivers.profile import Cell, Channel, Message, Output, Profile
from devicelog.drivers.styles import Style
from devicelog.strict import Problem, Table
from devicelog.wire.base import Framing

_T = TypeVar("_T", bound=msgspec.Struct)
SECTIONS: Final = ("messages", "channels", "cells")


class Draft(msgspec.Struct, frozen=True):
    """What is well-formed: the keys outside of the sections, and each section's items.

    An item stands with its key in the file, as `cells[3]`. `head` has empty sections.
    `framing`: where the style is one that a profile lays out, and its wire is right.
    """

    table: Table
    style: Style
    head: Profile | None
    messages: list[tuple[str, Message]]
    outputs: list[tuple[str, Output]]
    cells: list[tuple[str, Cell]]
    framing: Framing | None = None

    def problem(self, key: str, message: str, remedy: str) -> Problem:
        """See `Table.problem`; here every problem has a remedy."""
        return self.table.problem(key, message, remedy)

    @property
    def channels(self) -> list[tuple[str, Channel]]:
        """The outputs that messages tell of."""
        return [(key, it) for key, it in self.outputs if isinstance(it, Channel)]

    def names(self, section: str, key: str = "name") -> list[str]:
        """Names in a section (or another text), also of items not well-formed."""
        return [
            item[key]
            for _, item in _items(self.table, section)
            if isinstance(item, dict) and isinstance(item.get(key), str)
        ]

    def message(self, name: str) -> Message | None:
        """The well-formed message of this name."""
        return next((it for _, it in self.messages if it.name == name), None)

    def channels_of(self, cell: Cell) -> list[Channel]:
        """The channels that a cell speaks of."""
        return [
            it
            for _, it in self.channels
            if it.message == cell.message and cell.channel in ("", it.name)
        ]

    @property
    def knows_identity(self) -> bool:
        """Whether `identity` is a message, or none on purpose."""
        name = self.table.values.get("identity", "none")
        return name in ("none", *self.names("messages"))

    def identifies(self, message: str) -> bool:
        """Whether this is the message that says who answers."""
        return bool(self.table.values.get("identity", "none") == message)


def draft(table: Table, style: Style) -> Draft:
    """Read what can be read of it."""
    sections: dict[str, Any] = {key: [] for key in _sections(style)}
    head = {key: it for key, it in table.values.items() if key not in SECTIONS}
    return Draft(
        table=table,
        style=style,
        head=table.check(style.profile, head | sections)[0],
        messages=_well_formed(table, "messages", style.message),
        outputs=_well_formed(table, "channels", style.channel),
        cells=_well_formed(table, "cells", style.cell),
    )


# --- Private ----------------------------------------------------------------------


def _sections(style: Style) -> Sequence[str]:
    """The sections that a profile of this style has."""
    return [key for key in SECTIONS if key in style.profile.__struct_fields__]


def _items(table: Table, section: str) -> Iterator[tuple[str, Any]]:
    items = table.values.get(section, [])
    if isinstance(items, list):
        for n, item in enumerate(items):
            yield f"{section}[{n}]", item


def _well_formed(table: Table, section: str, shape: type[_T]) -> list[tuple[str, _T]]:
    read = [(key, table.check(shape, it, key)[0]) for key, it in _items(table, section)]
    return [(key, item) for key, item in read if item is not None]
