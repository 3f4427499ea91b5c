"""Raw numbers and texts of one message <-> values of the catalogue, both ways.

Knows no bytes: a layout puts the raw value of each cell into its slot. Scale and offset
are taken as the decimals they are written as, so raw 57 at scale 0.01 is 0.57 exactly,
and encode(decode(raw)) == raw. A number in text comes as a whole number of its last
decimal (DECIMALS of them where the profile does not say how many).
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, Final

import msgspec

from devicelog.drivers.profile import ByteCell, Cell, RegisterCell, TextCell
from devicelog.model.fields import FIELDS, Value

Raw = int | str
Values = dict[str, Value]

DECIMALS: Final = 6
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


class _Sum(msgspec.Struct, frozen=True):
    """A number to which another cell's is added: (own + base) / over."""

    own: _Number
    base: _Number


class _Code(msgspec.Struct, frozen=True):
    """A number or text that stands for something, or a number shown as text."""

    name: str
    slot: int
    absent: int | None
    values: dict[Any, Value]
    other: str
    textual: bool = False  # the codes themselves are texts


class _Plain(msgspec.Struct, frozen=True):
    """A bit that is a bool, or a text that is a text."""

    name: str
    slot: int
    type: type


_Compiled = _Number | _Sum | _Code | _Plain


class Meaning:
    """What the cells of one message mean for one channel; cell n has slot slots[n].

    A raw value of None says that there is none.
    """

    def __init__(self, cells: Sequence[Cell], slots: Sequence[int]) -> None:
        self._all = [*_compiled_all(cells, slots)]
        # As plain tuples: this runs for every reading of every device.
        self._numbers = [
            (it.name, it.slot, it.absent, it.times, it.plus, it.over, it.low, it.high)
            for it in self._all
            if isinstance(it, _Number)
        ]
        self._sums = [it for it in self._all if isinstance(it, _Sum)]
        self._codes = [it for it in self._all if isinstance(it, _Code)]
        self._plain = [it for it in self._all if isinstance(it, _Plain)]
        # Numbers that nothing else is made of, by slot: see `_moved`.
        shared = {it.base.slot for it in self._sums}
        self._alone = {it[1]: it for it in self._numbers if it[1] not in shared}
        self._stood: tuple[list[Any], Values] | None = None

    def decode(self, raws: Sequence[Any]) -> tuple[Values, str]:
        """The values, and "" or why they cannot be believed: field, value, bound.

        A cell whose device says that it has no value gives none.
        """
        values = self._moved(raws)
        if values is not None:
            return values, ""
        values, problem = self._whole(raws)
        if not problem:
            self._stood = [*raws], {**values}
        return values, problem

    def raw(self, n: int, values: Values) -> Raw:
        """What a device of this profile would send for these values in cell n.

        A value that is not given is sent as absent, or as 0. A code that the profile
        does not know is said by its number. Raises ValueError for what cannot be said.
        """
        return _raw(self._all[n], values)

    # --- Private ------------------------------------------------------------------

    def _moved(self, raws: Sequence[Any]) -> Values | None:
        """The values, if only numbers moved since all was looked at; else None.

        From frame to frame a timer counts and a temperature drifts; all else stands.
        """
        if self._stood is None:
            return None
        stood, before = self._stood
        values = {**before}
        for slot, (raw, old) in enumerate(zip(raws, stood, strict=True)):
            if raw != old:
                number = self._alone.get(slot)
                if number is None:
                    return None
                name, _, absent, times, plus, over, low, high = number
                if absent in (raw, old):
                    return None
                values[name] = value = (raw * times + plus) / over
                if not low <= value <= high:
                    return None
        return values

    def _whole(self, raws: Sequence[Any]) -> tuple[Values, str]:
        """See `decode`."""
        values: Values = {}
        for name, slot, absent, times, plus, over, low, high in self._numbers:
            raw = raws[slot]
            if raw == absent:
                continue
            value = (raw * times + plus) / over
            if not low <= value <= high:  # so that NaN is not believed either
                return values, implausible(name, value, low, high)
            values[name] = value
        for it in self._sums:
            problem = _add(it, raws, values)
            if problem:
                return values, problem
        for plain in self._plain:
            raw = raws[plain.slot]
            if raw is not None:
                values[plain.name] = plain.type(raw)
        return values, self._decode_codes(raws, values)

    def _decode_codes(self, raws: Sequence[Any], values: Values) -> str:
        for code in self._codes:
            raw = raws[code.slot]
            known = code.values.get(raw)
            if known is not None:
                values[code.name] = known
            elif raw != code.absent:
                if not code.other:
                    return f"{code.name}: code {raw} is none the profile knows"
                values[code.name] = code.other.replace("{}", str(raw))
        return ""


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


