"""Where cells lie in binary data: bytes <-> raw values, compiled once.

registers   16 bits each, high byte first (Modbus V1.1b3, 6.3 and 6.4); two make 32
            bits, high word first; texts take two characters a register
coils       single bits, the first in the lowest bit of the first byte (6.1 and 6.2)
octets      what any other wire sends, in either byte order

Texts are padded with zeros.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, NamedTuple, Protocol

from devicelog.drivers.meaning import Meaning, Values
from devicelog.drivers.memory import Memory
from devicelog.drivers.profile import ByteCell, Cell, Read, RegisterCell
from devicelog.wire.checks import Order
from devicelog.wire.modbus import size

_FORMATS: Final = {
    "u8": "B",
    "s8": "b",
    "u16": "H",
    "s16": "h",
    "u32": "I",
    "s32": "i",
}
_ORDERS: Final = {"big": ">", "little": "<"}
_PADDING: Final = "\0 "
_SET: Final = b"\1"  # a bit
_BYTE: Final = 8  # bits


class Layout(Protocol):
    """One answer, as it concerns one channel (or the identity)."""

    size: int

    def decode(self, data: bytes) -> tuple[Values, str]:
        """The values in these bytes, and "" or why they cannot be believed.

        Never raises, whatever the bytes.
        """

    def encode(self, values: Values, block: bytearray) -> None:
        """Write what a device would send for these values over its bytes of `block`.

        Raises ValueError where a value cannot be said.
        """


def of_read(read: Read, cells: Sequence[RegisterCell]) -> Layout:
    """The answer to a Modbus read."""
    if read.function in (1, 2):
        return _Coils(size(read.function, read.count), cells)
    places = [
        _Place(2 * it.at, f"{2 * it.length}s" if it.type == "text" else _word(it.type))
        for it in cells
    ]
    return _Packed(size(read.function, read.count), ">", cells, places)


def of_octets(
    size: int, order: Literal["big", "little"], cells: Sequence[ByteCell]
) -> Layout:
    """A frame of so many bytes; cells count from its first."""
    places = [
        _Place(it.at, f"{it.length}s" if it.type == "text" else _byte(it.type))
        for it in cells
    ]
    return _Packed(size, _ORDERS[order], cells, places)


def registers(cell: RegisterCell) -> int:
    """How many registers the cell takes."""
    if cell.type == "text":
        return cell.length
    return 2 if cell.type in ("u32", "s32") else 1


def octets(cell: ByteCell) -> int:
    """How many bytes the cell takes."""
    return cell.length if cell.type == "text" else struct.calcsize(_byte(cell.type))


# --- Private ----------------------------------------------------------------------


class _Place(NamedTuple):
    at: int  # bytes from the first
    format: str

    @property
    def size(self) -> int:
        return struct.calcsize(self.format)


def _word(type_: str) -> str:
    return "H" if type_ == "bit" else _FORMATS[type_]


def _byte(type_: str) -> str:
    return "B" if type_ == "bit" else _FORMATS[type_]


class _Packed:
    """Numbers and texts at places, bits in words that they share."""

    def __init__(
        self,
        size: int,
        order: str,
        cells: Sequence[RegisterCell | ByteCell],
        places: Sequence[_Place],
    ) -> None:
        self.size = size
        self._texts: list[tuple[int, str]] = []  # slot, name
        self._bits: list[tuple[int, int]] = []  # slot of the word, bit
        self._struct, slots = self._placed(order, cells, places)
        self._cells = [*cells]
        ends = [(it.at, it.at + it.size) for it in places]
        # Bits are mixed into the words that they share; all else is put in its place.
        self._whole = {n: ends[n] for n, cell in enumerate(cells) if cell.type != "bit"}
        self._runs = _runs(self._whole.values())
        self._image = bytearray(size)  # all that is whole, as it was said last
        self._mixed = [
            (n, ends[n], 1 << cell.bit)
            for n, cell in enumerate(cells)
            if cell.type == "bit"
        ]
        self._words = [struct.Struct(order + place.format) for place in places]
        self._order: Order = "little" if order == _ORDERS["little"] else "big"
        self._meaning = Meaning(cells, slots)
        self._memory = Memory(cells, self._say)

    def decode(self, data: bytes) -> tuple[Values, str]:
        """See `Layout`."""
        if len(data) != self.size:
            return {}, f"{len(data)} bytes of data, {self.size} were asked for"
        raws: list[Any] = [*self._struct.unpack(data)]
        for slot, name in self._texts:
            text = raws[slot]
            if not text.isascii():
                return {}, f"{name}: {text.hex(' ')} is no text (ASCII)"
            raws[slot] = text.decode("ascii").strip(_PADDING)
        for slot, bit in self._bits:
            raws.append(raws[slot] >> bit & 1)
        return self._meaning.decode(raws)

    def encode(self, values: Values, block: bytearray) -> None:
        """See `Layout`."""
        said = self._memory.of(values)
        for at, end in self._runs:
            block[at:end] = self._image[at:end]
        for n, (at, end), bit in self._mixed:
            word = int.from_bytes(block[at:end], self._order) & ~bit
            word |= bit if said[n] == _SET else 0
            block[at:end] = word.to_bytes(end - at, self._order)

    def _say(self, n: int, values: Values) -> bytes:
        cell, word = self._cells[n], self._words[n]
        raw: Any = self._meaning.raw(n, values)
        if cell.type == "bit":
            return _SET if raw else b""
        if cell.type == "text":
            raw = _ascii(cell, str(raw), word.size)
        try:
            said = word.pack(raw)
        except struct.error as error:
            raise ValueError(f"{cell.name}: {raw} does not fit") from error
        at, end = self._whole[n]
        self._image[at:end] = said
        return said

    # --- Private ------------------------------------------------------------------

    def _placed(
        self,
        order: str,
        cells: Sequence[RegisterCell | ByteCell],
        places: Sequence[_Place],
    ) -> tuple[struct.Struct, list[int]]:
        """What unpacks the data, and each cell's slot in what comes out.

        Bits come behind the words; those of one word share it.
        """
        layout, end = order, 0
        word_of: dict[int, int] = {}
        for place in sorted(places):
            if place.at in word_of:
                continue
            layout += f"{place.at - end}x{place.format}"
            word_of[place.at] = len(word_of)
            end = place.at + place.size
        layout += f"{self.size - end}x"
        slots = []
        for cell, place in zip(cells, places, strict=True):
            slot = word_of[place.at]
            if cell.type == "bit":
                self._bits.append((slot, cell.bit))
                slot = len(word_of) + len(self._bits) - 1
            elif cell.type == "text":
                self._texts.append((slot, cell.name))
            slots.append(slot)
        return struct.Struct(layout), slots


class _Coils:
    """Single bits."""

    def __init__(self, size: int, cells: Sequence[RegisterCell]) -> None:
        self.size = size
        self._cells = cells
        self._meaning = Meaning(cells, range(len(cells)))

    def decode(self, data: bytes) -> tuple[Values, str]:
        """See `Layout`."""
        if len(data) != self.size:
            return {}, f"{len(data)} bytes of data, {self.size} were asked for"
        packed = int.from_bytes(data, "little")
        return self._meaning.decode([packed >> cell.at & 1 for cell in self._cells])

    def encode(self, values: Values, block: bytearray) -> None:
        """See `Layout`."""
        for n, cell in enumerate(self._cells):
            where, bit = divmod(cell.at, _BYTE)
            raw = self._meaning.raw(n, values)
            block[where] = block[where] & ~(1 << bit) | int(raw or 0) << bit


def _ascii(cell: Cell, text: str, room: int) -> bytes:
    if len(text) > room or not text.isascii():
        raise ValueError(f"{cell.name}: {text!r} does not fit into {room} characters")
    return text.encode("ascii").ljust(room, b"\0")


def _runs(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same bytes in as few pieces as there are gaps between them."""
    runs: list[tuple[int, int]] = []
    for at, end in sorted(places):
        joins = runs and runs[-1][1] == at
        runs.append((runs.pop()[0] if joins else at, end))
    return runs
