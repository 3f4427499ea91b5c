"""A virtual device before a real pipeline, as several tests need it."""

from typing import Any

from devicelog.clock import SECOND, ManualClock
from devicelog.drivers.load import driver, load
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.host import Overheard
from devicelog.model import codec
from devicelog.model.flow import Identity
from devicelog.recorder.device import Device
from devicelog.recorder.settings import DeviceSettings
from devicelog.recorder.timebase import Timebase
from devicelog.simulation.rehearsal import Rehearsal

WHO = Identity("SIM-1", "SIM00001", "1.0")
BEGIN_S = 40.0  # the start key is pressed at this second of the device


class Rehearsed:
    """A script on a profile, and the drafts that come of it.

    `phase_s`: how far into an interval the device's seconds lie when it is asked.
    """

    def __init__(
        self,
        profile,
        script,
        *,
        access="poll",
        phase_s=0.0,
        wall_ns=None,
        name="dev",
        seed=1,
        **more: Any,
    ) -> None:
        profile = load(profile) if isinstance(profile, str) else profile
        self.clock = ManualClock() if wall_ns is None else ManualClock(wall_ns)
        self.timebase = Timebase(self.clock, "boot")
        self.profile = profile
        self.player = script.player(BEGIN_S + phase_s)
        self.virtual = VirtualDevice(
            profile, self.player, WHO, seed=more.pop("seed", 1)
        )
        settings = DeviceSettings(name, profile.name, "/dev/null", access=access)
        self.device = Device(
            settings,
            driver(profile),
            run_id=f"run-{name}",
            timebase=self.timebase,
            taken=lambda _: False,
            **more,
        )
        line = Overheard(profile, self.virtual) if access == "tap" else self.virtual
        self.began_ns = self.clock.mono_ns()
        self.start_ns = self.began_ns + round((BEGIN_S + phase_s) * SECOND)
        self.rehearsal = Rehearsal(self.device, line, self.began_ns)
        self.drafts = []

    def play(self, seconds):
        """So long from the start key on; then the run ends."""
        end_ns = self.start_ns + round(seconds * SECOND)
        for drafts in self.rehearsal.until(end_ns):
            self.drafts += drafts
        self.drafts += self.device.stop(end_ns).drafts
        return self

    def bodies(self, kind):
        return [codec.decode(it.kind, it.body) for it in self.drafts if it.kind == kind]

    def second(self, at_ns):
        """The second of the treatment, of a wall time."""
        return (at_ns - self.timebase.anchor_ns - self.start_ns) / SECOND

    def sessions(self):
        """Each session's events, in the order of their starts."""
        by_id = {}
        for event in self.bodies("session"):
            by_id.setdefault(event.session_id, []).append(event)
        return list(by_id.values())
