"""Every framing style in its variants: what makes a framer, and chance frames of it."""

import random
from collections.abc import Callable
from typing import NamedTuple

import pytest

from devicelog.wire import modbus
from devicelog.wire.base import Framed, Framer
from devicelog.wire.counted import CountedWire
from devicelog.wire.delimited import TEXT, DelimitedWire
from devicelog.wire.lines import LinesWire
from devicelog.wire.stuffed import StuffedWire


class Wire(NamedTuple):
    """A framing style: what makes a framer, and chance frames of each of its kinds.

    `parted`: a frame is told from garble before it by silence alone (lines that have
    no start, a start that is an end as well). `bits`: strength of its check.
    """

    framer: Callable[[], Framer]
    make: Callable[[random.Random], tuple[str, bytes]]
    start: bytes  # bytes with which a frame may begin
    longest: int
    bits: int = 16
    parted: bool = False


def modbus_frame(dice: random.Random) -> tuple[str, bytes]:
    unit = dice.choice((10, dice.randint(1, 247)))
    function = dice.randint(1, 4)
    kind = dice.choice(("request", "response", "response", "exception"))
    if kind == "request":
        count = dice.randint(1, modbus.most(function))
        address = dice.choice((dice.randrange(16), dice.randrange(0x10000 - count)))
        return kind, modbus.request(unit, function, address, count)
    if kind == "exception":
        return kind, modbus.exception(unit, function, dice.choice((1, 2, 3, 4, 6, 11)))
    size = modbus.size(function, dice.choice((1, 20, dice.randint(1, 125))))
    if size == 3:  # as long as a request: the framer cannot know, the driver does
        size = 4
    return kind, modbus.response(unit, function, dice.randbytes(size))


ASKS = (b"?US\r", b"?U", b"\x05")


def declared(wire: Framed, content: bytes, start: bytes, *, parted: bool = False):
    """A wire as a profile declares it; its content consists of these bytes."""
    framing = wire.framing()

    def make(dice: random.Random) -> tuple[str, bytes]:
        # An escaped byte takes two.
        most = (framing.longest - framing.front - framing.back) // 2 - 3
        size = dice.choice((1, 2, 30, dice.randint(1, most)))
        said = bytes(dice.choices(content, k=size))
        return "message", framing.seal(
            bytes(framing.front) + said + bytes(framing.back)
        )

    def framer() -> Framer:
        return framing.framer(ASKS)

    return Wire(framer, make, start, framing.longest, wire.check_bits, parted)


ANY = bytes(range(256))
NO_ETX = bytes(n for n in range(256) if n not in (2, 3))
NO_DOLLAR = TEXT.replace(b"$", b"")
STX = "<STX>"
ETX = "<ETX>"

WIRES = {
    "modbus_rtu": Wire(modbus.Framer, modbus_frame, b"\x0a\x04", 256),
    "lines": declared(LinesWire(start="$", check="sum8_hex"), NO_DOLLAR, b"$"),
    "lines, nothing but an end": declared(
        LinesWire(end="<CR>", longest=80), TEXT, b"A", parted=True
    ),
    "lines, checked": declared(LinesWire(check="xor8_hex"), TEXT, b"A", parted=True),
    "delimited": declared(
        DelimitedWire(start=STX, end=ETX, check="sum8_hex"), TEXT, b"\x02"
    ),
    "delimited, unchecked": declared(
        DelimitedWire(start="<ESC>[", end="];"), TEXT.translate(None, b"];"), b"\x1b["
    ),
    "delimited, raw check": declared(
        DelimitedWire(start=STX, end=ETX, check="xor8", data="binary"), NO_ETX, b"\x02"
    ),
    "delimited, 7 bits": declared(
        DelimitedWire(start=STX, end=ETX, check="sum7", check_covers=("start",)),
        TEXT,
        b"\x02",
    ),
    "delimited, raw crc": declared(
        DelimitedWire(start=STX, end=ETX, check="crc16_mcrf4xx", data="binary"),
        NO_ETX,
        b"\x02",
    ),
    "delimited, check behind": declared(
        DelimitedWire(
            start=STX, end=ETX, check="xor8", check_place="after_end", data="binary"
        ),
        NO_ETX,
        b"\x02",
    ),
    "delimited, tail": declared(
        DelimitedWire(
            start=STX,
            end=ETX,
            tail="<CR><LF>",
            check="sum8_hex",
            check_place="after_end",
            check_covers=("end",),
        ),
        TEXT,
        b"\x02",
    ),
    "counted": declared(
        CountedWire(
            start="<5A A5>",
            length_at=2,
            length_adds=3,
            check="crc16_modbus",
            check_order="little",
        ),
        ANY,
        b"\x5a\xa5",
    ),
    "counted, with an end": declared(
        CountedWire(
            start="<AA>",
            length_at=7,
            length_size=2,
            length_adds=12,
            check="crc16_ibm_3740",
            check_from=1,
            end="<DD>",
            longest=600,
        ),
        ANY,
        b"\xaa",
    ),
    "stuffed": declared(
        StuffedWire(
            start="<F0>",
            end="<0F>",
            escape="<81>",
            escape_xor=0x55,
            check="crc16_genibus",
        ),
        ANY + b"\xf0\x0f\x81" * 40,
        b"\xf0",
    ),
    "stuffed, slip": declared(
        StuffedWire(
            start="<C0>",
            end="<C0>",
            escape="<DB>",
            escaped={"<C0>": "<DC>", "<DB>": "<DD>"},
            check="crc16_ibm_sdlc",
            check_order="little",
        ),
        ANY + b"\xc0\xdb" * 40,
        b"\xc0",
        parted=True,
    ),
}
every_wire = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
