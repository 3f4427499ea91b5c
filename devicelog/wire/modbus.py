"""Modbus RTU: the reading half of it, both directions, any unit.

    request    | unit | 01-04 | address hi lo | count hi lo | crc lo hi |   8 bytes
    response   | unit | 01-04 | n | n bytes of data         | crc lo hi |   5 + n
    exception  | unit | 81-84 | code                        | crc lo hi |   5

Modbus Application Protocol V1.1b3, sections 6.1-6.4 (functions) and 7 (exceptions);
Modbus over Serial Line V1.02, sections 2.5.1 (frame) and 6.2.2 (CRC-16). Reading is all
that can be said here: there is no code for a function that writes.

On the line a pause of 3.5 characters parts two frames; a computer sees no such pauses,
so length and checksum part them here. What goes wrong: garble before a frame (a false
start is dropped byte by byte), within it (checksum), after it (nothing waits for it);
half a frame (silence ends it); an echo of our own request (a frame like any other). A
request and a response that both may begin at a byte are tried shorter first.
"""

import re
from typing import Final, Literal

from fastcrc.crc16 import modbus as _crc

from devicelog.model.flow import Frame
from devicelog.wire.base import Wire
from devicelog.wire.scan import NO_CHECK, NO_START, Scanner

LONGEST: Final = 256
SHORTEST: Final = 5
UNITS: Final = range(1, 248)
FUNCTIONS: Final = (1, 2, 3, 4)
MOST_BITS: Final = 2000
MOST_REGISTERS: Final = 125
EXCEPTIONS: Final = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, not ready",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target did not answer",
}

_REFUSED: Final = 0x80
_REQUEST_SIZE: Final = 8
# A unit and a function that is spoken here; or a unit as the last byte so far.
_START: Final = re.compile(rb"[\x01-\xf7](?:[\x01-\x04\x81-\x84]|\Z)", re.DOTALL)


class ModbusWire(Wire, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Style modbus_rtu. `unit`: the device's address."""

    style: Literal["modbus_rtu"] = "modbus_rtu"
    unit: int = 1

    @property
    def check_bits(self) -> int:
        """See `Wire`."""
        return 16


def most(function: int) -> int:
    """How many bits or registers one request of this function may ask for."""
    return MOST_BITS if function in (1, 2) else MOST_REGISTERS


def size(function: int, count: int) -> int:
    """Bytes of data that answer a request for so many bits or registers."""
    return -(-count // 8) if function in (1, 2) else 2 * count


def request(unit: int, function: int, address: int, count: int) -> bytes:
    """A request to read. Raises ValueError for anything else, or out of range."""
    if function not in FUNCTIONS:
        raise ValueError(f"function {function} is none that reads (1 to 4)")
    if unit not in UNITS:
        raise ValueError(f"unit {unit} is not within 1 to 247")
    if not 1 <= count <= most(function) or not 0 <= address <= 0x10000 - count:
        raise ValueError(f"{count} from address {address} cannot be asked for")
    words = address.to_bytes(2, "big") + count.to_bytes(2, "big")
    return _sealed(bytes((unit, function)) + words)


def response(unit: int, function: int, data: bytes) -> bytes:
    """What a device answers to a request; `data` as the function lays it out."""
    return _sealed(bytes((unit, function, len(data))) + data)


def exception(unit: int, function: int, code: int) -> bytes:
    """How a device refuses a request; `code` as in EXCEPTIONS."""
    return _sealed(bytes((unit, function | _REFUSED, code)))


class Framer(Scanner):
    """See `wire.base.Framer`. Kinds of frames: request, response, exception."""

    def __init__(self) -> None:
        super().__init__(_START, _look, LONGEST)


# --- Private ----------------------------------------------------------------------

# Each kind of frame that may begin with this function and third byte: (length, kind),
# shorter first.
_Shapes = tuple[tuple[int, str], ...]


def _shapes(function: int, third: int) -> _Shapes:
    if function & _REFUSED:
        return ((SHORTEST, "exception"),) if third in EXCEPTIONS else ()
    shapes = [(_REQUEST_SIZE, "request")]
    most_data = size(function, most(function))
    if 0 < third <= most_data and (function in (1, 2) or third % 2 == 0):
        shapes.append((SHORTEST + third, "response"))
    return tuple(sorted(shapes))


_SHAPES: Final[dict[int, tuple[_Shapes, ...]]] = {
    function: tuple(_shapes(function, third) for third in range(256))
    for plain in FUNCTIONS
    for function in (plain, plain | _REFUSED)
}
_MOST: Final = {function: most(function) for function in FUNCTIONS}


def _look(buffer: bytes, at: int, end: int) -> Frame | str | None:
    """See `wire.scan.Look`."""
    if not _START.match(buffer, at):
        return NO_START
    if end - at < SHORTEST:
        return None
    function = buffer[at + 1]
    for length, kind in _SHAPES[function][buffer[at + 2]]:
        if end - at < length:
            return None
        if kind == "request":
            count = buffer[at + 4] << 8 | buffer[at + 5]
            if not 0 < count <= _MOST[function]:
                continue
        data = buffer[at : at + length]
        # The CRC over a whole frame, its own CRC included, is 0.
        if _crc(data) == 0:
            return Frame(data, kind)
    return NO_CHECK


def _sealed(body: bytes) -> bytes:
    return body + _crc(body).to_bytes(2, "little")
