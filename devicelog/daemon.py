"""The recorder as one process: puts the parts together and takes them apart in order.

Threads: the loop (all ports), the journal's writer, the control socket. The main thread
watches that all of them beat; one that died or hangs ends the process in order. If the
main thread hangs itself, the process ends at once. systemd's watchdog is the last of
these nets: it is fed only while all beat.
"""

import gc
import logging
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Final, Literal

from devicelog.clock import Clock, SystemClock, boot_id
from devicelog.errors import DevicelogError, JournalError
from devicelog.journal.reader import Reader
from devicelog.journal.writer import Writer
from devicelog.model.flow import Draft
from devicelog.model.users import Role
from devicelog.operations import sinks
from devicelog.operations.config import Loaded
from devicelog.operations.control import Control
from devicelog.operations.delivery import Delivery
from devicelog.operations.doctor.table import tell
from devicelog.operations.doctor.world import within
from devicelog.operations.inhibitor import Inhibitor
from devicelog.operations.keeping import Keeping
from devicelog.operations.lineup import lineup
from devicelog.operations.master import tried
from devicelog.operations.recording import Recording, moment
from devicelog.operations.socket import Request, Server
from devicelog.operations.telling import at_start, run_told
from devicelog.operations.upkeep import Upkeep
from devicelog.operations.watch import Watch
from devicelog.operations.watchdog import (
    Beats,
    Hang,
    end_at_leisure,
    end_within,
    notify,
    tell_where,
)
from devicelog.recorder.device import Device
from devicelog.recorder.drafts import NO_CHANNEL, NO_DEVICE, Drafter
from devicelog.recorder.loop import Loop
from devicelog.recorder.restore import Axis, restore
from devicelog.recorder.timebase import Timebase

if TYPE_CHECKING:
    from devicelog.console.server import Server as Console

_log = logging.getLogger(__name__)

# A hang ends within 30 s in a new start: seen after 20 s (operations.watchdog), ended
# in order within 6 s, else at once; so is a main thread that sleeps for 25 s.
_LOOK_S: Final = 1.0
_BUSY_S: Final = 3.0
_END_S: Final = 10.0
_HUNG_END_S: Final = 1.0
_LAST_S: Final = 6.0
_ASLEEP_S: Final = 25.0
_WRITER: Final = "writer"


