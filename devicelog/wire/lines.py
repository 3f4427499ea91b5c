"""Lines of text, ended by <CR>, <LF> or both.

    | start | text | check | end |

A start such as $ is worth much: with it a line is found wherever it begins. Without
one a line is all since the last end (or since a silence), so what damages a line, or
stands before it, costs the whole line, and half a line at its front looks like one.
"""

from collections.abc import Iterable
from typing import Literal

from devicelog.model.flow import Frame, Noise
from devicelog.wire.base import Framed, Framer, Framing
from devicelog.wire.checks import check
from devicelog.wire.delimited import NO_TEXT, TEXT, DelimitedWire
from devicelog.wire.notation import spelled
from devicelog.wire.scan import HALF, NO_CHECK


class LinesWire(Framed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Style lines. Bytes are written as in wire.notation.

    `start`: with what each line begins, if it is always the same; `check` covers the
    text behind it.
    """

    style: Literal["lines"] = "lines"
    start: str = ""
    end: str = "<CR><LF>"
    check: Literal["none", "sum8_hex", "xor8_hex"] = "none"
    longest: int = 256

    def framing(self) -> Framing:
        """See `Framed`."""
        if not self.start:
            return LineFraming(self)
        return DelimitedWire(
            start=self.start, end=self.end, check=self.check, longest=self.longest
        ).framing()


class LineFraming:
    """Lines without a start. See `wire.base.Framing`; a body is the line as it is."""

    def __init__(self, wire: LinesWire) -> None:
        self.end = spelled(wire.end)
        self.longest = wire.longest
        self.front = 0
        self.too_long = f"a line of more than {wire.longest} bytes"
        self._check = check(wire.check)
        self.back = self._check.size + len(self.end)

    def framer(self, asks: Iterable[bytes] = ()) -> Framer:
        """See `Framing`. Requests are lines like any other."""
        del asks
        return LineFramer(self)

    def body(self, data: bytes) -> bytes:
        """See `Framing`."""
        return data

    def seal(self, body: bytes) -> bytes:
        """See `Framing`."""
        if len(body) > self.longest:
            raise ValueError(f"{len(body)} bytes are over {self.longest}")
        text = body[: len(body) - self.back]
        return text + self._check.of(text) + self.end

    def wrong(self, line: bytes) -> str:
        """Why this line, its end included, is no frame; "" if it is one."""
        if len(line) > self.longest:
            return self.too_long
        text, said = line[: -self.back], line[-self.back : len(line) - len(self.end)]
        if not text:
            return "an empty line"
        if text.translate(None, TEXT):
            return NO_TEXT
        return "" if self._check.fits(text, said) else NO_CHECK


class LineFramer:
    """See `wire.base.Framer`."""

    def __init__(self, framing: LineFraming) -> None:
        self._framing = framing
        self._end = framing.end
        self._held = b""
        self._spoilt = ""  # why the line that is under way is none

    @property
    def pending(self) -> int:
        """Bytes held back because they may yet become a frame; under `longest`."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Frame | Noise]:
        """See `wire.base.Framer`. Noise bytes that touch come as one piece a feed."""
        buffer = self._held + data
        pieces: list[Frame | Noise] = []
        done = at = 0  # all before `done` is given out; noise from there to `at`
        why = ""  # the first of it is none
        while at < len(buffer):
            place = buffer.find(self._end, at)
            if place < 0:
                stop, wrong = self._unended(buffer, at, final=not data)
                if stop == at:
                    break
            else:
                stop = place + len(self._end)
                wrong = self._spoilt or self._framing.wrong(buffer[at:stop])
                self._spoilt = ""
            if not wrong:
                if done < at:
                    pieces.append(Noise(buffer[done:at], why))
                pieces.append(Frame(buffer[at:stop]))
                done, why = stop, ""
            why, at = why or wrong, stop
        if done < at:
            pieces.append(Noise(buffer[done:at], why))
        self._held = buffer[at:]
        return pieces

    # --- Private ------------------------------------------------------------------

    def _unended(self, buffer: bytes, at: int, *, final: bool) -> tuple[int, str]:
        """To where the line under way is noise already, and why."""
        if final:
            spoilt, self._spoilt = self._spoilt, ""
            return len(buffer), spoilt or HALF
        if len(buffer) - at >= self._framing.longest:
            self._spoilt = self._framing.too_long
        if not self._spoilt:
            return at, ""
        # The last byte waits, for silence is told to who has something pending.
        return len(buffer) - max(1, self._begun(buffer[at:])), self._spoilt

    def _begun(self, rest: bytes) -> int:
        """How many of the last bytes may be the first of an end."""
        sizes = range(len(self._end) - 1, 0, -1)
        return next((n for n in sizes if rest.endswith(self._end[:n])), 0)
