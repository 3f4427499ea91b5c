"""Cells of a profile to values and back, compiled once. Pure; never raises on bytes."""

import struct
from typing import Final

from devicelog.drivers.profile import Cell
from devicelog.model.dose import Values
from devicelog.model.fields import FIELDS, Value

_FORMATS: Final = {"u16": ">H", "s16": ">h", "u32": ">I", "s32": ">i"}


class Layout:
    """The cells of one request. `decode` gives values and the first problem, if any."""

    def __init__(self, cells: tuple[Cell, ...], size: int) -> None:
        self._cells = cells
        self._size = size

    def decode(self, data: bytes) -> tuple[Values, str]:
        """Values by name; a problem in words where one cannot be believed."""
        values: Values = {}
        if len(data) != self._size:
            return values, f"{len(data)} bytes of data, expected {self._size}"
        for cell in self._cells:
            value = _read(cell, data)
            if value is None:
                continue
            if isinstance(value, str) and value.startswith("?"):
                return values, f"{cell.name}: code {value[1:]} is not in the profile"
            problem = _implausible(cell, value)
            if problem:
                return values, problem
            values[cell.name] = value
        return values, ""

    def encode(self, values: Values) -> bytes:
        """The block that a device with these values would answer."""
        block = bytearray(self._size)
        for cell in self._cells:
            if cell.name in values:
                _write(cell, block, values[cell.name])
        return bytes(block)


def _read(cell: Cell, data: bytes) -> Value | None:
    at = cell.at * 2
    if cell.type == "text":
        raw_text = data[at : at + 2 * cell.length]
        return raw_text.rstrip(b"\0 ").decode("ascii", "replace")
    if cell.type == "bit":
        return bool(struct.unpack_from(">H", data, at)[0] >> cell.bit & 1)
    raw = struct.unpack_from(_FORMATS[cell.type], data, at)[0]
    if raw == cell.absent:
        return None
    if cell.values:
        return cell.values.get(str(raw), f"?{raw}")
    return round(float(raw * cell.scale + cell.offset), 9)


def _implausible(cell: Cell, value: Value) -> str:
    field = FIELDS.get(cell.name)
    if isinstance(value, str | bool):
        return ""
    if field is not None and not field.plausible(value):
        return f"{cell.name} = {value:g} is outside of {field.low:g}..{field.high:g}"
    if (cell.low is not None and value < cell.low) or (
        cell.high is not None and value > cell.high
    ):
        return f"{cell.name} = {value:g} is outside of {cell.low}..{cell.high}"
    return ""


def _write(cell: Cell, block: bytearray, value: Value) -> None:
    at = cell.at * 2
    if cell.type == "text":
        text = str(value).encode("ascii", "replace")[: 2 * cell.length]
        block[at : at + len(text)] = text
    elif cell.type == "bit":
        word = struct.unpack_from(">H", block, at)[0]
        struct.pack_into(">H", block, at, word | bool(value) << cell.bit)
    elif cell.values:
        codes = {str(shown): int(code) for code, shown in cell.values.items()}
        struct.pack_into(_FORMATS[cell.type], block, at, codes[str(value)])
    else:
        raw = round((float(value) - cell.offset) / cell.scale)
        struct.pack_into(_FORMATS[cell.type], block, at, raw)
