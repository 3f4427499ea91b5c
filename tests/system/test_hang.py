"""A part of the recorder hangs: the process ends, starts again, and nothing is lost.

Each recorder is a process of its own on a virtual device and the real store. One of its
threads is made to block for ever at a moment of the test's choosing; the test stands in
for systemd and starts what has ended again, two seconds later.
"""

import contextlib
import signal
import subprocess
import sys
import threading
import time

import msgspec
import pytest
from contract.sinks.stored import wanted_readings
from durability.daemon import Clinic
from journals import SITE, entries
from servers.influxdb import InfluxDB
from system.recorder import DEVICE, differences
from system.test_chaos import quick
from waiting import wait_until

from devicelog.drivers.load import load
from devicelog.drivers.simulated.clinic import clinic
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.script import Player
from devicelog.drivers.simulated.serve import PtyPort, serve
from devicelog.drivers.simulated.ultrasound import Ultrasound
from devicelog.model.flow import Identity

HEAD = """
[site]
name = "{site}"
simulated = true
[journal]
directory = "{directory}"
ballast_mb = 0
[influx]
url = "{url}"
token_file = "{token}"
"""
# `devicelog run`, in which one call of one method does not return once `flag` is there.
RUN = """
import ctypes, importlib, os, sys, threading
from devicelog import daemon
from devicelog.operations import watchdog
module, name, method, keeps, flag, shorter = sys.argv[1:7]
owner = getattr(importlib.import_module(module), name)
honest = getattr(owner, method)
def stuck(self, *told, **more):
    try:
        os.rename(flag, flag + ".stuck")
    except FileNotFoundError:
        return honest(self, *told, **more)
    if keeps == "lock":
        ctypes.PyDLL(None).pause()
    threading.Event().wait()
setattr(owner, method, stuck)
if shorter == "shorter":
    watchdog.HANG_S, daemon._ASLEEP_S = 8.0, 10.0
from devicelog.__main__ import main
sys.argv = ["devicelog", *sys.argv[7:]]
main()
"""
RESTART_S = 2.0  # as in config/systemd
PROMISED_S = 30.0


class Part(msgspec.Struct, frozen=True):
    """What hangs: where it is caught, and what the log must tell of it."""

    where: tuple[str, str, str]
    told: str
    keeps: str = "nothing"
    in_order: bool = True


LOOP = ("devicelog.recorder.device", "Device", "received")
PARTS = {
    "loop": Part(LOOP, "the loop hangs since"),
    "relay": Part(
        ("devicelog.sinks.influx", "InfluxSink", "send"),
        "the relay to influx hangs since",
    ),
    "receipts": Part(
        ("devicelog.records.receipts", "Receipts", "verify"),
        "the receipts hangs since",
    ),
    "writer": Part(
        ("devicelog.journal.store", "Store", "commit"),
        "entries could not be written",
        in_order=False,
    ),
    "watcher": Part(
        ("devicelog.daemon", "Daemon", "check"), "Timeout (", in_order=False
    ),
    # As a library that never gives the interpreter's lock back.
    "interpreter": Part(LOOP, "Timeout (", keeps="lock", in_order=False),
}


class Watched:
    """One recorder, started again after each end, and when that was."""

    def __init__(self, folder, name, influxdb, block, *, shorter):
        folder.mkdir()
        self.part, self.name = PARTS[name], name
        self.flag, self.log = folder / "flag", folder / "log"
        self.clinic = Clinic(folder / "devicelog.toml", folder / "data")
        head = HEAD.format(
            site=SITE,
            directory=self.clinic.directory,
            url=influxdb.settings().url,
            token=influxdb.token,
        )
        self.clinic.config.write_text(head + block)
        hanging = [*self.part.where, self.part.keeps, str(self.flag)]
        self.command = [
            *(sys.executable, "-c", RUN, *hanging, "shorter" if shorter else "honest"),
            *("run", "--config", str(self.clinic.config)),
        ]
        self.ended_s = self.started_s = self.code = None
        self.start()

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stderr=log)

    def readings(self):
        with contextlib.suppress(Exception):  # there is no journal yet
            return sum(
                it.kind == "reading" for it in entries(str(self.clinic.directory))
            )
        return 0

    def look(self):
        """Start it again once it has ended; whether that is done."""
        if self.ended_s is None and self.process.poll() is not None:
            self.ended_s, self.code = time.time(), self.process.returncode
        if self.started_s or not self.ended_s:
            return bool(self.started_s)
        if time.time() - self.ended_s >= RESTART_S:
            self.start()
            self.started_s = time.time()
        return bool(self.started_s)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.log.read_text()[-2000:]

    @property
    def hung_s(self):
        return self.flag.with_name("flag.stuck").stat().st_ctime

    def stops(self):
        """Ends in order that are in the journal."""
        found = entries(str(self.clinic.directory))
        return sum(it.kind == "config" and b'"stop"' in bytes(it.body) for it in found)


