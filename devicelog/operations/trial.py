"""Trying one device: what arrives, raw and decoded, and in words what is wrong.

The recorder streams it while it holds the port; without a recorder the same pipeline
runs on the port for a moment and records nothing.
"""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from devicelog.clock import SystemClock, boot_id
from devicelog.drivers.base import Heard
from devicelog.drivers.load import driver, load
from devicelog.model.fields import Value
from devicelog.model.flow import Draft, Frame
from devicelog.model.kinds import Counts
from devicelog.model.states import LineState
from devicelog.recorder.device import Device
from devicelog.recorder.drafts import NO_CHANNEL, NO_DEVICE, Drafter
from devicelog.recorder.loop import Loop
from devicelog.recorder.settings import DeviceSettings
from devicelog.recorder.timebase import Timebase

_QUEUE: Final = 10_000


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened on the line; `text` says it in words."""

    what: Literal["will_send", "sent", "received", "frame", "noise", "verdict"]
    text: str
    at_s: float = 0.0
    raw: str = ""
    values: dict[str, Value] = {}
    line: LineState | None = None
    counts: Counts | None = None


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


def watch(device: Device, seconds: float) -> Iterator[Seen]:
    """What the running recorder sees of this device for so long, then the verdict."""
    seen: queue.Queue[Seen] = queue.Queue(_QUEUE)
    clock = SystemClock()
    began_ns = clock.mono_ns()

    def listen(what: str, mono_ns: int, payload: object) -> None:
        if not seen.full():
            seen.put_nowait(_seen(what, (mono_ns - began_ns) / 1e9, payload))

    before = device.counts
    device.listener = listen
    try:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                yield seen.get(timeout=min(left, 0.5))
            except queue.Empty:
                continue
    finally:
        device.listener = None
    yield verdict(device, before)


def try_alone(settings: DeviceSettings, seconds: float) -> Iterator[Seen]:
    """The same without a recorder. Opens the port; nothing is recorded."""
    clock = SystemClock()
    timebase = Timebase(clock, boot_id())
    device = Device(
        settings,
        driver(load(settings.profile)),
        run_id="trial",
        timebase=timebase,
        taken=lambda _: False,
    )
    yield from announcement(device)
    drafter = Drafter("trial", NO_DEVICE, NO_CHANNEL, timebase)
    loop = Loop([device], _Nowhere(), clock, timebase, drafter)
    thread = threading.Thread(target=loop.run, name="trial", daemon=True)
    thread.start()
    try:
        yield from watch(device, seconds)
    finally:
        loop.stop()
        thread.join(timeout=10)


class _Nowhere:
    """A journal for what is not to be recorded."""

    def submit(self, _: Sequence[Draft]) -> bool:
        return True


def verdict(device: Device, before: Counts) -> Seen:
    """What these seconds say of the line, in words."""
    now = device.counts
    received = now.bytes - before.bytes
    readings = now.readings - before.readings
    frames = now.frames - before.frames
    line = device.line
    facts = f"{received} bytes, {frames} frames, {readings} readings"
    if readings:
        noise = now.noise_bytes - before.noise_bytes
        text = f"it works: {facts}" + (f"; {noise} bytes were noise" if noise else "")
    elif received and not frames:
        text = f"{line.text}; {facts}"
    else:
        text = f"{line.text} ({facts})"
    return Seen("verdict", text, line=line.state, counts=now)


def _seen(what: str, at_s: float, payload: object) -> Seen:
    at_s = round(at_s, 3)
    match what, payload:
        case "sent" | "received", bytes(data):
            words: Literal["sent", "received"] = (
                "sent" if what == "sent" else "received"
            )
            return Seen(words, f"{len(data)} bytes", at_s, data.hex(" "))
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