def codes(cell: Cell) -> dict[Raw, Value]:
    """The cell's code table: by text as it stands on the wire, else by number.

    Raises ValueError for what is no number (decimal, or 0x...).
    """
    if isinstance(cell, TextCell):
        return dict(cell.values.items())
    return {int(code, 0): value for code, value in cell.values.items()}


def is_number(cell: Cell) -> bool:
    """Whether the cell is a number that may have a scale."""
    field = FIELDS.get(cell.name)
    numeric = field is not None and field.type in ("float", "int")
    return numeric and not cell.values and getattr(cell, "type", "") != "text"


# --- Private ----------------------------------------------------------------------


def _compiled_all(cells: Sequence[Cell], slots: Sequence[int]) -> Iterator[_Compiled]:
    numbers = {
        cell.name: _number(cell, slot)
        for cell, slot in zip(cells, slots, strict=True)
        if is_number(cell)
    }
    for cell, slot in zip(cells, slots, strict=True):
        if cell.name in numbers and cell.plus:
            yield _Sum(numbers[cell.name], numbers[cell.plus])
        elif cell.name in numbers:
            yield numbers[cell.name]
        else:
            yield _other(cell, slot)


def _number(cell: Cell, slot: int) -> _Number:
    scale, offset = Fraction(repr(cell.scale)), Fraction(repr(cell.offset))
    absent = None
    if isinstance(cell, TextCell):
        decimals = DECIMALS if cell.decimals is None else cell.decimals
        scale /= 10**decimals
    elif isinstance(cell, RegisterCell | ByteCell):
        absent = cell.absent
    over = scale.denominator * offset.denominator
    times, plus = int(scale * over), int(offset * over)
    return _Number(cell.name, slot, absent, times, plus, over, *bounds(cell))


def _other(cell: Cell, slot: int) -> _Code | _Plain:
    if isinstance(cell, TextCell):
        if cell.values:
            return _Code(cell.name, slot, None, codes(cell), cell.other, textual=True)
        return _Plain(cell.name, slot, str)
    field = FIELDS.get(cell.name)
    type_ = getattr(cell, "type", "")
    if type_ == "text":
        return _Plain(cell.name, slot, str)
    if type_ == "bit" and not cell.values and field and field.type == "bool":
        return _Plain(cell.name, slot, bool)
    other = cell.other or ("" if cell.values else "{}")
    return _Code(cell.name, slot, getattr(cell, "absent", None), codes(cell), other)


def _add(it: _Sum, raws: Sequence[Any], values: Values) -> str:
    """Put the sum into the values; "" or why it cannot be believed."""
    own, base = it.own, it.base
    raw, below = raws[own.slot], raws[base.slot]
    if raw == own.absent or below == base.absent:
        return ""
    value = (
        (raw * own.times + own.plus) * base.over
        + (below * base.times + base.plus) * own.over
    ) / (own.over * base.over)
    if not own.low <= value <= own.high:
        return implausible(own.name, value, own.low, own.high)
    values[own.name] = value
    return ""


def _raw(it: _Compiled, values: Values) -> Raw:
    below: Value = 0
    if isinstance(it, _Sum):
        below = values.get(it.base.name, 0)
        it = it.own
    value = values.get(it.name)
    if isinstance(it, _Plain):
        return str(value or "") if it.type is str else bool(value)
    if value is None:
        return it.absent or 0
    if isinstance(it, _Code):
        return _code(it, value)
    own = float(value) - float(below)
    return round((own * it.over - it.plus) / it.times)


def _code(it: _Code, value: Value) -> Raw:
    for code, meant in it.values.items():
        if meant == value and type(meant) is type(value):
            return code  # type: ignore[no-any-return]
    before, _, after = it.other.partition("{}")
    text = str(value).removeprefix(before).removesuffix(after)
    if it.other if it.textual else text.isdigit():
        return text if it.textual else int(text)
    raise ValueError(f"{it.name}: the profile has no code for {value!r}")
