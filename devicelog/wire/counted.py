"""Frames that begin with fixed bytes and say how long they are.

    | start | ... length ... | data | check | end |

Length and check part two frames; after a false start one byte is dropped, so a length
that lies costs no frame behind it.
"""

from collections.abc import Iterable
from typing import Literal

from devicelog.model.flow import Frame
from devicelog.wire.base import Ordered
from devicelog.wire.checks import CheckName, Order, check
from devicelog.wire.notation import spelled
from devicelog.wire.scan import NO_CHECK, NO_START, Scanner


class CountedWire(Ordered, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Style counted. Bytes are written as in wire.notation.

    `length_at`: where the length stands, counted from the first byte of the frame; of
    `length_size` bytes. A frame has `length_adds` bytes more than it says. The check
    covers all from byte `check_from` up to itself. `end`: what always follows it.
    `order` is that of numbers of several bytes, the length among them.
    """

    style: Literal["counted"] = "counted"
    start: str
    length_at: int
    length_size: Literal[1, 2] = 1
    length_adds: int
    check: CheckName
    check_from: int = 0
    check_order: Order = "big"
    end: str = ""
    longest: int = 256

    def framing(self) -> "CountedFraming":
        """See `Framed`."""
        return CountedFraming(self)


class CountedFraming:
    """See `wire.base.Framing`. A body is the frame; its length belongs to the front."""

    def __init__(self, wire: CountedWire) -> None:
        self._start, self._end = spelled(wire.start), spelled(wire.end)
        self._length = slice(wire.length_at, wire.length_at + wire.length_size)
        self._adds = wire.length_adds
        self._order: Order = wire.order
        self._check = check(wire.check, wire.check_order)
        self._from = wire.check_from
        self.longest = wire.longest
        self.front = max(len(self._start), self._length.stop)
        self.back = self._check.size + len(self._end)

    def framer(self, asks: Iterable[bytes] = ()) -> Scanner:
        """See `Framing`."""
        return Scanner.of(self._start, self._look, self.longest, asks)

    def body(self, data: bytes) -> bytes:
        """See `Framing`."""
        return data

    def seal(self, body: bytes) -> bytes:
        """See `Framing`. What stands between start and length stays."""
        if len(body) > self.longest:
            raise ValueError(f"{len(body)} bytes are over {self.longest}")
        data = bytearray(body[: len(body) - self.back])
        data[: len(self._start)] = self._start
        length, size = len(body) - self._adds, self._length.stop - self._length.start
        data[self._length] = length.to_bytes(size, self._order)
        return bytes(data) + self._check.of(bytes(data[self._from :])) + self._end

    # --- Private ------------------------------------------------------------------

    def _look(self, buffer: bytes, at: int, end: int) -> Frame | str | None:
        if not buffer.startswith(self._start, at):
            return None if self._start.startswith(buffer[at:end]) else NO_START
        if end - at < self._length.stop:
            return None
        said = buffer[at + self._length.start : at + self._length.stop]
        size = int.from_bytes(said, self._order) + self._adds
        if not self.front + self.back <= size <= self.longest:
            return f"a frame of {size} bytes is none"
        if end - at < size:
            return None
        data = buffer[at : at + size]
        return self._wrong(data) or Frame(data)

    def _wrong(self, data: bytes) -> str:
        """Why this, of the right length, is no frame; "" if it is one."""
        if not data.endswith(self._end):
            return "no end where its length puts it"
        checked = len(data) - self.back
        said = data[checked : checked + self._check.size]
        return "" if self._check.fits(data[self._from : checked], said) else NO_CHECK
