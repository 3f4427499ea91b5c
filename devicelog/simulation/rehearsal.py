"""One virtual device before one pipeline. Time is told; nothing waits for anything.

    rehearsal.due_ns      when something happens next
    rehearsal.step()      let it happen; the drafts that come of it

All bytes that a real line would carry are made and read here as well.
"""

from collections.abc import Iterator
from heapq import heapify, heapreplace
from math import inf
from typing import Final, Protocol

from devicelog.clock import SECOND
from devicelog.errors import LineLost
from devicelog.model.flow import Draft
from devicelog.recorder.device import Device, Step

# So long after a request its answer is there whole.
ANSWER_NS: Final = 40_000_000
_NEVER: Final = 1 << 62


class Speaking(Protocol):
    """A virtual device, or a conversation that is overheard."""

    @property
    def unplugged(self) -> bool:
        """Whether its port is gone now."""

    @property
    def due_s(self) -> float:
        """When it next has something to say unasked; infinite: never."""

    def receive(self, data: bytes, now_s: float) -> bytes:
        """What it answers to these bytes."""

    def speak(self, now_s: float) -> bytes:
        """What it has said unasked up to now."""


class Rehearsal:
    """See the module. `began_ns`: monotonic time of the device's second 0.

    `sent` counts all bytes that arrived from the device.
    """

    def __init__(self, device: Device, virtual: Speaking, began_ns: int) -> None:
        self.device = device
        self.virtual = virtual
        self.sent = 0
        self._began_ns = began_ns
        self._open = False
        self._now_ns = began_ns
        self.due_ns = began_ns
        self._due_s, self._said_at = 0.0, began_ns  # when it next speaks unasked

    def step(self) -> list[Draft]:
        """What happens at `due_ns`."""
        self._now_ns = now_ns = self.due_ns
        now_s = (now_ns - self._began_ns) / SECOND
        drafts: list[Draft] = []
        if self._said_at <= now_ns:
            said = self.virtual.speak(now_s)
            if self.virtual.unplugged == self._open:
                drafts += self._turned(now_ns).drafts
            if said and self._open:
                drafts += self._hear(said, now_ns)
        step = self.device.tick(now_ns)
        drafts += step.drafts
        if step.send is not None and self._open:
            answer = self.virtual.receive(step.send.data, now_s)
            if answer:
                drafts += self._hear(answer, now_ns + ANSWER_NS)
        self.due_ns = self._due()
        return drafts

    def until(self, end_ns: int) -> Iterator[list[Draft]]:
        """All that comes of it before this time, one group of drafts after another."""
        while self.due_ns < end_ns:
            drafts = self.step()
            if drafts:
                yield drafts

    # --- Private ------------------------------------------------------------------

    def _hear(self, data: bytes, now_ns: int) -> list[Draft]:
        self.sent += len(data)
        self._now_ns = now_ns
        return self.device.received(now_ns, data).drafts

    def _turned(self, now_ns: int) -> Step:
        """The port came, or went away."""
        self._open = not self._open
        if self._open:
            return self.device.opened(now_ns)
        return self.device.closed(now_ns, LineLost("unplugged"))

    def _due(self) -> int:
        """Never now again: what is due at once is due a little later."""
        deadline = self.device.deadline
        due_s = self.virtual.due_s
        if due_s != self._due_s:
            self._due_s = due_s
            self._said_at = _NEVER if due_s == inf else self._at(due_s)
        due = self._said_at
        if deadline is not None and deadline < due:
            due = deadline
        return max(due, self._now_ns + 1)

    def _at(self, second: float) -> int:
        """The first ns at which the device's second has come."""
        at_ns = self._began_ns + int(second * SECOND)
        while (at_ns - self._began_ns) / SECOND < second:
            at_ns += 1
        return at_ns


def together(rehearsals: list[Rehearsal], end_ns: int) -> Iterator[list[Draft]]:
    """All of them side by side, in the order of time, before this time."""
    heap = [(it.due_ns, n, it) for n, it in enumerate(rehearsals)]
    heapify(heap)
    while heap and heap[0][0] < end_ns:
        _, n, it = heap[0]
        drafts = it.step()
        heapreplace(heap, (it.due_ns, n, it))
        if drafts:
            yield drafts
