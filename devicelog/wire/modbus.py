"""Modbus RTU: frames with a CRC-16, parted by silence.

    unit | function | ...                        | CRC low | CRC high
    request    1-4:  address (2)  count (2)                     8 bytes
    response   1-4:  byte count (1)  data                 5 + n bytes
    exception  81-84 hex:  code (1)                             5 bytes

(Modbus over serial line V1.02, 2.5.1; Modbus application protocol V1.1b3, 6.1-6.4.)
Both directions are frames, so that an echo or an overheard conversation is no noise.
The encoder knows function codes 1-4 and no other. Pure.
"""

import struct
from typing import Final

from fastcrc.crc16 import modbus as crc16

from devicelog.model.flow import Frame, Noise

READS: Final = (1, 2, 3, 4)
LONGEST: Final = 256
_REQUEST: Final = 8
_SHORTEST: Final = 5
_UNITS: Final = 247


def sealed(message: bytes) -> bytes:
    """The message with its CRC, low byte first."""
    return message + struct.pack("<H", crc16(message))


def request(unit: int, function: int, address: int, count: int) -> bytes:
    """Ask for `count` registers or bits. ValueError for anything that is no read."""
    if function not in READS:
        raise ValueError(f"function {function} is no read")
    return sealed(struct.pack(">BBHH", unit, function, address, count))


def response(unit: int, function: int, data: bytes) -> bytes:
    """A device's answer to a read."""
    if function not in READS:
        raise ValueError(f"function {function} is no read")
    return sealed(bytes([unit, function, len(data)]) + data)


def exception(unit: int, function: int, code: int) -> bytes:
    """A device's refusal of a read."""
    return sealed(bytes([unit, function | 0x80, code]))


class Framer:
    """See wire.base.Framer. Of a bad candidate one byte goes, the rest is retried."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Bytes held back because they may yet become a frame."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame | Noise]:
        """What these bytes complete; b"" is silence: nothing stays pending."""
        self._buffer += data
        pieces: list[Frame | Noise] = []
        noise = bytearray()
        buffer = self._buffer
        start = 0
        while start < len(buffer):
            size = self._size(start)
            if size is None and data:
                break
            if not size:
                noise.append(buffer[start])
                start += 1
                continue
            self._flush(noise, pieces)
            frame = bytes(buffer[start : start + size])
            pieces.append(Frame(frame, _kind(frame)))
            start += size
        del buffer[:start]
        self._flush(noise, pieces)
        return pieces

    def _size(self, start: int) -> int | None:
        """Length of the frame that begins here; 0: none does; None: not yet known."""
        buffer = self._buffer
        head = bytes(buffer[start : start + 3])
        if not 1 <= head[0] <= _UNITS or (
            len(head) > 1 and head[1] & 0x7F not in READS
        ):
            return 0
        if len(head) < 3:  # noqa: PLR2004
            return None
        if head[1] & 0x80:
            return self._whole(start, _SHORTEST)
        answer = self._answer(start, head[1], head[2])
        asked = self._whole(start, _REQUEST)
        if answer or asked:
            return answer or asked
        return None if answer is None or asked is None else 0

    def _answer(self, start: int, function: int, count: int) -> int | None:
        """As `_size`, if what begins here is an answer of so many bytes."""
        words = function in (3, 4)
        if not count or (words and count % 2) or count + _SHORTEST > LONGEST:
            return 0
        return self._whole(start, count + _SHORTEST)

    def _whole(self, start: int, size: int) -> int | None:
        end = start + size
        if len(self._buffer) < end:
            return None
        check = self._buffer[end - 2] | self._buffer[end - 1] << 8
        return size if crc16(bytes(self._buffer[start : end - 2])) == check else 0

    @staticmethod
    def _flush(noise: bytearray, pieces: list[Frame | Noise]) -> None:
        if noise:
            pieces.append(Noise(bytes(noise), "no frame with a right check"))
            noise.clear()


def _kind(frame: bytes) -> str:
    if frame[1] & 0x80:
        return "exception"
    answer = frame[2] + _SHORTEST == len(frame) and frame[2] > 0
    return "response" if answer else "request"
