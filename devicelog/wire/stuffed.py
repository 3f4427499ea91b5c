"""Frames between a start and an end that stand nowhere else, for data are escaped.

    | start | data, escaped | check, escaped | end |

Where data have the value of start, end or escape, the escape stands before them, and
they are changed: exclusive-ored, or as a table says (SLIP). So each start is one, and
a second start drops the first.
"""

import re
from collections.abc import Iterable
from typing import Literal

import msgspec

from devicelog.model.flow import Frame
from devicelog.wire.base import Ordered
from devicelog.wire.checks import CheckName, Order, check
from devicelog.wire.notation import spelled
from devicelog.wire.scan import NO_CHECK, NO_START, Scanner


class StuffedWire(Ordered, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Style stuffed. Bytes are written as in wire.notation.

    `start`, `end` and `escape` are one byte each; start and end may be the same. An
    escaped byte is its value exclusive-or `escape_xor`, or what `escaped` says: byte to
    byte. The check is over all data as they were before they were escaped. `order` is
    that of numbers of several bytes. `longest`: bytes on the wire.
    """

    style: Literal["stuffed"] = "stuffed"
    start: str
    end: str
    escape: str
    escape_xor: int = 0x20
    escaped: dict[str, str] = msgspec.field(default_factory=dict)
    check: CheckName
    check_order: Order = "big"
    longest: int = 256

    def framing(self) -> "StuffedFraming":
        """See `Framed`."""
        return StuffedFraming(self)

    def table(self) -> dict[bytes, bytes]:
        """Byte -> what stands behind the escape for it."""
        if self.escaped:
            return {spelled(key): spelled(it) for key, it in self.escaped.items()}
        special = {spelled(it) for it in (self.start, self.end, self.escape)}
        return {it: bytes((it[0] ^ self.escape_xor,)) for it in special}


class StuffedFraming:
    """See `wire.base.Framing`. A body is start, data, check and end, none escaped."""

    front = 1

    def __init__(self, wire: StuffedWire) -> None:
        self._start, self._end = spelled(wire.start), spelled(wire.end)
        self._escape = spelled(wire.escape)
        self._check = check(wire.check, wire.check_order)
        self._stuffed = {it: self._escape + by for it, by in wire.table().items()}
        self._plain = {by: it for it, by in self._stuffed.items()}
        self._special = re.compile(b"|".join(map(re.escape, self._stuffed)), re.DOTALL)
        # A stray escape is a pair that stands in no table.
        self._pairs = re.compile(re.escape(self._escape) + b".?", re.DOTALL)
        self._marks = re.compile(
            re.escape(self._end) + b"|" + re.escape(self._start), re.DOTALL
        )
        self.longest = wire.longest
        self.back = self._check.size + 1

    def framer(self, asks: Iterable[bytes] = ()) -> Scanner:
        """See `Framing`."""
        return Scanner.of(self._start, self._look, self.longest, asks)

    def body(self, data: bytes) -> bytes:
        """See `Framing`. What is no frame comes as it is."""
        plain = self._unstuffed(data[1:-1])
        return data if plain is None else data[:1] + plain + data[-1:]

    def seal(self, body: bytes) -> bytes:
        """See `Framing`."""
        data = body[1 : len(body) - self.back]
        data += self._check.of(data)
        stuffed = self._special.sub(lambda it: self._stuffed[it[0]], data)
        if len(stuffed) + 2 > self.longest:
            raise ValueError(f"{len(stuffed) + 2} bytes are over {self.longest}")
        return self._start + stuffed + self._end

    # --- Private ------------------------------------------------------------------

    def _look(self, buffer: bytes, at: int, end: int) -> Frame | str | None:
        if not buffer.startswith(self._start, at):
            return NO_START
        mark = self._marks.search(buffer, at + 1, end)
        if mark is None:
            return None
        if mark[0] != self._end:
            return "another frame begins within it"
        wrong = self._wrong(buffer[at + 1 : mark.start()])
        return wrong or Frame(buffer[at : mark.end()])

    def _wrong(self, stuffed: bytes) -> str:
        """Why this between start and end is no frame; "" if it is one."""
        plain = self._unstuffed(stuffed)
        if plain is None:
            return "an escape of nothing"
        size = len(plain) - self._check.size
        if size <= 0:
            return "nothing between start and end"
        return "" if self._check.fits(plain[:size], plain[size:]) else NO_CHECK

    def _unstuffed(self, data: bytes) -> bytes | None:
        """Without escapes; None where one escapes nothing."""
        if self._escape not in data:
            return data
        try:
            return self._pairs.sub(lambda it: self._plain[it[0]], data)
        except KeyError:
            return None
