"""From serial byte to durable session: the recorder on a real pty."""

import os
import pty
import select
import threading
import time
import tty
from pathlib import Path

import pytest

from devicelog.daemon import Daemon
from devicelog.drivers import base
from devicelog.drivers.load import load
from devicelog.drivers.modbus import ModbusDriver
from devicelog.journal.reader import Reader
from devicelog.operations.config import parse
from devicelog.wire import modbus

CONFIG = """
[site]
name = "sim-test"
simulated = true
[journal]
directory = "{directory}"
[[devices]]
name = "us-1"
profile = "{profile}"
port = "{port}"
"""


class Device(threading.Thread):
    """An ultrasound device on a pty: answers reads with what `values` holds."""

    def __init__(self, profile: str) -> None:
        super().__init__(daemon=True)
        self.driver = ModbusDriver(load(profile))
        self.values = {
            "state": "0",
            "time_set_s": 4,
            "time_left_s": 4,
            "frequency_mhz": 3,
            "duty_pct": 20,
            "intensity_w_cm2": 0.5,
            "era_cm2": 5,
            "bnr": 4,
            "contact_ok": True,
            "head_temp_c": 30,
            "head_id": "A5",
        }
        self.identity = {"model": "SIM-US", "serial": "0001", "firmware": "1.0"}
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.port = os.ttyname(self.slave)
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.is_set():
            if not select.select([self.master], [], [], 0.1)[0]:
                continue
            asked = os.read(self.master, 8)
            function = asked[1]
            name, values = ("identity", self.identity)
            if function == 4:
                name, values = "status", self.values
            block = self.driver.encode(name, values)
            os.write(self.master, modbus.response(10, function, block))


def wait_until(true, told=lambda: "not in time", seconds=10.0):
    until = time.monotonic() + seconds
    pause = threading.Event()
    while not true():
        assert time.monotonic() < until, told()
        pause.wait(0.02)


@pytest.fixture
def device(tmp_path):
    text = (Path(base.__file__).parent / "profiles" / "us-modbus.toml").read_text()
    profile = tmp_path / "fast.toml"
    profile.write_text(text.replace("interval_s = 1.0", "interval_s = 0.1"))
    device = Device(str(profile))
    device.start()
    yield device, str(profile)
    device.done.set()
    device.join()
    os.close(device.master)
    os.close(device.slave)


def loaded(device, profile, directory):
    text = CONFIG.format(directory=directory, profile=profile, port=device.port)
    return parse(text, "test.toml", {})


def treat(device, daemon):
    """A treatment of 1 s, to its end."""
    channel = daemon.recording.devices[0].channels["us"]
    wait_until(lambda: channel.last is not None)
    device.values["state"] = "3"
    wait_until(lambda: channel.session_id)
    for left in (3.5, 3, 2.5, 2, 1.5, 1, 0.5, 0):
        device.values["time_left_s"] = left
        threading.Event().wait(0.1)
    device.values["state"] = "6"
    wait_until(lambda: not channel.session_id)


def test_a_treatment_on_a_real_line_becomes_a_durable_session(device, tmp_path):
    virtual, profile = device
    directory = str(tmp_path / "data")
    daemon = Daemon(loaded(virtual, profile, directory))
    daemon.start()
    treat(virtual, daemon)
    daemon.check()
    counts = daemon.recording.devices[0].counts
    daemon.stop()

    assert (
        counts.bytes == counts.frame_bytes + counts.noise_bytes + counts.pending_bytes
    )
    assert counts.frames == counts.readings + counts.silent_frames
    assert counts.readings == counts.kept + counts.thinned + counts.held
    with Reader(directory) as reader:
        (session,) = reader.sessions()
        readings = reader.entries(kind="reading", subject=session.session_id)

    assert session.reason == "completed"
    assert session.readings == len(readings)
    assert session.totals["energy_j"] == pytest.approx(
        0.5 * 0.2 * 5 * session.totals["emission_s"],
        abs=1e-5,  # totals are recorded with 6 decimals
    )


def test_a_session_left_open_is_taken_up_by_the_next_run(device, tmp_path):
    virtual, profile = device
    directory = str(tmp_path / "data")
    first = Daemon(loaded(virtual, profile, directory))
    first.start()
    virtual.values["state"] = "3"
    channel = first.recording.devices[0].channels["us"]
    wait_until(lambda: channel.session_id)
    name = channel.session_id
    first.stop()
    second = Daemon(loaded(virtual, profile, directory))
    second.start()
    there = second.recording.devices[0]
    channel = there.channels["us"]
    wait_until(
        lambda: channel.last is not None, lambda: (there.line.text, there.counts)
    )
    virtual.values["state"] = "6"
    virtual.values["time_left_s"] = 0
    wait_until(lambda: not channel.session_id)
    second.stop()

    with Reader(directory) as reader:
        rows = reader.sessions()

    assert [row.session_id for row in rows] == [name]
    assert not rows[0].open


def test_two_recorders_on_one_directory_are_refused(device, tmp_path):
    virtual, profile = device
    directory = str(tmp_path / "data")
    daemon = Daemon(loaded(virtual, profile, directory))
    daemon.start()
    with pytest.raises(Exception, match="recorded into by process"):
        Daemon(loaded(virtual, profile, directory)).start()
    daemon.stop()
