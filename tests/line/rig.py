"""The daemon on real ptys, under a clock that the test moves.

    with Rig(tmp_path, us_1=virtual("R1")) as rig:
        rig.run(340)
        rig.entries("session")

Loop, opener, journal and control are those of the program; only time is the test's. It
moves on the loop's own thread, from one deadline to the next, and stands still until
every request that fell due is answered. So a treatment of minutes takes seconds and is
the same each time.
"""

import os
import select
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from line.wires import Pty, wait_until

import devicelog.daemon
from devicelog.clock import SECOND, ManualClock
from devicelog.daemon import Daemon
from devicelog.drivers.load import load
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.script import SCRIPTS
from devicelog.journal.reader import Reader, SessionRow
from devicelog.model import codec
from devicelog.model.flow import Entry, Identity
from devicelog.operations.config import parse
from devicelog.operations.control import Control
from devicelog.operations.socket import Request
from devicelog.operations.status import Status, gather
from devicelog.recorder.loop import Link

PROFILE = "us-modbus"
REQUEST_BYTES = 8
_SITE = (
    '[site]\nname = "sim-line"\nsimulated = true\n[journal]\ndirectory = "{}"\n'
    "commit_interval_ms = 1000\n"
)
_DEVICE = '[[devices]]\nname = "{}"\nprofile = "{}"\nport = "{}"\n{}\n'


def virtual(script: str, serial: str = "0001", begin_s: float = 10.0) -> VirtualDevice:
    """A device to which this treatment happens."""
    player = SCRIPTS[script].player(begin_s)
    return VirtualDevice(load(PROFILE), player, Identity("SIM-US", serial, "1.0"))


class Jack:
    """A place where a device is plugged in: a path that leads to a pty while one is."""

    def __init__(self, path: Path, device: VirtualDevice | None) -> None:
        self.path = path
        self.device: VirtualDevice | None = None
        self._pty: Pty | None = None
        self._heard = 0  # requests
        if device is not None:
            self.plug(device)

    def plug(self, device: VirtualDevice) -> None:
        self.device = device
        self._pty = Pty()
        self.path.symlink_to(self._pty.port)

    def pull(self) -> VirtualDevice:
        device, self.device = self.device, None
        assert device is not None
        assert self._pty is not None
        self.path.unlink()
        self._pty.pull()
        self._pty = None
        return device

    def begin(self) -> None:
        """Another run of the recorder counts its requests anew."""
        self._heard = 0

    def say(self, data: bytes) -> None:
        """Bytes from the device's side."""
        assert self._pty is not None
        os.write(self._pty.plug, data)

    def answer(self, link: Link, now_s: float) -> int:
        """Answer what was asked since the last call; how many bytes it took."""
        asked, self._heard = (
            link.device.poller.sent - self._heard,
            (link.device.poller.sent),
        )
        if not asked or self._pty is None or self.device is None or not link.port:
            return 0
        data = b""
        while len(data) < REQUEST_BYTES * asked:
            ready, _, _ = select.select([self._pty.plug], [], [], 5)
            assert ready, "a request was sent and did not arrive"
            data += os.read(self._pty.plug, 4096)
        self.device.receive(b"", now_s)
        answer = self.device.receive(data, now_s)
        if answer:
            self.say(answer)
        return len(answer)


