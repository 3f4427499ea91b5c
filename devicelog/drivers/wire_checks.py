"""What is wrong with the `[wire]` of a profile, style by style."""

from collections.abc import Iterator
from typing import Final

from devicelog.drivers.draft import Draft
from devicelog.drivers.profile import Profile, TextProfile
from devicelog.strict import Problem
from devicelog.wire import modbus
from devicelog.wire.base import Framed
from devicelog.wire.checks import CheckName, check
from devicelog.wire.counted import CountedWire
from devicelog.wire.delimited import DelimitedWire
from devicelog.wire.lines import LinesWire
from devicelog.wire.modbus import ModbusWire
from devicelog.wire.notation import spelled
from devicelog.wire.stuffed import StuffedWire

_BYTE: Final = 8
_SEVEN: Final = 0x7F
# A framer holds at most so much of a line that babbles.
_LONGEST: Final = 4096


def problems(draft: Draft, head: Profile) -> Iterator[Problem]:
    """All that is wrong with the wire."""
    wire = head.wire
    binary = head.line.bytesize != _BYTE and not isinstance(head, TextProfile)
    if binary and draft.style.kind != "python":
        yield draft.problem(
            "line.bytesize",
            f"{head.line.bytesize} bits cannot carry {wire.style}",
            f"bytesize = {_BYTE}",
        )
    match wire:
        case ModbusWire() if wire.unit not in modbus.UNITS:
            yield draft.problem(
                "wire.unit", f"{wire.unit} is no address", "1 to 247, as on the device"
            )
        case LinesWire():
            yield from _lines(draft, head, wire)
        case DelimitedWire():
            yield from _delimited(draft, head, wire)
        case CountedWire():
            yield from _counted(draft, wire)
        case StuffedWire():
            yield from _stuffed(draft, wire)


def written(draft: Draft, key: str, text: str, sizes: range) -> Iterator[Problem]:
    """Whether this is bytes in our notation, so many of them."""
    try:
        data = spelled(text)
    except ValueError as error:
        yield draft.problem(key, str(error), "as in <STX>, <5A A5> or plain text")
        return
    if len(data) not in sizes:
        most = f" to {sizes[-1]}" if len(sizes) > 1 else ""
        yield draft.problem(
            key, f'"{text}" is {len(data)} bytes', f"{sizes[0]}{most} of them"
        )
    elif max(data, default=0) > _SEVEN and seven_bits(draft):
        yield draft.problem(
            key, f'"{text}" does not pass a line of 7 bits', "correct it or bytesize"
        )


def seven_bits(draft: Draft) -> bool:
    """Whether the line carries 7 bits a byte."""
    return draft.head is not None and draft.head.line.bytesize != _BYTE


# --- Private ----------------------------------------------------------------------

_MARK: Final = range(1, 9)


def _lines(draft: Draft, head: Profile, wire: LinesWire) -> Iterator[Problem]:
    told = [
        *written(draft, "wire.start", wire.start, range(9)),
        *written(draft, "wire.end", wire.end, _MARK),
    ]
    yield from told
    if not told:
        yield from _apart(draft, wire.start, wire.end)
        yield from _longest(draft, wire, wire.longest)
    yield from _passes(draft, head, wire.check)


def _delimited(draft: Draft, head: Profile, wire: DelimitedWire) -> Iterator[Problem]:
    told = [
        *written(draft, "wire.start", wire.start, _MARK),
        *written(draft, "wire.end", wire.end, _MARK),
        *written(draft, "wire.tail", wire.tail, range(9)),
    ]
    yield from told
    if not told:
        yield from _apart(draft, wire.start, wire.end)
        yield from _longest(draft, wire, wire.longest)
    yield from _passes(draft, head, wire.check)


def _counted(draft: Draft, wire: CountedWire) -> Iterator[Problem]:
    told = [
        *written(draft, "wire.start", wire.start, _MARK),
        *written(draft, "wire.end", wire.end, range(9)),
    ]
    yield from told
    if told:
        return
    first = len(spelled(wire.start))
    if not first <= wire.length_at < _LONGEST:
        yield draft.problem(
            "wire.length_at",
            f"{wire.length_at} is no place for the length",
            f"{first} or more: it is counted from the frame's first byte",
        )
        return
    most = 256**wire.length_size - 1
    front = wire.length_at + wire.length_size
    if not -most <= wire.length_adds <= _LONGEST:
        yield draft.problem(
            "wire.length_adds",
            f"{wire.length_adds} makes no frame of any length",
            "bytes of the whole frame less what its length says",
        )
    if not 0 <= wire.check_from <= front:
        yield draft.problem(
            "wire.check_from", f"{wire.check_from} is too far behind", f"0 to {front}"
        )
    yield from _longest(draft, wire, wire.longest)


def _stuffed(draft: Draft, wire: StuffedWire) -> Iterator[Problem]:
    one = range(1, 2)
    told = [
        *written(draft, "wire.start", wire.start, one),
        *written(draft, "wire.end", wire.end, one),
        *written(draft, "wire.escape", wire.escape, one),
    ]
    for key, by in wire.escaped.items():
        told += written(draft, f"wire.escaped.{key}", key, one)
        told += written(draft, f"wire.escaped.{key}", by, one)
    yield from told
    if told:
        return
    special = {spelled(it) for it in (wire.start, wire.end, wire.escape)}
    if spelled(wire.escape) in (spelled(wire.start), spelled(wire.end)):
        yield draft.problem(
            "wire.escape", f'"{wire.escape}" is start or end as well', "another byte"
        )
    elif not 0 < wire.escape_xor <= 0xFF:  # noqa: PLR2004  a byte
        yield draft.problem(
            "wire.escape_xor", f"{wire.escape_xor} changes no byte", "1 to 255"
        )
    elif wire.escaped and {spelled(key) for key in wire.escaped} != special:
        yield draft.problem(
            "wire.escaped",
            "does not say what start, end and escape become",
            "one entry for each of them, and no other",
        )
    else:
        table = wire.table()
        if special & {*table.values()} or len({*table.values()}) < len(table):
            yield draft.problem(
                "wire.escaped" if wire.escaped else "wire.escape_xor",
                "makes start, end or escape of one of them, or the same of two",
                "each must become a byte of its own",
            )
        yield from _longest(draft, wire, wire.longest)


def _apart(draft: Draft, start: str, end: str) -> Iterator[Problem]:
    if start and spelled(start) == spelled(end):
        yield draft.problem(
            "wire.end",
            f'"{end}" is the start as well: a lost one would take two frames with it',
            "name what stands at the end alone",
        )


def _longest(draft: Draft, wire: Framed, longest: int) -> Iterator[Problem]:
    framing = wire.framing()
    least = framing.front + framing.back + 1
    if not least <= longest <= _LONGEST:
        yield draft.problem(
            "wire.longest",
            f"{longest} bytes are no longest frame",
            f"{least} to {_LONGEST}",
        )


def _passes(draft: Draft, head: Profile, name: CheckName) -> Iterator[Problem]:
    it = check(name)
    if it.raw and it.bits >= _BYTE and head.line.bytesize < _BYTE and name != "xor8":
        yield draft.problem(
            "wire.check",
            f"{name} does not pass a line of {head.line.bytesize} bits",
            "sum7, sum8_hex, xor8 or xor8_hex",
        )
