"""Bytes that are no frame: journalled raw up to 4 kB a minute, beyond that summed.

So are single bytes, each of which costs more than it says, beyond 240 entries a minute.

Never dropped uncounted: the sum tells count and SHA-256 of what was not kept raw.
"""

import hashlib
from typing import Final

from devicelog.clock import SECOND
from devicelog.model.kinds import NoiseBody

RAW_BYTES: Final = 4096
RAW_ENTRIES: Final = 240
MINUTE_NS: Final = 60 * SECOND


class NoiseBook:
    """The noise of one device's line."""

    def __init__(self) -> None:
        self._minute_ends: int | None = None
        self._room = RAW_BYTES
        self._entries = RAW_ENTRIES
        self._excess = 0
        self._why = ""
        self._hash = hashlib.sha256()

    @property
    def deadline(self) -> int | None:
        """When the minute's sum is due; None while there is nothing to sum."""
        return self._minute_ends if self._excess else None

    def add(self, mono_ns: int, data: bytes, why: str) -> list[NoiseBody]:
        """Entries for these bytes: raw, or nothing yet where the minute is full."""
        bodies = self.tick(mono_ns)
        if self._minute_ends is None or mono_ns >= self._minute_ends:
            self._minute_ends = mono_ns + MINUTE_NS
            self._room, self._entries = RAW_BYTES, RAW_ENTRIES
        room = self._room if self._entries else 0
        raw, rest = data[:room], data[room:]
        if raw:
            self._room -= len(raw)
            self._entries -= 1
            body = NoiseBody(mono_ns=mono_ns, count=len(raw), why=why, raw=raw.hex())
            bodies.append(body)
        if rest:
            self._excess += len(rest)
            self._hash.update(rest)
            self._why = why
        return bodies

    def tick(self, mono_ns: int) -> list[NoiseBody]:
        """The sum of a minute that is over."""
        if self._excess and self._minute_ends is not None:
            if mono_ns < self._minute_ends:
                return []
            return self.flush(self._minute_ends)
        return []

    def flush(self, mono_ns: int) -> list[NoiseBody]:
        """The sum so far, at the end of a line or a run."""
        if not self._excess:
            return []
        body = NoiseBody(
            mono_ns=mono_ns,
            count=self._excess,
            why=self._why,
            sha256=self._hash.hexdigest(),
        )
        self._excess, self._hash = 0, hashlib.sha256()
        return [body]
