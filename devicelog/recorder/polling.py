"""When to ask what: one request at a time, on a steady beat, identity first.

A device that left a poll unanswered is asked again who it is before its readings count:
within the beat of one poll nobody swaps a cable. Where the beat is slower than that, it
is asked in each cycle.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from devicelog.clock import SECOND
from devicelog.drivers.base import Driver, Request

# 3.5 characters of silence part two frames (Modbus over serial line V1.02, 2.5.1.1);
# at 2400 baud with 11 bits they take 16 ms.
TURNAROUND_NS: Final = 16_000_000
# A network adapter hands over at once what it kept while nobody was connected; that is
# heard before the first question, so that it cannot be taken for an answer.
SETTLE_NS: Final = SECOND // 10
# Nobody pulls two plugs and puts them in again, crosswise, in less time.
SWAP_NS: Final = 3 * SECOND


class Poller:
    """The asking side of one device. Knows no bytes' meaning and no port."""

    def __init__(
        self,
        identify: Request | None,
        polls: Sequence[Request],
        *,
        interval_s: float,
        reply_s: float,
    ) -> None:
        self._identify = identify
        self._polls = polls
        self._interval = round(interval_s * SECOND)
        self._reply = round(reply_s * SECOND)
        self._queue: deque[Request] = deque()
        self._next_cycle: int | None = None
        self._next_send = 0
        self._waiting: Request | None = None
        self._until = 0
        self.sent = 0
        self.unanswered = 0

    @property
    def identifies(self) -> bool:
        """Whether the device can be asked who it is."""
        return self._identify is not None

    @property
    def deadline(self) -> int | None:
        """When `due` or `expire` has something to do; None: nothing is to be asked."""
        if self._waiting:
            return self._until
        return self._next_send if self._queue else self._next_cycle

    def opened(self, mono_ns: int) -> None:
        """The line is open: the first cycle begins soon."""
        self.closed()
        asks = bool(self._polls or self._identify)
        self._next_cycle = mono_ns + SETTLE_NS if asks else None

    def closed(self) -> None:
        """The line is gone: what was asked will not be answered."""
        self._queue.clear()
        self._waiting = None
        self._next_cycle = None

    def due(self, mono_ns: int, *, verified: bool) -> Request | None:
        """What to send now. Counts as asked from this moment."""
        if self._waiting or self._next_cycle is None:
            return None
        if not self._queue and mono_ns >= self._next_cycle:
            self._begin(mono_ns, verified=verified)
        if not self._queue or mono_ns < self._next_send:
            return None
        self._waiting = self._queue.popleft()
        self._until = mono_ns + self._reply
        self.sent += 1
        return self._waiting

    def answered(self, name: str, mono_ns: int) -> bool:
        """A frame answers this request; False if it is not the one waited for.

        The next may follow after a turnaround.
        """
        if not self._waiting or self._waiting.name != name:
            return False
        self._waiting = None
        self._next_send = mono_ns + TURNAROUND_NS
        return True

    def abandon(self) -> None:
        """Nothing more is asked in this cycle."""
        self._queue.clear()

    def expire(self, mono_ns: int) -> Request | None:
        """The request that has waited too long, if any; its cycle is over."""
        if not self._waiting or mono_ns < self._until:
            return None
        late, self._waiting = self._waiting, None
        self.unanswered += 1
        self.abandon()
        return late

    def _begin(self, mono_ns: int, *, verified: bool) -> None:
        if self._identify and (not verified or self._interval >= SWAP_NS):
            self._queue.append(self._identify)
        self._queue.extend(self._polls)
        self._next_send = mono_ns
        beat = self._next_cycle or mono_ns
        missed = (mono_ns - beat) // self._interval
        self._next_cycle = beat + (missed + 1) * self._interval


def poller_of(driver: Driver, *, listens: bool) -> Poller:
    """What asks a driver's device; who only listens asks nothing."""
    return Poller(
        None if listens else driver.identify(),
        () if listens else driver.polls(),
        interval_s=driver.profile.interval_s,
        reply_s=driver.profile.reply_s,
    )
