"""Which readings of a channel are kept.

Every reading of a session and 30 s either side; outside of sessions a reading when
something changed, else one a minute. What came in the last 30 s without being kept is
held in memory; a start brings it back as preroll. Readings = kept + thinned + held.
"""

from collections import deque
from typing import Final

import msgspec

from devicelog.clock import SECOND
from devicelog.model.fields import FIELDS
from devicelog.model.flow import Reading

MARGIN_NS: Final = 30 * SECOND
IDLE_NS: Final = 60 * SECOND

# A device at rest counts nothing down; its temperature may drift without being news.
_DRIFTING: Final = frozenset(
    name
    for name, field in FIELDS.items()
    if field.kind == "measurement" and field.type == "float"
)


class Kept(msgspec.Struct, frozen=True):
    """A reading to be journalled, and how many of its channel were thinned before."""

    reading: Reading
    thinned: int
    preroll: bool = False


class Keeper:
    """Decides for one channel. Time is the readings' own."""

    def __init__(self) -> None:
        self._ring: deque[Reading] = deque()
        self._until = 0  # keep all up to here (after a session)
        self._last: Reading | None = None  # kept last, outside of sessions
        self._since_kept = 0
        self.kept = 0
        self.thinned = 0

    @property
    def held(self) -> int:
        """Readings in memory, neither kept nor thinned yet."""
        return len(self._ring)

    def offer(self, reading: Reading, *, live: bool) -> list[Kept]:
        """What is to be kept now. `live`: the reading belongs to a session."""
        self._expire(reading.mono_ns - MARGIN_NS)
        if live:
            rescued = [self._keep(held, preroll=True) for held in self._ring]
            self._ring.clear()
            self._until = reading.mono_ns + MARGIN_NS
            return [*rescued, self._keep(reading)]
        if reading.mono_ns <= self._until or self._news(reading):
            self._last = reading
            return [self._keep(reading)]
        self._ring.append(reading)
        return []

    def end(self) -> list[Kept]:
        """The run ends: what is held will never be a preroll.

        The newest is kept, so that the next run knows since when nothing was seen.
        """
        newest = [self._ring.pop()] if self._ring else []
        self._expire(None)
        return [self._keep(reading) for reading in newest]

    # --- Private ------------------------------------------------------------------

    def _expire(self, before: int | None) -> None:
        while self._ring and (before is None or self._ring[0].mono_ns < before):
            self._ring.popleft()
            self.thinned += 1
            self._since_kept += 1

    def _keep(self, reading: Reading, *, preroll: bool = False) -> Kept:
        kept = Kept(reading, self._since_kept, preroll)
        self._since_kept = 0
        self.kept += 1
        return kept

    def _news(self, reading: Reading) -> bool:
        last = self._last
        if last is None or reading.mono_ns - last.mono_ns >= IDLE_NS:
            return True
        if reading.state != last.state or reading.flags != last.flags:
            return True
        if reading.values == last.values:
            return False
        return any(
            value != last.values.get(name)
            for name, value in reading.values.items()
            if name not in _DRIFTING
        )
