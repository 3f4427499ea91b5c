"""Where the cells of a Modbus answer lie: bytes <-> raw values, compiled once.

function 3, 4   registers of 16 bits, high byte first (V1.1b3, 6.3 and 6.4);
                two registers make 32 bits, high word first; texts take two
                characters a register, padded with zeros
function 1, 2   bits, the first in the lowest bit of the first byte (6.1 and 6.2)
"""

import struct
from collections.abc import Sequence
from typing import Any, Final

from devicelog.drivers.meaning import Meaning, Values
from devicelog.drivers.profile import Cell, Request
from devicelog.wire.modbus import size

_FORMATS: Final = {"u16": "H", "s16": "h", "u32": "I", "s32": "i", "bit": "H"}
_PADDING: Final = "\0 "
_BYTE: Final = 8  # bits


def registers(cell: Cell) -> int:
    """How many registers the cell takes."""
    if cell.type == "text":
        return cell.length
    return 2 if cell.type in ("u32", "s32") else 1


class Layout:
    """The answer to one request, as it concerns one channel (or the identity)."""

    def __init__(self, request: Request, cells: Sequence[Cell]) -> None:
        self.size = size(request.function, request.count)
        self._cells = cells
        self._coils = request.function in (1, 2)
        self._texts: list[tuple[int, str]] = []  # slot, name
        self._bits: list[tuple[int, int]] = []  # slot of the register, bit
        self._struct, slots = self._places()
        self._words = [
            (cell, slot, struct.Struct(f">{_format(cell)}"))
            for cell, slot in zip(cells, slots, strict=True)
        ]
        self._meaning = Meaning(cells, slots)

    def decode(self, data: bytes) -> tuple[Values, str]:
        """The values in these bytes, and "" or why they cannot be believed.

        Never raises, whatever the bytes.
        """
        if len(data) != self.size:
            return {}, f"{len(data)} bytes of data, {self.size} were asked for"
        raws: list[Any]
        if self._coils:
            packed = int.from_bytes(data, "little")
            raws = [packed >> cell.at & 1 for cell in self._cells]
        else:
            raws = [*self._struct.unpack(data)]
            for slot, name in self._texts:
                text = raws[slot]
                if not text.isascii():
                    return {}, f"{name}: {text.hex(' ')} is no text (ASCII)"
                raws[slot] = text.decode("ascii").strip(_PADDING)
            for slot, bit in self._bits:
                raws.append(raws[slot] >> bit & 1)
        return self._meaning.decode(raws)

    def encode(self, values: Values, block: bytearray) -> None:
        """Write what a device would send for these values over its bytes of `block`.

        Raises ValueError where a value cannot be said.
        """
        raws = self._meaning.encode(values)
        for cell, slot, word in self._words:
            raw = raws[slot]
            if cell.type == "bit":
                _set_bit(cell, int(raw), block, coils=self._coils)
            elif cell.type == "text":
                _set_text(cell, str(raw), block)
            else:
                try:
                    word.pack_into(block, 2 * cell.at, raw)
                except struct.error as error:
                    raise ValueError(f"{cell.name}: {raw} does not fit") from error

    # --- Private ------------------------------------------------------------------

    def _places(self) -> tuple[struct.Struct, list[int]]:
        """What unpacks the registers, and each cell's slot in what comes out.

        Bits come behind the registers; those of one register share it.
        """
        cells = self._cells
        if self._coils:
            return struct.Struct(""), [*range(len(cells))]
        layout, end = ">", 0
        word_of: dict[int, int] = {}
        for cell in sorted(cells, key=lambda cell: cell.at):
            if cell.at in word_of:
                continue
            layout += f"{2 * (cell.at - end)}x{_format(cell)}"
            word_of[cell.at] = len(word_of)
            end = cell.at + registers(cell)
        layout += f"{self.size - 2 * end}x"
        slots = []
        for cell in cells:
            slot = word_of[cell.at]
            if cell.type == "bit":
                self._bits.append((slot, cell.bit))
                slot = len(word_of) + len(self._bits) - 1
            elif cell.type == "text":
                self._texts.append((slot, cell.name))
            slots.append(slot)
        return struct.Struct(layout), slots


def _format(cell: Cell) -> str:
    return f"{2 * cell.length}s" if cell.type == "text" else _FORMATS[cell.type]


def _set_bit(cell: Cell, raw: int, block: bytearray, *, coils: bool) -> None:
    if coils:
        where, bit = divmod(cell.at, _BYTE)
    else:
        # The high byte of a register comes first.
        where, bit = 2 * cell.at + (cell.bit < _BYTE), cell.bit % _BYTE
    block[where] = block[where] & ~(1 << bit) | raw << bit


def _set_text(cell: Cell, text: str, block: bytearray) -> None:
    room = 2 * cell.length
    if len(text) > room or not text.isascii():
        raise ValueError(f"{cell.name}: {text!r} does not fit into {room} characters")
    block[2 * cell.at : 2 * cell.at + room] = text.encode("ascii").ljust(room, b"\0")