class Rig:
    """Devices by name (`us_1` is `us-1`), each at a jack of its own.

    `more` stands in each device's block of the configuration.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: ManualClock | None = None,
        profile: str = PROFILE,
        more: str = "",
        **devices: VirtualDevice | None,
    ) -> None:
        self.clock = clock or ManualClock()
        self.directory = str(folder / "data")
        self.jacks = {
            name.replace("_", "-"): Jack(folder / name, device)
            for name, device in devices.items()
        }
        blocks = [
            _DEVICE.format(name, profile, jack.path, more)
            for name, jack in self.jacks.items()
        ]
        text = _SITE.format(self.directory) + "".join(blocks)
        self._loaded = parse(text, "rig.toml", {})
        self._began_ns = self.clock.mono_ns()
        self._life_ns = 0  # of the devices, which outlive a boot
        self.daemon: Daemon | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for jack in self.jacks.values():
            if jack.device:
                jack.pull()

    # --- The program --------------------------------------------------------------

    def start(self) -> None:
        for jack in self.jacks.values():
            jack.begin()
        self.daemon = Daemon(self._loaded, self.clock)
        self.daemon.start()
        self._settle()

    def stop(self) -> None:
        if self.daemon is not None:
            self.daemon.stop()
            self.daemon = None

    def reboot(self, away_s: float, wall_ns: int, monkeypatch: Any) -> None:
        """The machine starts again after so long, its clock at `wall_ns`."""
        self.stop()
        self._life_ns += self.clock.mono_ns() - self._began_ns + round(away_s * SECOND)
        self.clock = ManualClock(wall_ns)
        self._began_ns = self.clock.mono_ns()
        boot = uuid.uuid4().hex
        monkeypatch.setattr(devicelog.daemon, "boot_id", lambda: boot)

    def ask(self, op: str, **args: Any) -> list[Any]:
        """What the control socket would answer."""
        assert self.daemon is not None
        request = Request(id=uuid.uuid4().hex, op=op, args=args)
        return list(Control(self.daemon.recording).handle(request))

    @property
    def status(self) -> Status:
        assert self.daemon is not None
        return gather(self.daemon.recording)

    def link(self, name: str = "us-1") -> Link:
        assert self.daemon is not None
        links = self.daemon.recording.loop.links
        return next(it for it in links if it.device.settings.name == name)

    # --- Time ---------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Of the devices."""
        return (self._life_ns + self.clock.mono_ns() - self._began_ns) / SECOND

    def run(self, seconds: float) -> None:
        """Let time pass, deadline by deadline."""
        assert self.daemon is not None
        loop = self.daemon.recording.loop
        until = self.clock.mono_ns() + round(seconds * SECOND)

        def step() -> None:
            left = (until - self.clock.mono_ns()) / SECOND
            self.clock.advance(max(min(loop._patience(), left), 1e-6))

        while self.clock.mono_ns() < until:
            self.on_loop(step)
            self._settle()

    def away(
        self, seconds: float, *, asleep: bool, meanwhile: Callable[[], object] = dict
    ) -> None:
        """So long the loop waits for its ports and does not run: the machine sleeps, or
        something holds it up. What happens meanwhile it finds when it is back.
        """
        assert self.daemon is not None
        loop = self.daemon.recording.loop

        def wait() -> float:
            del loop._patience
            meanwhile()
            (self.clock.suspend if asleep else self.clock.advance)(seconds)
            return 0.0

        loop._patience = wait  # type: ignore[method-assign]
        self._settle()

    def on_loop(self, function: Callable[[], object]) -> None:
        """Run this between two looks of the loop, and one more look after it."""
        assert self.daemon is not None
        loop = self.daemon.recording.loop
        for work in (function, lambda: None):
            done = threading.Event()
            loop.call(lambda work=work, done=done: (work(), done.set()))  # type: ignore[misc]
            if not done.wait(10):
                self.daemon.check()
                raise AssertionError("the loop does not turn")

    def say(self, name: str, data: bytes) -> None:
        """Bytes from a device, read before time goes on."""
        before = self.link(name).device.counts.bytes
        self.jacks[name].say(data)
        self._arrived(name, before + len(data))
        self._settle()

    def _settle(self) -> None:
        """Time stands until all that is due now is done."""
        busy = True
        while busy:
            self.on_loop(lambda: None)
            busy = False
            for name, jack in self.jacks.items():
                link = self.link(name)
                if link.busy:
                    time.sleep(0.0005)
                    busy = True
                    continue
                before = link.device.counts.bytes
                size = jack.answer(link, self.now_s)
                if size:
                    self._arrived(name, before + size)
                    busy = True

    def _arrived(self, name: str, total: int) -> None:
        device = self.link(name).device

        def here() -> bool:
            self.on_loop(lambda: None)
            return device.counts.bytes >= total

        wait_until(here, lambda: (device.counts, device.line.text))

    # --- The journal --------------------------------------------------------------

    def entries(
        self, kind: str | None = None, device: str | None = None
    ) -> list[Entry]:
        """All entries so far, in order."""
        if self.daemon is not None:
            self.daemon._writer.append([], 10)
        found: list[Entry] = []
        with Reader(self.directory) as reader:
            after = 0
            while page := reader.entries(after, kind=kind, device=device):
                found += page
                after = page[-1].seq
        return found

    def bodies(self, kind: str, device: str | None = None) -> list[Any]:
        return [codec.decode(it.kind, it.body) for it in self.entries(kind, device)]

    def events(self) -> list[str]:
        """Session events by name; an end with its reason."""
        return [
            it.event if it.event != "end" else f"end {it.reason}"
            for it in self.bodies("session")
        ]

    def sessions(self) -> list[SessionRow]:
        """Oldest first."""
        if self.daemon is not None:
            self.daemon._writer.append([], 10)
        with Reader(self.directory) as reader:
            return reader.sessions(limit=1000)[::-1]
