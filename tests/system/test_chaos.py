"""Daemon, broker and store are killed at random; every reading is stored once, whole.

The daemon runs as a process on virtual devices behind real ptys; Mosquitto and InfluxDB
are the machine's own. What the store should hold is worked out from the journal by
other code (contract/sinks/stored), and asked by raw HTTP.
"""

import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from contract.sinks.stored import wanted_readings
from durability.daemon import Clinic
from journals import entries
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto
from system.recorder import Recorder, configured, differences
from waiting import wait_until

from devicelog.drivers import base
from devicelog.drivers.load import load
from devicelog.drivers.simulated.clinic import clinic
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.script import Player
from devicelog.drivers.simulated.serve import PtyPort, serve
from devicelog.drivers.simulated.ultrasound import Ultrasound
from devicelog.model.flow import Identity

# A sink that answers before the store has, and a store that is never read back.
HASTY = """
from devicelog.errors import SinkUnavailable
from devicelog.sinks.base import Said
from devicelog.sinks.influx import InfluxSink
honest = InfluxSink.send
def send(self, entries, *, historical, view):
    try:
        return honest(self, entries, historical=historical, view=view)
    except SinkUnavailable:
        return [Said.TAKEN] * len(entries)
InfluxSink.send = send
InfluxSink.lacking = lambda self, entries, view: []
"""


def quick(folder):
    """The shipped profile, asked ten times a second."""
    text = (Path(base.__file__).parent / "profiles" / "us-modbus.toml").read_text()
    path = folder / "quick.toml"
    path.write_text(text.replace("interval_s = 1.0", "interval_s = 0.1"))
    return path


def devices(folder, count):
    profile = quick(folder)
    ports = [
        PtyPort(
            VirtualDevice(
                load(str(profile)),
                Player(Ultrasound(), clinic(n, room=n, scale=0.05)),
                Identity("SIM-US", f"SIM{n:05d}", "1.0"),
            ),
            # A name that goes with the device: the number of its pty is given away.
            link=folder / f"us-{n}",
        )
        for n in range(1, count + 1)
    ]
    return ports, [(port.link.name, profile, port.link) for port in ports]


def rampage(victims, seconds, chance):
    """Kill one of them, start it again, and so on; how often each was killed."""
    kills = Counter()
    pause = threading.Event()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pause.wait(chance.uniform(0.2, 1.6))
        name = chance.choice(sorted(victims))
        victims[name].kill()
        pause.wait(chance.uniform(0.0, 0.3))
        victims[name].start()
        kills[name] += 1
    return kills


def chaos(folder, count, seconds, *, spoilt=""):
    seed = random.randrange(2**32)
    print("seed", seed)
    ports, described = devices(folder, count)
    ending = threading.Event()
    served = threading.Thread(target=serve, args=(ports, ending.is_set))
    served.start()
    influxdb = InfluxDB(folder / "influxdb")
    try:
        influxdb.start().set_up()
        with Mosquitto(folder / "broker") as broker:
            config = configured(folder, broker, influxdb, described)
            recorder = Recorder(Clinic(config, folder / "data"), spoilt=spoilt)
            recorder.start()
            wait_until(recorder.drained, recorder.status, 30)
            victims = {"daemon": recorder, "broker": broker, "store": influxdb}
            before, began = journalled(folder), time.monotonic()
            kills = rampage(victims, seconds, random.Random(seed))
            took = time.monotonic() - began
            rate = (journalled(folder) - before) / took
            print(f"{dict(kills)} killed in {took:.0f} s at {rate:.0f} readings/s")
            wait_until(recorder.drained, recorder.status, 90)
            # Devices fall silent, so that an end can be reached; and what a recorder
            # writes at its end is sent by the next.
            ending.set()
            served.join()
            recorder.end()
            recorder.start()
            wait_until(recorder.settled, recorder.status, 90)
            recorder.end()
        found = influxdb.rows("therapy_reading")
    finally:
        ending.set()
        served.join()
        influxdb.stop()
    return kills, rate, wanted_readings(folder / "data"), found


def journalled(folder):
    return sum(it.kind == "reading" for it in entries(folder / "data"))


@pytest.mark.slow
def test_kills_of_daemon_broker_and_store_lose_nothing(tmp_path):
    kills, _, wanted, found = chaos(tmp_path, count=6, seconds=15)
    print(len(wanted), "readings")

    assert differences(wanted, found) == []
    assert len(wanted) > 100
    assert sum(kills.values()) >= 8


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_four_minutes_of_kills_lose_nothing(tmp_path):
    kills, rate, wanted, found = chaos(tmp_path, count=80, seconds=240)
    print(len(wanted), "readings")

    assert differences(wanted, found) == []
    assert sum(kills.values()) >= 150
    assert rate >= 200, "with so few readings it proves too little"


@pytest.mark.torture
def test_a_build_that_goes_on_before_the_answer_is_found(tmp_path):
    _, _, wanted, found = chaos(tmp_path, count=6, seconds=30, spoilt=HASTY)
    print(len(wanted), "readings,", len(found), "stored")

    assert any(it.startswith("missing") for it in differences(wanted, found))
