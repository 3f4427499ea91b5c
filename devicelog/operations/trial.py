"""Trying one device: what arrives, raw and decoded, and in words what is wrong.

The recorder streams it while it holds the port; without a recorder the same pipeline
runs on the port for a moment and records nothing.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from devicelog.clock import SystemClock, boot_id
from devicelog.drivers.base import Heard
from devicelog.drivers.load import driver, load
from devicelog.model.fields import Value
from devicelog.model.flow import Draft, Frame, Identity
from devicelog.model.kinds import Counts
from devicelog.model.states import LineState
from devicelog.model.words import counted
from devicelog.operations.diagnosis import Finding, diagnose
from devicelog.recorder.device import Device
from devicelog.recorder.drafts import NO_CHANNEL, NO_DEVICE, Drafter
from devicelog.recorder.loop import Loop
from devicelog.recorder.settings import DeviceSettings
from devicelog.recorder.timebase import Timebase

_QUEUE: Final = 10_000
_SHORTEST_S: Final = 0.1
_LONGEST_S: Final = 60.0
_QUIET_S: Final = 0.1  # parts two bursts
_BURSTS, _BURST = 200, 4096
_STANDING: Final = {"pending_bytes", "held"}  # what stands, all else has flowed


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened on the line; `text` says it in words.

    `at_s`: seconds since the test began. The last is the `verdict`: `works` if readings
    arrived, what was found, `counts` of these seconds alone.
    """

    what: Literal["will_send", "sent", "received", "frame", "noise", "verdict"]
    text: str
    at_s: float = 0.0
    raw: str = ""
    values: dict[str, Value] = {}
    line: LineState | None = None
    counts: Counts | None = None
    works: bool = False
    finding: Finding | None = None


def bounded(seconds: float) -> float:
    """How long a test may take that asks for so long."""
    return min(max(seconds, _SHORTEST_S), _LONGEST_S)


def announcement(device: Device) -> list[Seen]:
    """The exact bytes that will be sent to this device; before the first is sent."""
    if device.settings.access == "tap":
        return [Seen("will_send", "nothing: this port is only listened to")]
    identify = device.driver.identify()
    requests = [*([identify] if identify else []), *device.driver.polls()]
    return [
        Seen("will_send", f"request `{request.name}`", raw=request.data.hex(" "))
        for request in requests
    ] or [Seen("will_send", "nothing: this device speaks unasked")]


def watch(
    device: Device, seconds: float, begin: Callable[[], None] | None = None
) -> Iterator[Seen]:
    """What is seen of this device for so long, then the verdict.

    `begin` is called once somebody listens.
    """
    seen: queue.Queue[Seen] = queue.Queue(_QUEUE)
    clock = SystemClock()
    began_ns = clock.mono_ns()

    def listen(what: str, mono_ns: int, payload: object) -> None:
        # On the loop's thread: it never waits for who watches.
        if not seen.full():
            seen.put_nowait(_seen(what, (mono_ns - began_ns) / 1e9, payload))

    before, bursts = device.counts, Bursts()
    device.listener = listen
    if begin is not None:
        begin()
    try:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                yield bursts.note(seen.get(timeout=min(left, 0.5)))
            except queue.Empty:
                continue
    finally:
        device.listener = None
    while not seen.empty():
        yield bursts.note(seen.get_nowait())
    yield verdict(device, before, bursts, seconds)


def try_alone(
    settings: DeviceSettings,
    seconds: float,
    *,
    known: Identity | None = None,
    owners: Mapping[str, str] | None = None,
) -> Iterator[Seen]:
    """The same without a recorder. Opens the port; nothing is recorded.

    `known` and `owners` as the recorder knows them (recorder.line.IdentityCheck).
    """
    clock = SystemClock()
    timebase = Timebase(clock, boot_id())
    device = Device(
        settings,
        driver(load(settings.profile)),
        run_id="trial",
        timebase=timebase,
        taken=lambda _: False,
        known=known,
        owners=dict(owners or {}),
    )
    yield from announcement(device)
    drafter = Drafter("trial", NO_DEVICE, NO_CHANNEL, timebase)
    loop = Loop([device], _Nowhere(), clock, timebase, drafter)
    thread = threading.Thread(target=loop.run, name="trial", daemon=True)
    try:
        yield from watch(device, bounded(seconds), thread.start)
    finally:
        loop.stop()
        thread.join(timeout=10)


