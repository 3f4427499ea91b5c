"""One declared message of a device, both ways: a frame's body <-> values.

What it says is laid out for each of whom it speaks (its parts): the identity alone, or
one channel and another.
"""

from collections.abc import Sequence
from typing import Protocol

from devicelog.drivers.layout import of_octets
from devicelog.drivers.meaning import Values
from devicelog.drivers.profile import (
    ByteCell,
    BytesMessage,
    TextCell,
    TextMessage,
)
from devicelog.drivers.text import Parts, Sheet, Sheets, TextLayout
from devicelog.wire.checks import Order


class Spoken(Protocol):
    """One message. A body is as in `wire.base.Framing`."""

    def fits(self, body: bytes) -> bool:
        """Whether this body is one of it, by its `when`."""

    def resembles(self, body: bytes) -> bool:
        """Whether it is this message but for its shape."""

    def decode(self, body: bytes) -> tuple[list[Values], str]:
        """The values of each part; "" or why they cannot be believed. Never raises."""

    def encode(self, parts: Sequence[Values]) -> bytes:
        """The body that says so. Raises ValueError where a value cannot be said."""


class SpokenBytes:
    """See `Spoken`: numbers at places."""

    def __init__(
        self, message: BytesMessage, order: Order, parts: Sequence[Sequence[ByteCell]]
    ) -> None:
        self._size = message.size
        self._when = [(int(at), value) for at, value in message.when.items()]
        self._parts = [of_octets(message.size, order, cells) for cells in parts]

    def fits(self, body: bytes) -> bool:
        """See `Spoken`. A body of another size may be another message's."""
        return len(body) == self._size and self.resembles(body)

    def resembles(self, body: bytes) -> bool:
        """See `Spoken`."""
        for at, value in self._when:
            if at >= len(body) or body[at] != value:
                return False
        return True

    def decode(self, body: bytes) -> tuple[list[Values], str]:
        """See `Spoken`."""
        said = []
        for layout in self._parts:
            values, problem = layout.decode(body)
            if problem:
                return [], problem
            said.append(values)
        return said, ""

    def encode(self, parts: Sequence[Values]) -> bytes:
        """See `Spoken`."""
        block = bytearray(self._size)
        for at, value in self._when:
            block[at] = value
        for layout, values in zip(self._parts, parts, strict=True):
            layout.encode(values, block)
        return bytes(block)


class SpokenText:
    """See `Spoken`: texts at places."""

    def __init__(
        self,
        message: TextMessage,
        texts: Parts,
        parts: Sequence[Sequence[TextCell]],
    ) -> None:
        cells = [cell for part in parts for cell in part]
        self._sheets = Sheets(texts, message, cells)
        self._parts = [TextLayout(texts.text, cells) for cells in parts]

    def fits(self, body: bytes) -> bool:
        """See `Spoken`. A body of another shape may be another message's."""
        sheet, wrong = self._sheets.read(body)
        return not wrong and self._sheets.fits(sheet)

    def resembles(self, body: bytes) -> bool:
        """See `Spoken`."""
        return self._sheets.fits(self._sheets.read(body)[0])

    def decode(self, body: bytes) -> tuple[list[Values], str]:
        """See `Spoken`."""
        sheet, problem = self._sheets.read(body)
        said: list[Values] = []
        for layout in () if problem else self._parts:
            values, problem = layout.decode(sheet)
            if problem:
                break
            said.append(values)
        return said, problem

    def encode(self, parts: Sequence[Values]) -> bytes:
        """See `Spoken`."""
        sheet: Sheet = self._sheets.blank()
        for layout, values in zip(self._parts, parts, strict=True):
            layout.encode(values, sheet)
        return self._sheets.write(sheet)
