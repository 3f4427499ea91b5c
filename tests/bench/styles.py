"""What a reading costs in each style of wire, from its bytes to a reading believed.

Made beforehand: a treatment that a virtual device tells of, chunk by chunk. Measured
at full speed: the framer alone, and one device's whole pipeline (framer, driver, gate,
tracker, what is kept and its drafts); nothing is committed.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.table import Row

from devicelog import drivers
from devicelog.clock import SECOND, ManualClock
from devicelog.drivers.base import Request
from devicelog.drivers.load import driver, parse
from devicelog.drivers.profile import Profile
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.equipment import Combined, Current, Programme
from devicelog.drivers.simulated.machine import machine
from devicelog.drivers.simulated.play import Loaded, Player, Step
from devicelog.model.flow import Identity
from devicelog.recorder.device import Device
from devicelog.recorder.settings import DeviceSettings
from devicelog.recorder.timebase import Timebase

RUNS = 9
SECONDS = 1750
LASTS_S = 1800.0  # the longest treatment that all these profiles can tell
PROFILES = Path(drivers.__file__).parent / "profiles"
SOUND = Programme(1.0, 20, 0.5, LASTS_S)
CURRENT = Current(18.0, 18.0, LASTS_S, 80.0, 150.0, "6/6", ramp_s=10.0)

# Two styles have no profile of their own here: another's data in their frames.
COUNTED = """\
style = "counted"
start = "<5A A5>"
length_at = 2
length_adds = 3
check = "crc16_modbus"
check_from = 2
check_order = "little"
"""
STUFFED = """\
style = "stuffed"
start = "<7E>"
end = "<7F>"
escape = "<7D>"
check = "crc16_modbus"
check_order = "little"
"""
CHANGES = {
    "stuffed": [
        (COUNTED, STUFFED),
        ("size = 36", "size = 37"),
        ("size = 32", "size = 33"),
    ],
    "lines, nothing in front": [('start = "$"\n', "")],
}
STYLES: dict[str, tuple[str, Loaded]] = {
    "modbus_rtu": ("us-modbus", SOUND),
    "counted": ("ifc-classic", CURRENT),
    "stuffed": ("ifc-classic", CURRENT),
    "delimited": ("us-classic", SOUND),
    "lines": ("combo", Combined(SOUND, CURRENT)),
    "lines, nothing in front": ("combo", Combined(SOUND, CURRENT)),
}


class Chunk(NamedTuple):
    """Bytes as they are read, and what was asked before."""

    mono_ns: int
    asked: Request | None
    data: bytes


def rows(folder: Path, scale: float) -> Iterator[Row]:
    del folder
    for style, (name, loaded) in STYLES.items():
        profile = _profile(style, name)
        chunks = _told(profile, loaded, int(SECONDS * scale))
        whole = [_believed(profile, chunks) for _ in range(RUNS)]
        yield Row(f"{style}: bytes to a reading believed, CPU", whole, "us")
        framed = [_framed(profile, chunks) for _ in range(RUNS)]
        yield Row("   its framer alone", framed, "us")


def _profile(style: str, name: str) -> Profile:
    text = (PROFILES / f"{name}.toml").read_text()
    for old, new in CHANGES.get(style, []):
        assert old in text
        text = text.replace(old, new)
    return parse(text, style)


def _told(profile: Profile, loaded: Loaded, seconds: int) -> list[Chunk]:
    """A device in treatment, its status a second, of each of its channels."""
    steps = [Step(4.0, "load", loaded), Step(5.0, "start")]
    channels = machine({it.modality for it in profile.channels})
    virtual = VirtualDevice(profile, Player(channels, steps), Identity("S", "1", "1"))
    polls = driver(profile).polls() or [None]
    chunks = []
    virtual.speak(20.0)
    for n in range(seconds):
        for asked in polls:
            at_s = 21.0 + n
            data = virtual.receive(asked.data, at_s) if asked else virtual.speak(at_s)
            chunks.append(Chunk(round(at_s * SECOND), asked, data))
    return chunks


def _believed(profile: Profile, chunks: list[Chunk]) -> float:
    """Microseconds of CPU a reading, through the whole pipeline."""
    translator = driver(profile)
    settings = DeviceSettings("dev", profile.name, "/dev/null", access="tap")
    timebase = Timebase(ManualClock(), "boot")
    device = Device(
        settings, translator, run_id="run", timebase=timebase, taken=lambda _: False
    )
    device.opened(SECOND)
    before = time.process_time()
    for mono_ns, asked, data in chunks:
        if asked:
            translator.sent(asked)
        device.received(mono_ns, data)
    spent = time.process_time() - before
    counts = device.counts
    assert counts.noise_bytes == 0
    assert counts.readings >= len(chunks)
    assert all(it.session_id for it in device.channels.values())
    return spent / counts.readings * 1e6


def _framed(profile: Profile, chunks: list[Chunk]) -> float:
    """Microseconds of CPU a frame, of its framer alone."""
    framer, frames = driver(profile).framer(), 0
    before = time.process_time()
    for chunk in chunks:
        frames += len(framer.feed(chunk.data))
    spent = time.process_time() - before
    assert frames >= len(chunks)
    return spent / frames * 1e6
