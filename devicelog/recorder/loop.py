"""The one loop: all ports in one selector, all deadlines in one heap, one thread.

What it reads it hands to the device's pipeline, what that returns it hands to the
journal, at once. While the journal cannot take more, the loop holds what it has and
reads no port: the kernel's buffers wait, and the lines' silence is recorded as gaps.
"""

import heapq
import selectors
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol, cast

import msgspec

from devicelog.clock import SECOND, Clock
from devicelog.errors import LineLost, PortError
from devicelog.model.flow import Draft
from devicelog.model.kinds import ClockBody, GapCause
from devicelog.recorder.device import Device, Step
from devicelog.recorder.drafts import Drafter
from devicelog.recorder.opener import Opener
from devicelog.recorder.port import PolledPort, TappedPort, open_polled, open_tapped
from devicelog.recorder.timebase import Timebase
from devicelog.recorder.waker import Waker

_FIRST_RETRY_NS: Final = SECOND // 10
_LAST_RETRY_NS: Final = SECOND
_OVERLOAD_WAIT_S: Final = 0.05
_LOOK_NS: Final = SECOND
# Ports are looked at each second at least; after so long without, we were away.
_AWAY_NS: Final = 2 * _LOOK_NS
# Reads of one port after that: more than any kernel buffer holds.
_DRAIN: Final = 256


class Journal(Protocol):
    """What the loop asks of the journal's writer."""

    def submit(self, drafts: Sequence[Draft]) -> bool:
        """Take these whole, in order; False: not now."""


class Link:
    """One device and its port, open or not."""

    def __init__(self, number: int, device: Device) -> None:
        self.number = number
        self.device = device
        self.port: TappedPort | None = None
        self.busy = False  # a worker is opening or closing its port
        self.retry_ns = _FIRST_RETRY_NS
        self.open_at = 0
        self.due: int | None = None

    def open(self) -> TappedPort:
        """Open the port as the settings say. Raises PortError; may block."""
        settings, profile = self.device.settings, self.device.driver.profile
        opening = open_tapped if settings.access == "tap" else open_polled
        return opening(settings.port, profile.line, dtr=settings.dtr, rts=settings.rts)

    def back_off(self, mono_ns: int) -> None:
        """Try again later, and later each time, to a second at most."""
        self.open_at = mono_ns + self.retry_ns
        self.retry_ns = min(2 * self.retry_ns, _LAST_RETRY_NS)


