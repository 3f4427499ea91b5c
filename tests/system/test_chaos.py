"""Daemon, broker and store are killed at random; every reading is stored once, whole.

The daemon runs as a process on virtual devices behind real ptys; Mosquitto and InfluxDB
are the machine's own. What the store should hold is worked out from the journal by
other code (contract/sinks/stored), and asked by raw HTTP.
"""

import json
import random
import subprocess
import sys
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
from waiting import wait_until

from devicelog.drivers import base
from devicelog.drivers.load import load
from devicelog.drivers.simulated.clinic import clinic
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.script import Player
from devicelog.drivers.simulated.serve import PtyPort, serve
from devicelog.drivers.simulated.ultrasound import Ultrasound
from devicelog.model.flow import Identity

HEAD = """
[site]
name = "sim-test"
simulated = true
[journal]
directory = "{directory}"
ballast_mb = 1
[mqtt]
port = {mqtt}
user = "devicelog"
password_file = "{password}"
[influx]
url = "{url}"
token_file = "{token}"
"""
DEVICE = """
[[devices]]
name = "us-{n}"
profile = "{profile}"
port = "{port}"
"""


# A sink that answers before the store has, and a store that is never read back.
HASTY = """
import sys
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
from devicelog.__main__ import main
sys.argv[0] = "devicelog"
main()
"""


class Recorder:
    """`devicelog run`, as often as it takes; `hasty`: built to lose entries."""

    def __init__(self, clinic, *, hasty=False):
        self.clinic = clinic
        command = clinic.command("run")
        program = command.index("run")
        hastily = [sys.executable, "-c", HASTY, *command[program:]]
        self.command = hastily if hasty else command
        self.process = None

    def start(self):
        with self.clinic.config.with_name("log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def status(self):
        told = self.clinic.ask("status", "--json")
        return json.loads(told.stdout) if told.returncode == 0 else {}

    def drained(self):
        # Entries never cease; what lies behind the live ones must be gone.
        status = self.status()
        sinks = status.get("sinks", []) if status.get("running") else []
        return len(sinks) == 2 and all(
            it["connected"] and it.get("pending", 0) < 500 for it in sinks
        )

    def end(self):
        self.process.terminate()
        assert self.process.wait(30) == 0


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
    blocks = [
        DEVICE.format(n=n, profile=profile, port=port.link)
        for n, port in enumerate(ports, 1)
    ]
    return ports, "".join(blocks)


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


def chaos(folder, count, seconds, *, hasty=False):
    seed = random.randrange(2**32)
    print("seed", seed)
    ports, blocks = devices(folder, count)
    ending = threading.Event()
    served = threading.Thread(target=serve, args=(ports, ending.is_set))
    served.start()
    influxdb = InfluxDB(folder / "influxdb")
    try:
        influxdb.start().set_up()
        with Mosquitto(folder / "broker") as broker:
            head = HEAD.format(
                directory=folder / "data",
                mqtt=broker.port,
                password=broker.password_file(),
                url=influxdb.settings().url,
                token=influxdb.token,
            )
            config = folder / "devicelog.toml"
            config.write_text(head + blocks)
            recorder = Recorder(Clinic(config, folder / "data"), hasty=hasty)
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
            wait_until(lambda: settled(recorder), recorder.status, 90)
            recorder.end()
        found = influxdb.rows("therapy_reading")
    finally:
        ending.set()
        served.join()
        influxdb.stop()
    return kills, rate, wanted_readings(folder / "data"), found


def journalled(folder):
    return sum(it.kind == "reading" for it in entries(folder / "data"))


def settled(recorder):
    sinks = recorder.status().get("sinks", [])
    return len(sinks) == 2 and all(it.get("pending", 0) == 0 for it in sinks)


def differences(wanted, found):
    """What is not in the store as it is in the journal, and what is there beside."""
    wrong = [f"missing {key}" for key in wanted.keys() - found.keys()]
    wrong += [f"stray {key}" for key in found.keys() - wanted.keys()]
    for key in wanted.keys() & found.keys():
        there = {name: it for name, it in found[key].items() if name != "flags"}
        if there != wanted[key]:
            other = dict(wanted[key].items() ^ there.items())
            wrong.append(f"{key} differs in {other}")
    return wrong


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
    _, _, wanted, found = chaos(tmp_path, count=6, seconds=30, hasty=True)
    print(len(wanted), "readings,", len(found), "stored")

    assert any(it.startswith("missing") for it in differences(wanted, found))
