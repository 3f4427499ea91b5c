"""The loop that framing styles share: is there a frame, at each place where one may be.

A style says what begins at a place (`Look`) and where one may begin (`starts`). After
a false start one byte is dropped, for the true one may follow at once. Each byte is
looked at once as a beginning, and once more a feed while it waits; a look sees at most
`longest` bytes. So cost grows with the bytes, whatever they are.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from devicelog.model.flow import Frame, Noise

# (buffer, at, end) -> the frame that begins at `at`, why there is none, or None: more
# bytes must tell. What is told must not change when more bytes come.
Look = Callable[[bytes, int, int], Frame | str | None]

NO_START: Final = "no frame begins so"
NO_CHECK: Final = "checksum does not fit"
HALF: Final = "half a frame, then silence"


class Scanner:
    """See `wire.base.Framer`; frames are what `look` finds.

    `asks`: requests of whoever asks on this line. Where no frame of the style is, such
    bytes are one of kind `request`.
    """

    def __init__(
        self,
        starts: re.Pattern[bytes],
        look: Look,
        longest: int,
        asks: Iterable[bytes] = (),
    ) -> None:
        self._starts = starts
        self._look = look
        self._longest = longest
        self._asks = sorted(asks, key=len, reverse=True)
        self._held = b""

    @classmethod
    def of(
        cls, start: bytes, look: Look, longest: int, asks: Iterable[bytes]
    ) -> "Scanner":
        """Where each frame begins with these bytes, and a request with its own."""
        asks = [*asks]
        starts = b"|".join(_begun(it) for it in (start, *asks))
        return cls(re.compile(starts, re.DOTALL), look, longest, asks)

    @property
    def pending(self) -> int:
        """Bytes held back because they may yet become a frame; under `longest`."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Frame | Noise]:
        """See `wire.base.Framer`. Noise bytes that touch come as one piece a feed."""
        final = not data
        buffer = self._held + data if self._held else data
        pieces: list[Frame | Noise] = []
        end = len(buffer)
        done = at = 0  # all before `done` is given out; noise from there to `at`
        why = ""  # the first of it is none
        while at < end:
            stop = min(end, at + self._longest)
            found = self._look(buffer, at, stop)
            if not isinstance(found, Frame):
                found = self._unfound(found, buffer, at, stop, final=final)
            if found is None:
                break
            if isinstance(found, str):
                why = why or found
                start = self._starts.search(buffer, at + 1)
                at = start.start() if start else end
                continue
            if done < at:
                pieces.append(Noise(buffer[done:at], why))
                why = ""
            pieces.append(found)
            done = at = at + len(found.data)
        if done < at:
            pieces.append(Noise(buffer[done:at], why))
        self._held = buffer[at:]
        return pieces

    # --- Private ------------------------------------------------------------------

    def _unfound(
        self, found: str | None, buffer: bytes, at: int, end: int, *, final: bool
    ) -> Frame | str | None:
        """What is here where no frame of the style is: see `Look`."""
        if found is None:
            if final:
                found = HALF
            elif end - at < self._longest:
                return None
            else:
                found = f"no frame ends within {self._longest} bytes"
        for ask in self._asks:
            if buffer.startswith(ask, at):
                return Frame(ask, "request")
            if not final and ask.startswith(buffer[at : at + len(ask)]):
                return None
        return found


def _begun(start: bytes) -> bytes:
    """Matches the start, or what there is of it at the very end of the bytes."""
    first, rest = re.escape(start[:1]), start[1:]
    return first + b"(?:\\Z|" + _begun(rest) + b")" if rest else first
