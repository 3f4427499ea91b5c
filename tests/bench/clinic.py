"""A journal of treatments, made through the recorder's own pipeline, faster than life.

Devices in treatment side by side, read once a second: twelve minutes each, the level
changed every two, then a short rest.
"""

from pathlib import Path

from bench.pipeline import PROFILE, VALUES

from devicelog.clock import ManualClock, boot_id
from devicelog.drivers.modbus import ModbusDriver
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.recorder.device import Device
from devicelog.recorder.settings import DeviceSettings
from devicelog.recorder.timebase import Timebase
from devicelog.wire import modbus

SITE = "sim-bench"
DEVICES = 8
TREATMENT_S = 720
REST_S = 10
PLACES = {(f"us-{n}", "us"): PROFILE.channels[0].modality for n in range(DEVICES)}


def fill(folder: Path, readings: int) -> int:
    """Write this many readings; how many entries there are then."""
    clock = ManualClock()
    settings = JournalSettings(str(folder))
    with Writer(settings, simulated=True, site=SITE, clock=clock) as writer:
        machines = [Machine(name, clock) for name, _ in PLACES]
        for it in machines:
            writer.submit(it.device.opened(clock.mono_ns()).drafts)
        for second in range(readings // DEVICES):
            for it in machines:
                it.read(writer, clock.mono_ns(), second)
            clock.advance(1)
            if second % 250 == 0:
                writer.append([], 60)
        writer.append([], 60)
        return writer.committed


class Machine:
    """One device, asked once a second."""

    def __init__(self, name: str, clock: ManualClock) -> None:
        self.driver = ModbusDriver(PROFILE)
        self.device = Device(
            DeviceSettings(
                name=name, profile="us-modbus", port="/dev/null", access="tap"
            ),
            self.driver,
            run_id="bench",
            timebase=Timebase(clock, boot_id()),
            taken=lambda _: False,
        )

    def read(self, writer: Writer, mono_ns: int, second: int) -> None:
        """What it answers in this second of its day, through the pipeline."""
        (asked,) = self.driver.polls()
        self.driver.sent(asked)
        values = self.driver.encode("status", _values(second % (TREATMENT_S + REST_S)))
        answer = modbus.response(10, 4, values)
        writer.submit(self.device.received(mono_ns, answer).drafts)


def _values(second: int) -> dict[str, object]:
    left_s = TREATMENT_S - second
    if left_s <= 0:
        return VALUES | {"state": "6", "time_set_s": TREATMENT_S, "time_left_s": 0}
    level = 0.5 + second // 120 % 2 / 10
    return VALUES | {
        "time_set_s": TREATMENT_S,
        "time_left_s": left_s,
        "intensity_w_cm2": level,
        "intensity_actual_w_cm2": level,
        "power_actual_w": 5 * level,
        "head_temp_c": 24 + second % 97 / 10,
    }
