"""A daemon in this process, on ports that a test names, in real time."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from devicelog.daemon import Daemon
from devicelog.drivers import base
from devicelog.drivers.load import load
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.script import SCRIPTS
from devicelog.journal.reader import Reader
from devicelog.model.flow import Entry, Identity
from devicelog.operations.config import parse
from devicelog.operations.status import gather
from devicelog.recorder.device import Device

_SITE = '[site]\nname = "sim-test"\nsimulated = true\n[journal]\ndirectory = "{}"\n'
_DEVICE = '[[devices]]\nname = "{}"\nprofile = "{}"\nport = "{}"\n'
PROFILE = "us-modbus"
_ON_FOR_S = 10.0
# Polled twenty times a second.
_FASTER = (
    ("interval_s = 1.0", "interval_s = 0.05"),
    ("reply_s = 0.5", "reply_s = 0.04"),
    ("silence_ms = 50", "silence_ms = 10"),
)


def fast(folder: Path, quiet_s: float = 0.25) -> str:
    """The profile with a faster beat, by its path; lost after `quiet_s`."""
    text = (Path(base.__file__).parent / "profiles" / f"{PROFILE}.toml").read_text()
    for old, new in (*_FASTER, ("quiet_s = 2.5", f"quiet_s = {quiet_s}")):
        assert old in text
        text = text.replace(old, new)
    path = folder / "fast.toml"
    path.write_text(text)
    return str(path)


class Recounted(VirtualDevice):
    """A device that was on for a while, and counts the bytes of its answers."""

    answered = 0

    def receive(self, data: bytes, now_s: float) -> bytes:
        answer = super().receive(data, now_s + _ON_FOR_S)
        self.answered += len(answer)
        return answer


def virtual(
    profile: str = PROFILE, *, begin_s: float = 1.0, serial: str = "1"
) -> Recounted:
    """A device on which R2 begins so long after it is first served."""
    player = SCRIPTS["R2"].player(_ON_FOR_S + begin_s)
    return Recounted(load(profile), player, Identity("SIM", serial, "1"))


@contextlib.contextmanager
def recording(
    directory: Path, ports: dict[str, object], *, profile: str = PROFILE, more: str = ""
) -> Iterator[Daemon]:
    """The daemon, recording these devices; stopped in order at the end."""
    text = _SITE.format(directory) + more
    for name, port in ports.items():
        text += _DEVICE.format(name, profile, port)
    daemon = Daemon(parse(text, "test.toml", {}))
    daemon.start()
    try:
        yield daemon
        daemon.check()
    finally:
        daemon.stop()


def device(daemon: Daemon, name: str = "us-1") -> Device:
    devices = daemon.recording.devices
    return next(it for it in devices if it.settings.name == name)


def lines(daemon: Daemon) -> dict[str, tuple[str, str]]:
    """State and sentence of each line, as status tells them."""
    return {it.name: (it.line, it.text) for it in gather(daemon.recording).devices}


def entries(directory: Path) -> list[Entry]:
    """All entries of the journal, in order."""
    found: list[Entry] = []
    with Reader(str(directory)) as reader:
        while page := reader.entries(len(found)):
            found += page
    return found
