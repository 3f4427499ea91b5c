"""A device's pipeline of the recorder, driven by a clock that the test moves."""

from typing import Any

from devicelog.clock import SECOND, ManualClock
from devicelog.drivers.base import Driver
from devicelog.model import codec
from devicelog.model.flow import Draft, SessionEvent
from devicelog.recorder.device import Device
from devicelog.recorder.settings import DeviceSettings
from devicelog.recorder.timebase import Timebase


class Recorded:
    """The recorder's side of one line; what it sends and what it would journal."""

    def __init__(self, driver: Driver, access: Any = "poll") -> None:
        self.clock = ManualClock(mono_ns=1000 * SECOND)
        settings = DeviceSettings("d", driver.profile.name, "/dev/null", access)
        timebase = Timebase(self.clock, "boot")
        self.device = Device(
            settings, driver, run_id="run", timebase=timebase, taken=lambda _: False
        )
        self.sent: list[bytes] = []
        self.drafts: list[Draft] = []
        self._step(self.device.opened(self.clock.mono_ns()))

    def hear(self, data: bytes) -> None:
        """These bytes arrive now."""
        self._step(self.device.received(self.clock.mono_ns(), data))

    def wait(self, seconds: float, *, step: float = 0.1) -> list[bytes]:
        """Time goes by; what is asked meanwhile."""
        before = len(self.sent)
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            self._step(self.device.tick(self.clock.mono_ns()))
        return self.sent[before:]

    def stop(self) -> None:
        """The run ends."""
        self._step(self.device.stop(self.clock.mono_ns()))

    @property
    def events(self) -> list[SessionEvent]:
        """What happened to sessions, in order."""
        drafts = [it for it in self.drafts if it.kind == "session"]
        return [codec.decode("session", it.body) for it in drafts]  # type: ignore[misc]

    @property
    def noise(self) -> list[Any]:
        """The noise entries."""
        drafts = [it for it in self.drafts if it.kind == "noise"]
        return [codec.decode("noise", it.body) for it in drafts]

    def conserves(self) -> bool:
        """Whether nothing of what arrived is unaccounted for."""
        it = self.device.counts
        return (
            it.bytes == it.frame_bytes + it.noise_bytes + it.pending_bytes
            and it.readings == it.kept + it.thinned + it.held
        )

    def _step(self, step: Any) -> None:
        self.drafts += step.drafts
        if step.send:
            self.sent.append(step.send.data)
