"""What spans several keys of a profile's cells: names, places, ranges, codes."""

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from devicelog.drivers.draft import Draft
from devicelog.drivers.layout import registers
from devicelog.drivers.meaning import bounds
from devicelog.drivers.profile import Cell, Channel, Request
from devicelog.drivers.subject import IDENTITY
from devicelog.model.fields import FIELDS
from devicelog.strict import Problem

_RAW: Final = {
    "bit": (0, 1),
    "u16": (0, 0xFFFF),
    "s16": (-0x8000, 0x7FFF),
    "u32": (0, 0xFFFF_FFFF),
    "s32": (-0x8000_0000, 0x7FFF_FFFF),
}
_BITS: Final = 16
# A scale by which the raw numbers cover less of the field's range than this is a slip.
_REACH: Final = 0.05


def problems(draft: Draft) -> Iterator[Problem]:
    """All that is wrong with the well-formed cells."""
    for key, cell in draft.cells:
        request = draft.request(cell.request)
        if request:
            yield from _place(draft, key, cell, request)
        elif cell.request not in draft.names("requests"):
            yield draft.problem(
                f"{key}.request",
                f'"{cell.request}" is no request',
                f"one of {', '.join(draft.names('requests')) or 'none yet'}",
            )
        yield from _subject(draft, key, cell)
        yield from _type(draft, key, cell)
        yield from _numbers(draft, key, cell)
        yield from _values(draft, key, cell)
    yield from _overlaps(draft)
    yield from _twice(draft)


def name(
    draft: Draft, key: str, name: str, channels: Sequence[Channel]
) -> Iterator[Problem]:
    """Whether a channel can have a value of this name."""
    field = FIELDS.get(name)
    if field is None:
        close = difflib.get_close_matches(name, [*FIELDS], 1)
        yield draft.problem(
            key,
            f'"{name}" is not in the catalogue',
            f'did you mean "{close[0]}"?' if close else "see devicelog/model/fields.py",
        )
        return
    if field.kind == "total":
        yield draft.problem(
            key, f'"{name}" is computed from readings', "remove it: no device tells it"
        )
    for channel in channels:
        if field.modality not in ("any", channel.modality):
            yield draft.problem(
                key,
                f'"{name}" belongs to modality {field.modality}, channel '
                f'"{channel.name}" is {channel.modality}',
                "name a field of that modality",
            )


def codes(draft: Draft, key: str, table: Mapping[str, object]) -> Iterator[Problem]:
    """Whether the keys of a code table are different numbers."""
    seen: dict[int, str] = {}
    for code in table:
        try:
            number = int(code, 0)
        except ValueError:
            yield draft.problem(
                f"{key}.{code}", f'"{code}" is no number', "as in 7 or 0x07"
            )
            continue
        if seen.setdefault(number, code) != code:
            yield draft.problem(
                f"{key}.{code}", f"is the same code as {seen[number]}", "keep one"
            )


def value(draft: Draft, key: str, name: str, value: object) -> Iterator[Problem]:
    """Whether a fixed value (of a code, a constant) is one that the field can have."""
    field = FIELDS[name]
    kinds: dict[str, tuple[type, ...]] = {"text": (str,), "bool": (bool,)}
    if type(value) not in kinds.get(field.type, (int, float)):
        yield draft.problem(
            key, f"{value!r} is no value of {name}", f"it is a {field.type}"
        )
    elif isinstance(value, float) and not field.plausible(value):
        yield draft.problem(
            key,
            f"{value:g} is not plausible for {name}",
            f"{field.low:g} to {field.high:g} {field.unit}",
        )


# --- Private ----------------------------------------------------------------------


def _subject(draft: Draft, key: str, cell: Cell) -> Iterator[Problem]:
    """Of whom the cell speaks, and whether they have such a value."""
    if draft.identifies(cell.request):
        if cell.name not in IDENTITY:
            yield draft.problem(
                f"{key}.name",
                f'"{cell.name}" says nothing of who answers',
                f"one of {', '.join(IDENTITY)}",
            )
        return
    channels = draft.channels_of(cell)
    if cell.channel and not channels:
        yield draft.problem(
            f"{key}.channel",
            f'"{cell.channel}" is no channel of request "{cell.request}"',
            f"one of {', '.join(draft.names('channels')) or 'none yet'}",
        )
    states = draft.names("channels", "state")
    if cell.name not in states:
        if cell.name in IDENTITY and not draft.knows_identity:
            return  # told already: identity names no request
        yield from name(draft, f"{key}.name", cell.name, channels)
    elif cell.absent is not None or cell.values or cell.type == "text":
        yield draft.problem(
            key,
            f'"{cell.name}" carries the run state: a number, always there',
            "its codes stand in the channel's states; no values, absent or text here",
        )


def _place(draft: Draft, key: str, cell: Cell, request: Request) -> Iterator[Problem]:
    coils = request.function in (1, 2)
    size = 1 if coils else registers(cell)
    if cell.at < 0 or cell.at + size > request.count:
        yield draft.problem(
            f"{key}.at",
            f"{cell.at} with {size} leaves the {request.count} of "
            f'request "{request.name}"',
            f"0 to {request.count - size}, counted from its address",
        )
    if coils and (cell.type != "bit" or cell.bit):
        yield draft.problem(
            f"{key}.type",
            f'"{cell.type}" cannot come from function {request.function}, which reads '
            "bits",
            'type = "bit" without bit, or a request with function 3 or 4',
        )
    elif not 0 <= cell.bit < _BITS or (cell.bit and cell.type != "bit"):
        yield draft.problem(
            f"{key}.bit",
            f"{cell.bit} is no bit of a {cell.type}",
            '0 to 15, of a "bit"',
        )
    if cell.length < 1 or (cell.length > 1 and cell.type != "text"):
        yield draft.problem(
            f"{key}.length",
            f"{cell.length} is no length of a {cell.type}",
            "only texts have one: registers, two characters each",
        )


