"""The recorder as one process: puts the parts together and takes them apart in order.

Threads: the loop (all ports), the journal's writer, the control socket. The main thread
watches that all of them beat; one that died or hangs ends the process in order, and
systemd's watchdog is fed only while all beat.
"""

import contextlib
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Final

from devicelog import __version__
from devicelog.clock import SECOND, Clock, SystemClock, boot_id
from devicelog.drivers.load import driver
from devicelog.errors import DevicelogError, JournalError
from devicelog.journal.reader import Reader
from devicelog.journal.writer import Writer
from devicelog.model.flow import Draft
from devicelog.model.kinds import AlarmBody, ConfigBody
from devicelog.model.users import Role
from devicelog.operations import identities, sinks
from devicelog.operations.config import Config, Loaded
from devicelog.operations.control import Control
from devicelog.operations.delivery import Delivery
from devicelog.operations.inhibitor import Inhibitor
from devicelog.operations.master import keyring
from devicelog.operations.recording import Recording
from devicelog.operations.socket import Request, Server
from devicelog.operations.upkeep import Upkeep
from devicelog.recorder.book import IDENTITY_ALARM
from devicelog.recorder.device import Device
from devicelog.recorder.drafts import NO_CHANNEL, NO_DEVICE, Drafter
from devicelog.recorder.loop import Loop
from devicelog.recorder.restore import Axis, restore
from devicelog.recorder.timebase import Timebase
from devicelog.records.keys import Keyring

if TYPE_CHECKING:
    from devicelog.console.server import Server as Console

_log = logging.getLogger(__name__)

# A loop that has not turned for so long hangs (failures R13: restart within 30 s).
_HANG_S: Final = 20.0
_LOOK_S: Final = 1.0
_END_S: Final = 10.0
_PARKED: Final = "parked/"
_KEYLESS: Final = "keys/missing"