class _Nowhere:
    """A journal for what is not to be recorded."""

    def submit(self, _: Sequence[Draft]) -> bool:
        return True


class Bursts:
    """What was received, parted where the line was quiet; the last of it, if much."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._at_s = -1.0
        self._bytes = 0
        self._first: tuple[float, int] | None = None  # begin and size of the first
        self._begun_s = 0.0  # of the last

    def note(self, seen: Seen) -> Seen:
        """Look at what was seen, and hand it on."""
        if seen.what == "received":
            data = bytes.fromhex(seen.raw)
            if self.heard and seen.at_s - self._at_s < _QUIET_S:
                self.heard[-1] += data
            else:
                if len(self.heard) == 1 and self._first is None:
                    self._first = (self._begun_s, self._bytes)
                self._begun_s = seen.at_s
                self.heard.append(data)
            self._bytes += len(data)
            self._at_s = seen.at_s
            del self.heard[:-_BURSTS]
            self.heard[-1] = self.heard[-1][-_BURST:]
        return seen

    def rate(self, seconds: float) -> float:
        """Bytes a second, of so many seconds of listening.

        From burst to burst, for in few seconds it matters how many begin in them; and
        without the first, which brings what waited in the port, and what a host asks
        but once. Of a single burst, over all the time.
        """
        if self._first is None:
            return self._bytes / seconds
        first_s, size = self._first
        return (self._bytes - size) / (self._begun_s - first_s)


def verdict(device: Device, before: Counts, bursts: Bursts, seconds: float) -> Seen:
    """What these seconds say of the line, in words."""
    now = device.counts
    brought = Counts(
        **{
            name: value if name in _STANDING else value - getattr(before, name)
            for name, value in msgspec.structs.asdict(now).items()
        }
    )
    found = diagnose(device, brought, bursts.heard, bursts.rate(seconds))
    return Seen(
        "verdict",
        f"{found.text}\n{_facts(device, brought)}",
        line=device.line.state,
        counts=brought,
        works=found.finding == "works",
        finding=found.finding,
    )


def _facts(device: Device, brought: Counts) -> str:
    """What was sent and what came, counted."""
    came = (
        counted(brought.bytes, "byte"),
        counted(brought.frames, "frame"),
        counted(brought.readings, "reading"),
    )
    parts = [", ".join(came)]
    if brought.noise_bytes:
        noise = counted(brought.noise_bytes, "byte")
        parts.append(f"{noise} in no frame, or not believed")
    if device.settings.access == "tap":
        parts.append("nothing was sent: the port is only listened to")
    elif brought.polls or brought.unanswered:
        sent = counted(brought.polls, "request")
        parts.append(f"{sent} sent, {brought.unanswered} unanswered")
    return "; ".join(parts)


def _seen(what: str, at_s: float, payload: object) -> Seen:
    at_s = round(at_s, 3)
    match what, payload:
        case "sent" | "received", bytes(data):
            words: Literal["sent", "received"] = (
                "sent" if what == "sent" else "received"
            )
            return Seen(words, counted(len(data), "byte"), at_s, data.hex(" "))
        case "noise", (bytes(data), str(why)):
            return Seen("noise", why, at_s, data.hex(" "))
        case _, (Frame() as frame, Heard() as heard):
            return _frame(frame, heard, at_s)
        case _:
            raise AssertionError(what)


def _frame(frame: Frame, heard: Heard, at_s: float) -> Seen:
    """One frame in words: what it said, or why it said nothing."""
    raw = frame.data.hex(" ")
    for problem in (heard.problem, heard.refusal, heard.foreign):
        if problem:
            return Seen("frame", problem, at_s, raw)
    if heard.identity:
        who = heard.identity
        text = f"it is {who.model} serial {who.serial} firmware {who.firmware}"
        return Seen("frame", text, at_s, raw)
    for decoded in heard.decoded:
        text = f"channel {decoded.channel} is {decoded.state}"
        return Seen("frame", text, at_s, raw, decoded.values)
    return Seen("frame", f"{frame.kind}, no reading", at_s, raw)