@contextlib.contextmanager
def served(folder, profile, count):
    """So many virtual devices, busy with short treatments."""
    ports = [
        PtyPort(
            VirtualDevice(
                load(str(profile)),
                Player(Ultrasound(), clinic(n, room=n, scale=0.015)),
                Identity("SIM-US", f"SIM{n:05d}", "1.0"),
            ),
            # A name that goes with the device: the number of its pty is given away.
            link=folder / f"port-{n}",
        )
        for n in range(1, count + 1)
    ]
    ending = threading.Event()
    thread = threading.Thread(target=serve, args=(ports, ending.is_set))
    thread.start()
    try:
        yield ports, ending
    finally:
        ending.set()
        thread.join()


@contextlib.contextmanager
def recorders(folder, influxdb, parts, *, shorter):
    profile = quick(folder)
    with served(folder, profile, len(parts)) as (ports, ending):
        watched = [
            Watched(
                *(folder / name, name, influxdb),
                DEVICE.format(name=f"us-{n}", profile=profile, port=port.link),
                shorter=shorter,
            )
            for n, (name, port) in enumerate(zip(parts, ports, strict=True), 1)
        ]
        try:
            yield watched, ending
        finally:
            for it in watched:
                if it.process.poll() is None:
                    it.process.kill()
                    it.process.wait()


def sinks(it):
    """How the sinks of one that runs stand; nothing where none runs."""
    told = it.clinic.ask("status", "--json")
    status = msgspec.json.decode(told.stdout) if told.returncode == 0 else {}
    return status.get("sinks", []) if status.get("running") else []


def settled(it):
    there = sinks(it)
    return there and all(sink.get("pending", 0) == 0 for sink in there)


def judge(it, found):
    log = it.log.read_text()
    late_s = it.started_s - it.hung_s
    print(f"{it.name}: ended {it.ended_s - it.hung_s:.1f} s after, again {late_s:.1f}")

    assert late_s <= PROMISED_S
    assert it.code == 1, log[-2000:]
    assert it.part.told in log
    assert "in stuck" in log  # where it hung
    assert it.stops() == (3 if it.part.in_order else 2)
    wanted = wanted_readings(it.clinic.directory)
    device = next(iter(wanted))[1]
    there = {key: row for key, row in found.items() if key[1] == device}
    assert differences(wanted, there) == []


def all_of(watched, true):
    for it in watched:
        wait_until(lambda it=it: true(it), it.log.read_text, 60)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parts", "shorter"),
    [
        (["loop", "writer"], True),
        pytest.param([*PARTS], False, marks=pytest.mark.torture),
    ],
)
def test_a_part_that_hangs_costs_a_restart_and_nothing_else(tmp_path, parts, shorter):
    influxdb = InfluxDB(tmp_path / "influxdb")
    try:
        influxdb.start().set_up()
        with recorders(tmp_path, influxdb, parts, shorter=shorter) as (watched, ending):
            all_of(watched, lambda it: it.readings() > 10)
            for it in watched:
                it.flag.touch()
            wait_until(
                lambda: all([it.look() for it in watched]),  # noqa: C419  (each of them)
                lambda: [(it.name, it.started_s) for it in watched],
                120,
            )
            all_of(watched, sinks)
            ending.set()
            for it in watched:
                it.end()
                it.start()  # what was written at its end is sent by the next
            all_of(watched, settled)
            for it in watched:
                it.end()
        found = influxdb.rows("therapy_reading")
    finally:
        influxdb.stop()

    for it in watched:
        judge(it, found)
