"""Where the cells of a profile lie, and whether what lies there can be what it says."""

from collections.abc import Iterator
from typing import Final

from devicelog.drivers.draft import Draft
from devicelog.drivers.layout import octets, registers
from devicelog.drivers.meaning import DECIMALS, is_number
from devicelog.drivers.message_checks import reserved, sized
from devicelog.drivers.profile import (
    ByteCell,
    BytesMessage,
    Cell,
    Message,
    Read,
    RegisterCell,
    TextCell,
    TextMessage,
    TextProfile,
)
from devicelog.model.fields import FIELDS
from devicelog.strict import Problem

_RAW: Final = {
    "bit": (0, 1),
    "u8": (0, 0xFF),
    "s8": (-0x80, 0x7F),
    "u16": (0, 0xFFFF),
    "s16": (-0x8000, 0x7FFF),
    "u32": (0, 0xFFFF_FFFF),
    "s32": (-0x8000_0000, 0x7FFF_FFFF),
}
_REGISTER: Final = 16  # bits
_BYTE: Final = 8


def problems(draft: Draft, key: str, cell: Cell, message: Message) -> Iterator[Problem]:
    """What is wrong with the place and type of one cell."""
    sizes = sized(draft, message)
    if sizes is not None and getattr(message, "size", 0) not in sizes:
        return  # told already
    if isinstance(cell, RegisterCell) and isinstance(message, Read):
        yield from _register(draft, key, cell, message)
        yield from _type(draft, key, cell)
    elif isinstance(cell, ByteCell) and isinstance(message, BytesMessage):
        yield from _octet(draft, key, cell, message)
        yield from _type(draft, key, cell)
    elif isinstance(cell, TextCell) and isinstance(message, TextMessage):
        yield from _text(draft, key, cell, message)


def raw_range(cell: Cell) -> tuple[int, int] | None:
    """Least and highest raw number; None where there is no such bound."""
    if isinstance(cell, RegisterCell | ByteCell):
        return _RAW.get(cell.type)
    if isinstance(cell, TextCell) and cell.length:
        return 0, 10**cell.length - 1
    return None


def absent(draft: Draft, key: str, cell: Cell) -> Iterator[Problem]:
    """Whether the number that stands for no value is one that the cell can have."""
    if not isinstance(cell, RegisterCell | ByteCell) or cell.absent is None:
        return
    low, high = _RAW.get(cell.type, (0, 0))
    if cell.type in ("bit", "text") or not low <= cell.absent <= high:
        yield draft.problem(
            f"{key}.absent",
            f"{cell.absent} is no number of a {cell.type}",
            f"{low} to {high}",
        )


def overlaps(draft: Draft) -> Iterator[Problem]:
    """Cells that lie upon one another."""
    taken: dict[tuple[str, object, int], Cell] = {}
    for key, cell in draft.cells:
        for at, bits in _taken(draft, cell):
            others = [taken.setdefault((cell.message, at, b), cell) for b in bits]
            other = next((it for it in others if it is not cell), None)
            if other:
                at_key = "key" if isinstance(at, str) else "at"
                yield draft.problem(
                    f"{key}.{at_key}",
                    f"{cell.name} overlaps {other.name} at {at}",
                    f"move one of them; {_shared(cell)}",
                )
                break


# --- Private ----------------------------------------------------------------------


def _coils(draft: Draft, cell: Cell) -> bool:
    message = draft.message(cell.message)
    return isinstance(message, Read) and message.function in (1, 2)


def _taken(draft: Draft, cell: Cell) -> Iterator[tuple[object, range]]:
    """The places that a cell takes, and which of their bits."""
    if isinstance(cell, RegisterCell):
        coils = _coils(draft, cell)
        size = 1 if coils else registers(cell)
        one = not coils and cell.type == "bit"
        bits = range(cell.bit, cell.bit + 1) if one else range(_REGISTER)
        yield from ((at, bits) for at in range(cell.at, cell.at + size))
    elif isinstance(cell, ByteCell):
        one = cell.type == "bit"
        bits = range(cell.bit, cell.bit + 1) if one else range(_BYTE)
        yield from ((at, bits) for at in range(cell.at, cell.at + octets(cell)))
    elif isinstance(cell, TextCell) and isinstance(draft.head, TextProfile):
        form = draft.head.text.form
        if form == "keys":
            yield cell.key, range(1)
        else:
            size = cell.length if form == "columns" else 1
            yield from ((at, range(1)) for at in range(cell.at, cell.at + size))


def _shared(cell: Cell) -> str:
    if isinstance(cell, TextCell):
        return "a place holds one value"
    what = "register" if isinstance(cell, RegisterCell) else "byte"
    return f"a {what} can be shared by bits only"