class Loop:
    """Runs until `stop`. `run` is the thread's body; all else is called from anywhere.

    `beats` counts passes, at least one a second: who watches knows that it lives.
    """

    def __init__(
        self,
        devices: Sequence[Device],
        journal: Journal,
        clock: Clock,
        timebase: Timebase,
        drafter: Drafter,
    ) -> None:
        self.links = [Link(n, device) for n, device in enumerate(devices)]
        self.beats = 0
        self._journal = journal
        self._clock = clock
        self._timebase = timebase
        self._drafter = drafter
        self._selector = selectors.DefaultSelector()
        self._waker = Waker()
        self._selector.register(self._waker.fd, selectors.EVENT_READ, None)
        self._opener = Opener(len(devices), self.wake)
        self._calls: deque[Callable[[], None]] = deque()
        self._heap: list[tuple[int, int]] = []
        self._held: deque[list[Draft]] = deque()
        self._next_look = 0
        self._looked_ns = clock.mono_ns()
        self._stopping = False
        self._pause = threading.Event()
        for link in self.links:
            self._apply(link, Step([]))

    # --- From anywhere ------------------------------------------------------------

    def wake(self) -> None:
        """Have the loop look around now."""
        self._waker.wake()

    def call(self, function: Callable[[], None]) -> None:
        """Run this on the loop's thread, between two looks at the ports."""
        self._calls.append(function)
        self.wake()

    def stop(self) -> None:
        """End in order: ports closed, counts told, what is held handed over."""
        self._stopping = True
        self._pause.set()
        self.wake()

    @property
    def live(self) -> bool:
        """Whether any channel is ramping or running."""
        return any(
            channel.emitting
            for link in self.links
            for channel in link.device.channels.values()
        )

    # --- The thread ---------------------------------------------------------------

    def run(self) -> None:
        """Until `stop`."""
        try:
            while not self._stopping:
                self._pass()
        finally:
            self._end()

    def submit(self, drafts: list[Draft]) -> None:
        """Hand over one group, or hold it until the journal can take it."""
        if drafts and (self._held or not self._journal.submit(drafts)):
            self._held.append(drafts)

    def accept_clock(self, key: str) -> ClockBody:
        """The operator trusts the system clock. On the loop's thread."""
        body = self._timebase.accept()
        draft = self._drafter.at("clock", body, body.mono_ns)
        self.submit([msgspec.structs.replace(draft, key=key)])
        return body

    def _pass(self) -> None:
        self.beats += 1
        if not self._hand_over():
            self._pause.wait(_OVERLOAD_WAIT_S)
            return
        ready = self._selector.select(self._patience())
        self._notice_absence()
        for key, _ in ready:
            if key.data is None:
                self._waker.heard()
            else:
                self._read(key.data)
        while self._calls:
            self._calls.popleft()()
        self._take_opened()
        self._tick(self._clock.mono_ns())

    def _hand_over(self) -> bool:
        """Whether the journal has taken all that was held."""
        while self._held and self._journal.submit(self._held[0]):
            self._held.popleft()
        return not self._held

    def _patience(self) -> float:
        """Seconds until something is due."""
        heap = self._heap
        while heap and heap[0][0] != self.links[heap[0][1]].due:
            heapq.heappop(heap)
        until = min(self._next_look, heap[0][0]) if heap else self._next_look
        return max(0.0, (until - self._clock.mono_ns()) / SECOND)

    # --- Ports --------------------------------------------------------------------

    def _read(self, link: Link) -> None:
        data = self._received(link)
        if data:
            link.retry_ns = _FIRST_RETRY_NS
            self._apply(link, link.device.received(self._clock.mono_ns(), data))

    def _received(self, link: Link) -> bytes:
        """What has arrived; a port that is gone is given up."""
        if link.port is None:
            return b""
        try:
            return link.port.read()
        except LineLost as error:
            self._lose(link, error)
            return b""

    def _lose(self, link: Link, error: PortError) -> None:
        """The port is gone; it is closed, then tried again."""
        mono_ns = self._clock.mono_ns()
        if link.port is not None:
            self._selector.unregister(link.port.fileno())
            self._opener.close_port(link.number, link.port)
            link.port, link.busy = None, True
        link.back_off(mono_ns)
        self._apply(link, link.device.closed(mono_ns, error))

    def _take_opened(self) -> None:
        for number, outcome in self._opener.done():
            link = self.links[number]
            link.busy = False
            if outcome is None:
                self._apply(link, Step([]))
            elif isinstance(outcome, PortError):
                self._lose(link, outcome)
            else:
                link.port = outcome
                self._selector.register(outcome.fileno(), selectors.EVENT_READ, link)
                self._apply(link, link.device.opened(self._clock.mono_ns()))

    def _apply(self, link: Link, step: Step) -> None:
        """Do what a device's pipeline asks for, and note when it is next due."""
        self.submit(step.drafts)
        if step.send is not None and link.port is not None:
            try:
                cast("PolledPort", link.port).write(step.send.data)
            except LineLost as error:
                self._lose(link, error)
                return
        due = link.device.deadline
        if link.port is None and not link.busy:
            due = link.open_at if due is None else min(due, link.open_at)
        if due != link.due:
            link.due = due
            if due is not None:
                heapq.heappush(self._heap, (due, link.number))

    # --- Time ---------------------------------------------------------------------

    def _tick(self, mono_ns: int) -> None:
        if mono_ns >= self._next_look:
            self._next_look = mono_ns + _LOOK_NS
            self._look()
        due = []
        while self._heap and self._heap[0][0] <= mono_ns:
            at_ns, number = heapq.heappop(self._heap)
            if self.links[number].due == at_ns:
                due.append(self.links[number])
        for link in due:
            link.due = None
            if link.port is None and not link.busy and link.open_at <= mono_ns:
                link.busy = True
                self._opener.open(link.number, link.open)
            self._apply(link, link.device.tick(mono_ns))

    def _look(self) -> None:
        """Once a second: whether the system clock moved."""
        for body in self._timebase.observe(live=self.live):
            self.submit([self._drafter.at("clock", body, body.mono_ns)])

    def _notice_absence(self) -> None:
        """Nobody looked at the ports: the machine slept, or the journal was behind.

        What waits in them by now arrived at an unknown time.
        """
        mono_ns = self._clock.mono_ns()
        slept = self._timebase.slept_ns() > 0
        if slept or mono_ns - self._looked_ns > _AWAY_NS:
            cause: GapCause = "suspend" if slept else "overload"
            for link in self.links:
                stale = self._drain(link)
                self._apply(link, link.device.absent(mono_ns, cause, stale))
        self._looked_ns = mono_ns

    def _drain(self, link: Link) -> bytes:
        chunks = []
        for _ in range(_DRAIN):
            chunks.append(self._received(link))
            if not chunks[-1]:
                break
        return b"".join(chunks)

    def _end(self) -> None:
        for link in self.links:
            if link.port is not None:
                self._selector.unregister(link.port.fileno())
                self._opener.close_port(link.number, link.port)
            self.submit(link.device.stop(self._clock.mono_ns()).drafts)
        self._hand_over()
        self._opener.close()
        self._selector.close()
        self._waker.close()
