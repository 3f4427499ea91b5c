"""What spans several keys of a profile's cells: names, places, ranges, codes."""

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from devicelog.drivers import place_checks
from devicelog.drivers.draft import Draft
from devicelog.drivers.meaning import bounds, is_number
from devicelog.drivers.profile import Cell, Channel, TextCell
from devicelog.drivers.subject import IDENTITY
from devicelog.model.fields import FIELDS
from devicelog.strict import Problem

# A scale by which the raw numbers cover less of the field's range than this is a slip.
_REACH: Final = 0.05


def problems(draft: Draft) -> Iterator[Problem]:
    """All that is wrong with the well-formed cells."""
    for key, cell in draft.cells:
        message = draft.message(cell.message)
        if message:
            yield from place_checks.problems(draft, key, cell, message)
        elif cell.message not in draft.names("messages"):
            yield draft.problem(
                f"{key}.message",
                f'"{cell.message}" is no message',
                f"one of {', '.join(draft.names('messages')) or 'none yet'}",
            )
        yield from _subject(draft, key, cell)
        yield from _numbers(draft, key, cell)
        yield from _plus(draft, key, cell)
        yield from _values(draft, key, cell)
    yield from place_checks.overlaps(draft)
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
    if draft.identifies(cell.message):
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
            f'"{cell.channel}" is no channel of message "{cell.message}"',
            f"one of {', '.join(draft.names('channels')) or 'none yet'}",
        )
    states = draft.names("channels", "state")
    if cell.name not in states:
        if cell.name in IDENTITY and not draft.knows_identity:
            return  # told already: identity names no message
        yield from name(draft, f"{key}.name", cell.name, channels)
    elif cell.values or _optional(cell):
        yield draft.problem(
            key,
            f'"{cell.name}" carries the run state: a code, always there',
            "its codes stand in the channel's states; no values, absent or text here",
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
    elif plain:
        yield from _range(draft, key, cell)
    yield from place_checks.absent(draft, key, cell)


def _plus(draft: Draft, key: str, cell: Cell) -> Iterator[Problem]:
    if not cell.plus:
        return
    others = [
        it
        for _, it in draft.cells
        if (it.name, it.message) == (cell.plus, cell.message)
        and it.channel in ("", cell.channel)
    ]
    if not is_number(cell) or not any(is_number(it) and not it.plus for it in others):
        yield draft.problem(
            f"{key}.plus",
            f'"{cell.plus}" cannot be added to {cell.name}',
            "name another number of the same message, which adds nothing itself",
        )


def _optional(cell: Cell) -> bool:
    """Whether it may have no value, or is no code."""
    absent = getattr(cell, "absent", None)
    return absent is not None or getattr(cell, "type", "") == "text"


def _kind(cell: Cell) -> str:
    if isinstance(cell, TextCell):
        return f"text of {cell.length} characters"
    return str(getattr(cell, "type", ""))


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
    raws = place_checks.raw_range(cell)
    if raws is None:
        return
    unit = cell.scale
    if isinstance(cell, TextCell):
        unit /= 10 ** (cell.decimals or 0)
    first, last = sorted(raw * unit + cell.offset for raw in raws)
    if min(last, high) - max(first, low) < _REACH * (high - low):
        yield draft.problem(
            f"{key}.scale",
            f"{cell.scale:g} makes {first:g} to {last:g} of a {_kind(cell)}, which "
            f"hardly reaches {low:g} to {high:g} of {cell.name}",
            "value = raw x scale + offset: correct scale, offset or type",
        )


def _values(draft: Draft, key: str, cell: Cell) -> Iterator[Problem]:
    if cell.values and getattr(cell, "type", "") == "text":
        yield draft.problem(f"{key}.values", "texts have no codes", "remove values")
        return
    if not isinstance(cell, TextCell):
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


def _twice(draft: Draft) -> Iterator[Problem]:
    seen: set[tuple[str, str, str]] = set()
    for key, cell in draft.cells:
        for who in (cell.channel, "") if cell.channel else ("",):
            if (cell.message, cell.name, who) in seen:
                yield draft.problem(
                    f"{key}.name", f'"{cell.name}" stands twice', "keep one of them"
                )
                break
        seen.add((cell.message, cell.name, cell.channel))