def _type(draft: Draft, key: str, cell: Cell) -> Iterator[Problem]:
    field = FIELDS.get(cell.name)
    kind = field.type if field else "text"
    wrong = ""
    if cell.type == "text" and kind != "text":
        wrong = f"{cell.name} is a {kind}, not a text"
    elif cell.type == "bit" and kind not in ("bool", "text") and not cell.values:
        wrong = f"{cell.name} is a {kind}, not a bit"
    elif cell.type != "bit" and kind == "bool" and not cell.values:
        wrong = f"{cell.name} is a bool, not a {cell.type}"
    if wrong:
        yield draft.problem(
            f"{key}.type", wrong, "correct the type, or map codes with values"
        )


def _numbers(draft: Draft, key: str, cell: Cell) -> Iterator[Problem]:
    for it in ("scale", "offset"):
        number = getattr(cell, it)
        if not math.isfinite(number) or (it == "scale" and number == 0):
            yield draft.problem(
                f"{key}.{it}", f"{number:g} is impossible", "a number, scale not 0"
            )
            return
    field = FIELDS.get(cell.name)
    plain = field is not None and field.low is not None and not cell.values
    scaled = (cell.scale, cell.offset) != (1, 0)
    limited = cell.low is not None or cell.high is not None
    if (scaled or limited) and not plain:
        yield draft.problem(
            key,
            f"{cell.name} is no number to scale or limit",
            "remove scale, low, high",
        )
    elif plain and cell.type in _RAW:
        yield from _range(draft, key, cell)
    raw_low, raw_high = _RAW.get(cell.type, (0, 0))
    if cell.absent is not None and (
        cell.type in ("bit", "text") or not raw_low <= cell.absent <= raw_high
    ):
        yield draft.problem(
            f"{key}.absent",
            f"{cell.absent} is no number of a {cell.type}",
            f"{raw_low} to {raw_high}",
        )


def _range(draft: Draft, key: str, cell: Cell) -> Iterator[Problem]:
    field = FIELDS[cell.name]
    for it, number in (("low", cell.low), ("high", cell.high)):
        if number is not None and not field.plausible(number):
            yield draft.problem(
                f"{key}.{it}",
                f"{number:g} is outside of the catalogue's {field.low:g} to "
                f"{field.high:g}",
                "bounds of a cell are narrower",
            )
    low, high = bounds(cell)
    if low > high:
        yield draft.problem(
            f"{key}.low", f"{low:g} is above high, {high:g}", "swap or correct them"
        )
        return
    first, last = sorted(raw * cell.scale + cell.offset for raw in _RAW[cell.type])
    if min(last, high) - max(first, low) < _REACH * (high - low):
        yield draft.problem(
            f"{key}.scale",
            f"{cell.scale:g} makes {first:g} to {last:g} of a {cell.type}, which "
            f"hardly reaches {low:g} to {high:g} of {cell.name}",
            "value = raw x scale + offset: correct scale, offset or type",
        )


def _values(draft: Draft, key: str, cell: Cell) -> Iterator[Problem]:
    if cell.values and cell.type == "text":
        yield draft.problem(f"{key}.values", "texts have no codes", "remove values")
        return
    yield from codes(draft, f"{key}.values", cell.values)
    if cell.name in FIELDS:
        for code, it in cell.values.items():
            yield from value(draft, f"{key}.values.{code}", cell.name, it)
    field = FIELDS.get(cell.name)
    if cell.other and ("{}" not in cell.other or not field or field.type != "text"):
        yield draft.problem(
            f"{key}.other",
            f'"{cell.other}" cannot stand for a number of {cell.name}',
            "only of a text, with {} for the number",
        )


def _overlaps(draft: Draft) -> Iterator[Problem]:
    taken: dict[tuple[str, int, int], Cell] = {}
    for key, cell in draft.cells:
        request = draft.request(cell.request)
        coils = request is not None and request.function in (1, 2)
        for at in range(cell.at, cell.at + (1 if coils else registers(cell))):
            whole = coils or cell.type != "bit"
            bits = range(_BITS) if whole else (cell.bit,)
            others = [taken.setdefault((cell.request, at, bit), cell) for bit in bits]
            other = next((it for it in others if it is not cell), None)
            if other:
                yield draft.problem(
                    f"{key}.at",
                    f"{cell.name} overlaps {other.name} at {at}",
                    "move one of them; a register can be shared by bits only",
                )
                break


def _twice(draft: Draft) -> Iterator[Problem]:
    seen: set[tuple[str, str, str]] = set()
    for key, cell in draft.cells:
        for who in (cell.channel, "") if cell.channel else ("",):
            if (cell.request, cell.name, who) in seen:
                yield draft.problem(
                    f"{key}.name", f'"{cell.name}" stands twice', "keep one of them"
                )
                break
        seen.add((cell.request, cell.name, cell.channel))