class Daemon:
    """One run. `start`, then `check` now and then, then `stop`."""

    def __init__(self, loaded: Loaded, clock: Clock | None = None) -> None:
        self._loaded = loaded
        self._clock: Clock = clock or SystemClock()
        self._run_id = secrets.token_hex(6)
        self._boot_id = boot_id()
        self._beats: dict[str, tuple[int, int]] = {}
        self._thread: threading.Thread | None = None
        self._console: Console | None = None
        site = loaded.config.site
        self._keyring, self._keyless = _keyring(loaded.config)
        self._writer = Writer(
            loaded.config.journal,
            simulated=site.simulated,
            site=site.name,
            clock=self._clock,
            chain_key=self._keyring.chain_key if self._keyring else None,
        )
        self.recording: Recording

    def start(self) -> None:
        """Open the journal, take up what was open, begin to record.

        Raises JournalError; then nothing runs.
        """
        self._writer.open()
        try:
            self._begin()
        except BaseException:
            self._writer.close()
            raise

    def serve(self, links: Mapping[str, Role] | None = None) -> str:
        """Serve the console; where it is. Recording does not wait for it.

        Empty where it is not wanted, or its address cannot be had, which is told.
        """
        if not self._loaded.config.console.enabled:
            return ""
        # Only who serves it pays for its parts.
        from devicelog.console.served import serve  # noqa: PLC0415

        try:
            self._console = serve(self.recording, self._control.handle, links)
        except DevicelogError as error:
            _log.error("%s (%s)", error, error.hint)
            return ""
        _log.info("the console is at %s", self._console.url)
        return self._console.url

    def ask(self, request: Request) -> Iterator[object]:
        """What the socket would answer, without the socket. Raises as `control`."""
        return self._control.handle(request)

    def check(self) -> None:
        """Raise JournalError if a part died or hangs; see to what was said ahead."""
        if self._writer.failed is not None:
            raise self._writer.failed
        if not self._writer.alive:
            raise JournalError("the journal's writer ended", hint="see the log above")
        if self._thread is None or not self._thread.is_alive():
            raise JournalError(
                "the loop over the ports ended", hint="see the log above"
            )
        now_ns = self._clock.mono_ns()
        delivery = self.recording.delivery
        delivery.check()
        beats = {"loop": self.recording.loop.beats, "writer": self._writer.beats}
        beats |= delivery.beats
        for name, count in beats.items():
            before, since = self._beats.get(name, (-1, now_ns))
            if count != before:
                self._beats[name] = (count, now_ns)
            elif now_ns - since > _HANG_S * SECOND:
                raise JournalError(f"the {name} hangs since {_HANG_S:g} s")
        if self._writer.state == "recording":
            self._control.carry_out()
            self._upkeep.look()

    def stop(self) -> None:
        """End in order: ports, then the journal. Open sessions stay open in it."""
        if self._console is not None:
            self._console.close()
        self._upkeep.stop()
        self._server.close()
        self.recording.delivery.stop()
        self.recording.loop.stop()
        if self._thread is not None:
            self._thread.join(timeout=_END_S)
        self._writer.submit([self._run_entry("stop")])
        self._writer.close()

    # --- Private ------------------------------------------------------------------

    def _begin(self) -> None:
        config = self._loaded.config
        directory = config.journal.directory
        with Reader(directory) as reader:
            timebase = Timebase(
                self._clock,
                self._boot_id,
                anchor_ns=reader.anchor(self._boot_id),
                trusted_ns=reader.last_trusted_ns(),
            )
            self._drafter = Drafter(self._run_id, NO_DEVICE, NO_CHANNEL, timebase)
            boots = {run.run_id: run.boot_id for run in reader.runs()}
            now_ns = self._clock.mono_ns()
            axis = Axis(boots, self._boot_id, timebase, now_ns)
            devices = self._devices(reader, axis)
            loop = Loop(devices, self._writer, self._clock, timebase, self._drafter)
            alarms = [
                *self._parked_alarms(),
                *self._cleared_alarms(reader),
                *self._key_alarms(reader),
            ]
            loop.submit([self._run_entry("start"), *alarms])
            loop.submit(restore(devices, reader, axis, self._run_id))
            there = sinks.sinks(
                self._loaded,
                reader.meta(),
                self._clock,
                self._boot_id,
                health=lambda: sinks.minute(self.recording),
            )
        self.recording = Recording(
            loaded=self._loaded,
            site=config.site.name,
            simulated=config.site.simulated,
            directory=directory,
            run_id=self._run_id,
            boot_id=self._boot_id,
            since_ns=timebase.at(now_ns),
            clock=self._clock,
            timebase=timebase,
            writer=self._writer,
            delivery=Delivery(there, directory, self._writer, self._clock),
            loop=loop,
            devices=devices,
            parked=self._loaded.parked,
            keyring=self._keyring,
        )
        self.recording.delivery.rounds = sinks.rounds(self.recording)
        self._control = Control(self.recording)
        self._upkeep = Upkeep(config, self._loaded.source, self._writer, self._clock)
        self._server = Server(directory, self._control.handle)
        self._server.open()
        self._thread = threading.Thread(target=loop.run, name="loop", daemon=True)
        self._thread.start()
        self.recording.delivery.start()

    def _devices(self, reader: Reader, axis: Axis) -> list[Device]:
        known = identities.known(reader)
        here = self._loaded.config.devices
        owners = identities.owners(here, known, parked=self._loaded.parked)
        alarms = {alarm.name for alarm in reader.alarms(open_only=True)}
        return [
            Device(
                settings,
                driver(self._loaded.profiles[settings.profile]),
                run_id=self._run_id,
                timebase=axis.timebase,
                taken=self._taken,
                known=known.get(settings.name),
                owners=owners,
                seen=axis.seen(reader.last("reading", settings.name)),
                alarmed=IDENTITY_ALARM + settings.name in alarms,
            )
            for settings in here
        ]

    def _taken(self, session_id: str) -> bool:
        """Whether the journal knows this id; asked by the loop, once a session."""
        with Reader(self._loaded.config.journal.directory) as reader:
            return reader.has_session(session_id)

    def _run_entry(self, event: str) -> Draft:
        now_ns = self._clock.mono_ns()
        profiles = {p.name: p.hash for p in self._loaded.profiles.values()}
        body = ConfigBody(
            event="start" if event == "start" else "stop",
            run_id=self._run_id,
            boot_id=self._boot_id,
            mono_ns=now_ns,
            version=__version__,
            simulated=self._loaded.config.site.simulated,
            sha256=self._loaded.sha256,
            profiles=profiles,
            devices={it.name: it.port for it in self._loaded.config.devices},
        )
        return self._drafter.at("config", body, now_ns)

    def _parked_alarms(self) -> Iterator[Draft]:
        for name, problems in self._loaded.parked.items():
            body = AlarmBody(
                name=f"{_PARKED}{name}",
                text=f"device {name} is not recorded: {'; '.join(problems)}",
                remedy="correct the configuration, then start again",
            )
            yield self._drafter.at("alarm", body, self._clock.mono_ns())

    def _cleared_alarms(self, reader: Reader) -> Iterator[Draft]:
        """Devices that an earlier run could not record, and this one does."""
        for alarm in reader.alarms(open_only=True):
            name = alarm.name.removeprefix(_PARKED)
            if name != alarm.name and name not in self._loaded.parked:
                body = AlarmBody(
                    name=alarm.name,
                    text=f"the configuration of device {name} is corrected, or gone",
                    cleared=True,
                )
                yield self._drafter.at("alarm", body, self._clock.mono_ns())

    def _key_alarms(self, reader: Reader) -> Iterator[Draft]:
        """Recording does not wait for a key; but nobody then is known by name."""
        told = any(it.name == _KEYLESS for it in reader.alarms(open_only=True))
        if not self._keyless and not told:
            return
        body = AlarmBody(
            name=_KEYLESS,
            text=self._keyless or "the master key is there",
            remedy=self._keyless
            and "put the master key in its place, then start again",
            cleared=not self._keyless,
        )
        yield self._drafter.at("alarm", body, self._clock.mono_ns())


def _keyring(config: Config) -> tuple[Keyring | None, str]:
    """What the master key opens, or what is wrong with it."""
    try:
        return keyring(config, make=True), ""
    except (DevicelogError, OSError) as error:
        _log.error("nothing is sealed or chained in this run: %s", error)
        return None, f"names and notes stay closed, the audit chain stands: {error}"


def run(loaded: Loaded) -> None:
    """Record until SIGTERM or SIGINT. Raises what ended it otherwise."""
    ending = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        ending.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    daemon = Daemon(loaded)
    daemon.start()
    inhibitor = Inhibitor()
    try:
        daemon.serve()
        _notify("READY=1")
        while not ending.wait(_LOOK_S):
            daemon.check()
            inhibitor.hold(live=daemon.recording.loop.live)
            _notify("WATCHDOG=1")
    finally:
        _notify("STOPPING=1")
        inhibitor.release()
        daemon.stop()


def _notify(message: str) -> None:
    """Tell systemd (sd_notify(3)); nothing where it does not listen."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
    ):
        systemd.sendto(message.encode(), address)
