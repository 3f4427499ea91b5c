"""Real recorder parts on one clock that is moved: devices, journal, restart, desk."""

import msgspec
from unit.records.clinic import Clinic

from devicelog.clock import ManualClock
from devicelog.drivers.load import driver, load
from devicelog.drivers.modbus import ModbusDriver
from devicelog.errors import LineLost
from devicelog.recorder.device import Device
from devicelog.recorder.restore import Axis, restore
from devicelog.recorder.settings import DeviceSettings
from devicelog.recorder.timebase import Timebase
from devicelog.wire import modbus

PROFILE = load("us-modbus")
IDLE, RUNNING, FINISHED, ABORTED = "0", "3", "6", "7"
UNIT = 10


class Machine:
    """What stands at the other end of the wire."""

    def __init__(self, serial):
        self._driver = ModbusDriver(PROFILE)
        self.plugged = True
        self.identity = {"model": "SIM-US", "serial": serial, "firmware": "1.0"}
        self.values = {
            "state": IDLE,
            "time_set_s": 300,
            "time_left_s": 300,
            "frequency_mhz": 1,
            "duty_pct": 50,
            "intensity_w_cm2": 0.8,
            "era_cm2": 5,
            "bnr": 4,
            "contact_ok": True,
            "head_temp_c": 30,
            "head_id": "A5",
        }

    def treat(self):
        self.values |= {"state": RUNNING, "time_left_s": 300}

    def stop(self):
        self.values["state"] = IDLE

    @property
    def running(self):
        return self.values["state"] == RUNNING

    def live(self, seconds):
        if self.running:
            left = max(0, self.values["time_left_s"] - seconds)
            self.values |= {"time_left_s": left} | ({} if left else {"state": FINISHED})

    def answer(self, asked):
        function = asked[1]
        name, values = ("status", self.values)
        if function != 4:
            name, values = ("identity", self.identity)
        return modbus.response(UNIT, function, self._driver.encode(name, values))


class Bench(Clinic):
    """A recorder of these devices, driven by hand; what runs is a real journal."""

    def __init__(self, directory, names):
        super().__init__(directory)
        self.machines = {name: Machine(f"{n:04}") for n, name in enumerate(names)}
        self._timebase = Timebase(self.clock, self.boot)
        self.devices = {}

    def moment(self):
        moment = super().moment()
        at_ns = self._timebase.at(moment.mono_ns)
        return msgspec.structs.replace(moment, at_ns=at_ns)

    def up(self):
        """A run begins: what was open is taken up, ports are opened."""
        now_ns = self.clock.mono_ns()
        with self.reader() as reader:
            self._timebase = Timebase(
                self.clock,
                self.boot,
                anchor_ns=reader.anchor(self.boot),
                trusted_ns=reader.last_trusted_ns(),
            )
            boots = {run.run_id: run.boot_id for run in reader.runs()}
        self.begin()
        self.devices = {name: self._device(name) for name in self.machines}
        axis = Axis(boots, self.boot, self._timebase, now_ns)
        with self.reader() as reader:
            drafts = restore([*self.devices.values()], reader, axis, self.run)
        self.keep(drafts)
        for name, machine in self.machines.items():
            if machine.plugged:
                self.keep(self.devices[name].opened(now_ns).drafts)

    def down(self):
        for device in self.devices.values():
            self.keep(device.stop(self.clock.mono_ns()).drafts)

    def restart(self):
        self.down()
        self.run += "'"
        self.up()

    def reboot(self, off_s):
        self.down()
        # Of another boot, and yet its clock stands where the last one's stood.
        mono_ns = self.clock.mono_ns()
        wall_ns = self.clock.wall_ns() + round(off_s * 1e9)
        self.clock = ManualClock(wall_ns, mono_ns=mono_ns)
        self.boot += "'"
        self.run += "'"
        self.up()

    def live(self, seconds):
        """So many seconds pass: each device is polled as the loop would."""
        for _ in range(seconds):
            self.clock.advance(1)
            for name, machine in self.machines.items():
                machine.live(1)
                self._poll(self.devices[name], machine)
            live = any(it.running for it in self.machines.values())
            for body in self._timebase.observe(live=live):
                self.put("-", "-", "clock", body)

    def unplug(self, name):
        self.machines[name].plugged = False
        error = LineLost("the port went away")
        self.keep(self.devices[name].closed(self.clock.mono_ns(), error).drafts)

    def plug(self, name):
        self.machines[name].plugged = True
        self.keep(self.devices[name].opened(self.clock.mono_ns()).drafts)

    def keep(self, drafts):
        if drafts:
            self.writer.append(drafts, 10)

    def _poll(self, device, machine):
        drafts = []
        for _ in range(3):
            step = device.tick(self.clock.mono_ns())
            drafts += step.drafts
            if step.send is None or not machine.plugged:
                break
            self.clock.advance(0.05)
            heard = device.received(
                self.clock.mono_ns(), machine.answer(step.send.data)
            )
            drafts += heard.drafts
            self.clock.advance(0.05)
        self.keep(drafts)

    def _device(self, name):
        settings = DeviceSettings(name=name, profile="us-modbus", port=f"/dev/{name}")

        def taken(session_id):
            with self.reader() as reader:
                return reader.has_session(session_id)

        return Device(
            settings,
            driver(PROFILE),
            run_id=self.run,
            timebase=self._timebase,
            taken=taken,
        )
