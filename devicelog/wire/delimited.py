"""Frames between a start and an end, as <STX>...<ETX>.

    before_end   | start | data | check | end | tail |
    after_end    | start | data | end | check | tail |

The data hold neither start nor end, so a second start drops the first, and the first
end is the end. But a raw check may have the value of either; so where one is found,
the frame is tried that ends there and those that end within a check behind it.
"""

import re
from collections.abc import Iterable
from typing import Final, Literal

from devicelog.model.flow import Frame
from devicelog.wire.base import Ordered
from devicelog.wire.checks import CheckName, Order, check
from devicelog.wire.notation import spelled
from devicelog.wire.scan import NO_CHECK, NO_START, Scanner

# What text may consist of: printable ASCII and the tabulator.
TEXT: Final = bytes((0x09, *range(0x20, 0x7F)))
NO_TEXT: Final = "not all of it is text"


class DelimitedWire(Ordered, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Style delimited. Bytes are written as in wire.notation.

    `check` covers the data, and what `check_covers` names beside them. `tail`: what
    always follows, as <CR><LF>. `data`: text has no byte but printable ASCII; in
    binary data `order` is that of numbers of several bytes.
    """

    style: Literal["delimited"] = "delimited"
    start: str
    end: str
    tail: str = ""
    check: CheckName = "none"
    check_place: Literal["before_end", "after_end"] = "before_end"
    check_covers: tuple[Literal["start", "end"], ...] = ()
    check_order: Order = "big"
    data: Literal["text", "binary"] = "text"
    longest: int = 256

    def framing(self) -> "DelimitedFraming":
        """See `Framed`."""
        return DelimitedFraming(self)


class DelimitedFraming:
    """See `wire.base.Framing`. A body is the frame as it is."""

    def __init__(self, wire: DelimitedWire) -> None:
        self._start, self._end = spelled(wire.start), spelled(wire.end)
        self._check = check(wire.check, wire.check_order)
        self._before = wire.check_place == "before_end"
        self._tail = spelled(wire.tail)
        self._covers_start = "start" in wire.check_covers
        self._covers_end = "end" in wire.check_covers
        self._text = wire.data == "text"
        self._behind = len(self._tail) + (0 if self._before else self._check.size)
        self._tries = self._check.size if self._before and self._check.raw else 0
        self._marks = re.compile(
            re.escape(self._end) + b"|" + re.escape(self._start), re.DOTALL
        )
        self.longest = wire.longest
        self.front = len(self._start)
        self.back = self._check.size + len(self._end) + len(self._tail)

    def framer(self, asks: Iterable[bytes] = ()) -> Scanner:
        """See `Framing`."""
        return Scanner.of(self._start, self._look, self.longest, asks)

    def body(self, data: bytes) -> bytes:
        """See `Framing`."""
        return data

    def seal(self, body: bytes) -> bytes:
        """See `Framing`."""
        if len(body) > self.longest:
            raise ValueError(f"{len(body)} bytes are over {self.longest}")
        said = self._check.of(self._covered(body))
        data = self._start + body[self.front : len(body) - self.back]
        return (
            data + (said + self._end if self._before else self._end + said) + self._tail
        )

    # --- Private ------------------------------------------------------------------

    def _look(self, buffer: bytes, at: int, end: int) -> Frame | str | None:
        if not buffer.startswith(self._start, at):
            return None if self._start.startswith(buffer[at:end]) else NO_START
        mark = self._marks.search(buffer, at + self.front, end)
        if mark is None:
            return None
        why = "another frame begins within it"
        for place in range(mark.start(), mark.start() + self._tries + 1):
            found = self._ended(buffer, at, place, end)
            if found is None or isinstance(found, Frame):
                return found
            why = found or why
        return why

    def _ended(
        self, buffer: bytes, at: int, place: int, end: int
    ) -> Frame | str | None:
        """The frame whose end stands at this place; "" if none does."""
        if not buffer.startswith(self._end, place):
            return None if self._end.startswith(buffer[place:end]) else ""
        stop = place + len(self._end) + self._behind
        if stop > end:
            return None
        data = buffer[at:stop]
        return self._wrong(data) or Frame(data)

    def _wrong(self, data: bytes) -> str:
        """Why this, start and end in their places, is no frame; "" if it is one."""
        if not data.endswith(self._tail):
            return "no tail behind its end"
        if not self._check.fits(self._covered(data), self._said(data)):
            return NO_CHECK
        content = data[self.front : len(data) - self.back]
        if not content:
            return "nothing between start and end"
        return NO_TEXT if self._text and content.translate(None, TEXT) else ""

    def _said(self, data: bytes) -> bytes:
        """The check that stands in the frame."""
        stop = len(data) - len(self._tail) - (len(self._end) if self._before else 0)
        return data[max(0, stop - self._check.size) : stop]

    def _covered(self, data: bytes) -> bytes:
        """What the check of this frame is over."""
        stop = len(data) - self.back
        content = data[self.front : max(stop, self.front)]
        return (
            (self._start if self._covers_start else b"")
            + content
            + (self._end if self._covers_end else b"")
        )