class Daemon:
    """One run. `start`, then `check` now and then, then `stop`."""

    def __init__(self, loaded: Loaded, clock: Clock | None = None) -> None:
        self._loaded = loaded
        self._clock: Clock = clock or SystemClock()
        self._run_id = secrets.token_hex(6)
        self._boot_id = boot_id()
        self._beats = Beats(self._clock)
        self._hung = ""
        self._thread: threading.Thread | None = None
        self._console: Console | None = None
        site = loaded.config.site
        self._keyring, self._keyless = tried(loaded.config)
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
            self._serve()
        except BaseException:
            self._writer.close()
            raise

    def serve(
        self,
        links: Mapping[str, Role] | None = None,
        bound: socket.socket | None = None,
    ) -> str:
        """Serve the console; where it is. Recording does not wait for it.

        `links` and `bound`: see `console.served`. Empty where it is not wanted, or its
        address cannot be had, which is told.
        """
        if not self._loaded.config.console.enabled:
            return ""
        # Only who serves it pays for its parts.
        from devicelog.console.served import serve  # noqa: PLC0415

        try:
            self._console = serve(self.recording, self._control.handle, links, bound)
        except DevicelogError as error:
            _log.error("%s", error)
            return ""
        _log.info("the console is at %s", self._console.url)
        return self._console.url

    def ask(self, request: Request) -> Iterator[object]:
        """What the socket would answer, without the socket. Raises as `control`."""
        return self._control.handle(request)

    def check(self) -> None:
        """Raise JournalError if a part died, Hang if one hangs; see to what is due."""
        if self._writer.failed is not None:
            raise self._writer.failed
        turning = self._thread is not None and self._thread.is_alive()
        for part, alive in (("writer", self._writer.alive), ("loop", turning)):
            if not alive:
                raise JournalError(f"the {part} ended", hint="see the log above")
        delivery = self.recording.delivery
        delivery.check()
        counts = {"loop": self.recording.loop.beats, _WRITER: self._writer.beats}
        try:
            self._beats.look({**counts, **delivery.beats})
        except Hang as hang:
            self._hung = hang.part
            raise
        # What follows waits for the writer, and must not wait for one that hangs.
        turns = self._beats.still_s(_WRITER) < _BUSY_S
        if turns and self._writer.state == "recording":
            self._control.carry_out()
            self._upkeep.look()
            self._watch.look()

    def stop(self) -> None:
        """End in order: ports, then the journal. Open sessions stay open in it.

        A part that hangs is not waited for long, and a writer that does not at all.
        """
        patience_s = _HUNG_END_S if self._hung else _END_S
        if self._console is not None:
            self._console.close()
        self._upkeep.stop()
        self._server.close()
        self.recording.delivery.stop(patience_s)
        self.recording.loop.stop()
        if self._thread is not None:
            self._thread.join(timeout=patience_s)
        if self._hung == _WRITER:
            _log.critical("%d entries could not be written", self._writer.backlog)
            return
        self._writer.submit([self._run_entry("stop")])
        self._writer.close()

    # --- Private ------------------------------------------------------------------

    def _begin(self) -> None:
        directory = self._loaded.config.journal.directory
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
            devices = lineup(self._loaded, reader, axis, self._run_id)
            loop = Loop(devices, self._writer, self._clock, timebase, self._drafter)
            alarms = [
                self._drafter.at("alarm", body, self._clock.mono_ns())
                for body in at_start(self._loaded.parked, self._keyless, reader)
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
        delivery = Delivery(there, directory, self._writer, self._clock)
        self.recording = self._recording(timebase, now_ns, loop, devices, delivery)
        delivery.rounds = sinks.rounds(self.recording)

    def _recording(
        self,
        timebase: Timebase,
        now_ns: int,
        loop: Loop,
        devices: list[Device],
        delivery: Delivery,
    ) -> Recording:
        site = self._loaded.config.site
        return Recording(
            loaded=self._loaded,
            site=site.name,
            simulated=site.simulated,
            directory=self._loaded.config.journal.directory,
            run_id=self._run_id,
            boot_id=self._boot_id,
            since_ns=timebase.at(now_ns),
            clock=self._clock,
            timebase=timebase,
            writer=self._writer,
            delivery=delivery,
            loop=loop,
            devices=devices,
            parked=self._loaded.parked,
            keyring=self._keyring,
            keeping=Keeping(
                self._loaded.config,
                delivery.names,
                self._writer.append,
                lambda: moment(self._clock, timebase, self._boot_id),
                self._keyring.chain_key if self._keyring else None,
            ),
        )

    def _serve(self) -> None:
        """Have all threads run."""
        config, loop = self._loaded.config, self.recording.loop
        self._control = Control(self.recording)
        source, keep = self._loaded.source, self._control.keep
        self._upkeep = Upkeep(config, source, self._writer, self._clock, keep)
        timebase, devices = self.recording.timebase, self.recording.devices
        self._watch = Watch(
            config, devices, self._writer, self._clock, lambda: timebase.trusted
        )
        self._server = Server(self.recording.directory, self._control.handle)
        self._server.open()
        self._thread = threading.Thread(target=loop.run, name="loop", daemon=True)
        self._thread.start()
        self.recording.delivery.start()

    def _run_entry(self, event: Literal["start", "stop"]) -> Draft:
        now_ns = self._clock.mono_ns()
        body = run_told(self._loaded, event, self._run_id, self._boot_id, now_ns)
        return self._drafter.at("config", body, now_ns)


def run(loaded: Loaded, begun: Callable[[], None]) -> None:
    """Record until SIGTERM or SIGINT; `begun` when all runs. Raises what else ends."""
    ending = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        ending.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    daemon = Daemon(loaded)
    daemon.start()
    begun()
    # What stands now stays to the end: no collection need look at it again.
    gc.collect()
    gc.freeze()
    inhibitor = Inhibitor()
    world = within(daemon.recording)
    # Beside the recording: it measures the disk, and nothing waits for it.
    threading.Thread(target=tell, args=(world,), name="doctor", daemon=True).start()
    try:
        daemon.serve()
        notify("READY=1")
        while not ending.wait(_LOOK_S):
            end_within(_ASLEEP_S)
            daemon.check()
            inhibitor.hold(live=daemon.recording.loop.live)
            notify("WATCHDOG=1")
        end_at_leisure()
    except Hang as hang:
        _log.critical("%s; where each part is:", hang.message)
        tell_where()
        end_within(_LAST_S)
        raise
    finally:
        notify("STOPPING=1")
        inhibitor.release()
        daemon.stop()
