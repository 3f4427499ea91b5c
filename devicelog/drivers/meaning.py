"""Raw numbers and texts of one answer <-> values of the catalogue, both ways.

Knows no bytes: a layout puts the raw value of each cell into its slot. Scale and offset
are taken as the decimals they are written as, so raw 57 at scale 0.01 is 0.57 exactly,
and encode(decode(raw)) == raw.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, cast

import msgspec

from devicelog.drivers.profile import Cell
from devicelog.model.fields import FIELDS, Value

Raw = int | str
Values = dict[str, Value]

_UNBOUND: Final = float("inf")


class _Number(msgspec.Struct, frozen=True):
    """value = (raw * times + plus) / over, in whole numbers up to the division."""

    name: str
    slot: int
    absent: int | None
    times: int
    plus: int
    over: int
    low: float
    high: float


class _Code(msgspec.Struct, frozen=True):
    """A number that stands for something, or a number shown as text."""

    name: str
    slot: int
    absent: int | None
    values: dict[int, Value]
    other: str


class _Plain(msgspec.Struct, frozen=True):
    """A bit that is a bool, or a text that is a text."""

    name: str
    slot: int
    type: type


class Meaning:
    """What the cells of one answer mean for one channel; cell n has slot slots[n]."""

    def __init__(self, cells: Sequence[Cell], slots: Sequence[int]) -> None:
        self._all = [compiled(*it) for it in zip(cells, slots, strict=True)]
        # As plain tuples: this runs for every reading of every device.
        self._numbers = [
            cast("tuple[str, int, int | None, int, int, int, float, float]", _row(it))
            for it in self._all
            if isinstance(it, _Number)
        ]
        self._codes = [it for it in self._all if isinstance(it, _Code)]
        self._plain = [it for it in self._all if isinstance(it, _Plain)]

    def decode(self, raws: Sequence[Any]) -> tuple[Values, str]:
        """The values, and "" or why they cannot be believed: field, value, bound.

        A cell whose device says that it has no value gives none.
        """
        values: Values = {}
        for name, slot, absent, times, plus, over, low, high in self._numbers:
            raw = raws[slot]
            if raw == absent:
                continue
            value = (raw * times + plus) / over
            if not low <= value <= high:  # so that NaN is not believed either
                return values, implausible(name, value, low, high)
            values[name] = value
        for code in self._codes:
            raw = raws[code.slot]
            known = code.values.get(raw)
            if known is not None:
                values[code.name] = known
            elif raw != code.absent:
                if not code.other:
                    return values, f"{code.name}: code {raw} is none the profile knows"
                values[code.name] = code.other.replace("{}", str(raw))
        for plain in self._plain:
            values[plain.name] = plain.type(raws[plain.slot])
        return values, ""

    def encode(self, values: Values) -> dict[int, Raw]:
        """Slot -> raw: what a device of this profile would send for these values.

        A value that is not given is sent as absent, or as 0. A code that the profile
        does not know is said by its number. Raises ValueError for what cannot be said.
        """
        return {it.slot: _raw(it, values.get(it.name)) for it in self._all}


def implausible(name: str, value: float, low: float, high: float) -> str:
    """The sentence for a value out of its bounds."""
    field = FIELDS.get(name)
    unit = f" {field.unit}" if field and field.unit != "1" else ""
    return f"{name}: {value:g}{unit} is not within {low:g} to {high:g}"


def bounds(cell: Cell) -> tuple[float, float]:
    """The narrower of the catalogue's and the cell's own bounds, both included."""
    field = FIELDS.get(cell.name)
    low = -_UNBOUND if field is None or field.low is None else field.low
    high = _UNBOUND if field is None or field.high is None else field.high
    return (
        low if cell.low is None else max(low, cell.low),
        high if cell.high is None else min(high, cell.high),
    )


def codes(table: dict[str, Any]) -> dict[int, Any]:
    """A profile's code table by number (decimal, or 0x...). Raises ValueError."""
    return {int(code, 0): value for code, value in table.items()}


def compiled(cell: Cell, slot: int) -> _Number | _Code | _Plain:
    """The cell as it is used. Expects a profile that drivers.load has checked."""
    field = FIELDS.get(cell.name)
    texts = field is None or field.type == "text"
    if cell.type == "text":
        return _Plain(cell.name, slot, str)
    if cell.values or texts:
        other = cell.other or ("" if cell.values else "{}")
        return _Code(cell.name, slot, cell.absent, codes(cell.values), other)
    if cell.type == "bit":
        return _Plain(cell.name, slot, bool)
    scale, offset = Fraction(repr(cell.scale)), Fraction(repr(cell.offset))
    over = scale.denominator * offset.denominator
    times, plus = int(scale * over), int(offset * over)
    return _Number(cell.name, slot, cell.absent, times, plus, over, *bounds(cell))


# --- Private ----------------------------------------------------------------------


def _row(it: msgspec.Struct) -> tuple[Any, ...]:
    return msgspec.structs.astuple(it)


def _raw(it: _Number | _Code | _Plain, value: Value | None) -> Raw:
    if isinstance(it, _Plain):
        return ("" if value is None else str(value)) if it.type is str else bool(value)
    if value is None:
        return it.absent or 0
    if isinstance(it, _Number):
        return round((float(value) * it.over - it.plus) / it.times)
    return _code(it, value)


def _code(it: _Code, value: Value) -> int:
    for code, meant in it.values.items():
        if meant == value and type(meant) is type(value):
            return code
    before, _, after = it.other.partition("{}")
    text = str(value).removeprefix(before).removesuffix(after)
    if text.isdigit():
        return int(text)
    raise ValueError(f"{it.name}: the profile has no code for {value!r}")