def _register(
    draft: Draft, key: str, cell: RegisterCell, message: Read
) -> Iterator[Problem]:
    coils = message.function in (1, 2)
    size = 1 if coils else registers(cell)
    if cell.at < 0 or cell.at + size > message.count:
        yield draft.problem(
            f"{key}.at",
            f"{cell.at} with {size} leaves the {message.count} of "
            f'message "{message.name}"',
            f"0 to {message.count - size}, counted from its address",
        )
    if coils and (cell.type != "bit" or cell.bit):
        yield draft.problem(
            f"{key}.type",
            f'"{cell.type}" cannot come from function {message.function}, which reads '
            "bits",
            'type = "bit" without bit, or a message with function 3 or 4',
        )
    else:
        yield from _bit(draft, key, cell, _REGISTER)
    yield from _length(draft, key, cell, "registers, two characters each")


def _octet(
    draft: Draft, key: str, cell: ByteCell, message: BytesMessage
) -> Iterator[Problem]:
    yield from _bit(draft, key, cell, _BYTE)
    wrong = [*_length(draft, key, cell, "bytes, one character each")]
    yield from wrong
    if wrong:
        return
    size, taken = octets(cell), reserved(draft, message.size)
    clash = {taken[at] for at in range(cell.at, cell.at + size) if at in taken}
    if cell.at < 0 or cell.at + size > message.size or clash:
        why = f": there is {min(clash)}" if clash else ""
        yield draft.problem(
            f"{key}.at",
            f"{cell.at} with {size} leaves the data of message "
            f'"{message.name}", of {message.size} bytes{why}',
            "counted from the first byte of the frame, its start",
        )


def _bit(
    draft: Draft, key: str, cell: RegisterCell | ByteCell, bits: int
) -> Iterator[Problem]:
    if not 0 <= cell.bit < bits or (cell.bit and cell.type != "bit"):
        yield draft.problem(
            f"{key}.bit",
            f"{cell.bit} is no bit of a {cell.type}",
            f'0 to {bits - 1}, of a "bit"',
        )


def _length(
    draft: Draft, key: str, cell: RegisterCell | ByteCell, unit: str
) -> Iterator[Problem]:
    if cell.length < 1 or (cell.length > 1 and cell.type != "text"):
        yield draft.problem(
            f"{key}.length",
            f"{cell.length} is no length of a {cell.type}",
            f"only texts have one: {unit}",
        )


def _type(draft: Draft, key: str, cell: RegisterCell | ByteCell) -> Iterator[Problem]:
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


def _text(
    draft: Draft, key: str, cell: TextCell, message: TextMessage
) -> Iterator[Problem]:
    if not isinstance(draft.head, TextProfile):
        return
    text = draft.head.text
    if text.form == "keys":
        yield from _key(draft, key, cell, (text.separator, text.equals))
    else:
        yield from _column(draft, key, cell, message, text.form)
    field = FIELDS.get(cell.name)
    if field and field.type == "bool" and not cell.values:
        yield draft.problem(
            f"{key}.values",
            f"{cell.name} is a bool, which no text is by itself",
            "map its texts, as { 1 = true, 0 = false }",
        )
    number = is_number(cell)
    if cell.decimals is not None and not (number and 0 <= cell.decimals <= DECIMALS):
        yield draft.problem(
            f"{key}.decimals",
            f"{cell.decimals} are no decimals of {cell.name}",
            f"0 to {DECIMALS}, of a number",
        )
    if cell.length and number and cell.decimals and cell.length < cell.decimals + 2:
        yield draft.problem(
            f"{key}.length",
            f"{cell.length} characters have no room for {cell.decimals} decimals",
            f"at least {cell.decimals + 2}, with a digit and the point",
        )


def _key(
    draft: Draft, key: str, cell: TextCell, parting: tuple[str, str]
) -> Iterator[Problem]:
    if (
        not cell.key
        or cell.key != cell.key.strip()
        or any(it in cell.key for it in parting)
    ):
        yield draft.problem(
            f"{key}.key", f'"{cell.key}" is no key', "as it stands before the equals"
        )
    if cell.at != -1:
        yield draft.problem(f"{key}.at", "keys stand anywhere", "remove it")


def _column(
    draft: Draft, key: str, cell: TextCell, message: TextMessage, form: str
) -> Iterator[Problem]:
    if cell.key:
        yield draft.problem(
            f"{key}.key", f"there are no keys in {form}", "`at` says where it stands"
        )
    framing = draft.framing
    if not framing:
        return
    first, last, size = 0, message.size, 1
    if form == "columns":
        first, last, size = framing.front, message.size - framing.back, cell.length
        if size < 1:
            yield draft.problem(
                f"{key}.length", f"{size} is no length", "characters it always has"
            )
            return
    if not first <= cell.at <= last - size:
        yield draft.problem(
            f"{key}.at",
            f'{cell.at} with {size} leaves the text of message "{message.name}"',
            f"{first} to {last - size}, counted from 0",
        )
