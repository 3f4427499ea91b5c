"""Ports that are not there, held, or greeted, by real processes on real ttys."""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requires
from unit.records.clinic import Clinic
from waiting import wait_until

from devicelog.operations.status import Status

DEVICE = '[[devices]]\nname = "us-1"\nprofile = "us-modbus"\nport = "{port}"\n'
RULES = Path(__file__).parents[4] / "config" / "udev" / "61-devicelog.rules"


@pytest.fixture
def tty():
    ours, theirs = os.openpty()
    path = os.ttyname(theirs)
    os.close(theirs)
    yield path
    os.close(ours)


@contextlib.contextmanager
def running(*said, **how):
    process = subprocess.Popen(said, **how)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_no_device_at_all(place, tty):
    severity, case, remedy = place.one("ports")
    assert (severity, case) == ("warning", "none")
    assert "devicelog devices scan" in remedy
    place.write(DEVICE.format(port=tty))
    assert place.right("ports")


def test_a_port_that_is_not_there(place, tty):
    socket = place.folder / "by-path"
    place.write(DEVICE.format(port=socket))
    severity, case, remedy = place.one("ports")
    assert (severity, case) == ("wrong", "missing")
    assert "plug in its adapter" in remedy
    socket.symlink_to(tty)
    assert place.right("ports")


def test_a_device_at_repair_is_known_to_be_away(place, tty):
    """The adapter goes with it; the register says so, and says when it is back."""
    socket = place.folder / "by-path"
    place.write(DEVICE.format(port=socket))
    clinic = Clinic(place.data)
    with clinic.writer:
        clinic.begin("us-1")
        severity, _, remedy = place.one("ports")
        assert severity == "wrong"
        assert "devices register us-1 out_of_service" in remedy
        clinic.ask("register", thing="device", name="us-1", event="out_of_service")
        assert place.one("ports")[:2] == ("ok", "away")

        # Back, but not plugged in: that is nothing that anybody knows of.
        clinic.clock.advance(60)
        clinic.ask("register", thing="device", name="us-1", event="in_service")
        assert place.one("ports")[:2] == ("wrong", "missing")
    socket.symlink_to(tty)
    assert place.right("ports")


def test_a_port_that_another_program_holds(place, tty):
    place.write(DEVICE.format(port=tty))
    with Path(tty).open("rb", 0) as line, running("sleep", "60", stdin=line) as other:
        (found,) = place.look("ports")
        assert (found.severity, found.case) == ("wrong", "held")
        assert found.told["holders"] == f"sleep (pid {other.pid})"
        assert "end that program" in found.remedy
        # The recorder itself is no other program.
        place.status = Status(
            running=True, site="", simulated=True, directory="", pid=other.pid
        )
        assert place.right("ports")
        place.status = None
    assert place.right("ports")


def test_a_simulated_device_is_no_rival_at_its_own_port(place):
    """It holds both ends of its line; who else opens the port is told, alone."""
    link = place.folder / "us-1"
    simulate = [sys.executable, "-m", "devicelog", "simulate", "us-modbus"]
    place.write(DEVICE.format(port=link))
    with running(*simulate, "--link", str(link), stdout=subprocess.PIPE) as device:
        with device.stdout:
            assert device.stdout.readline() == b"[[devices]]\n"
        assert place.right("ports")
        with link.open("rb", 0) as line, running("sleep", "60", stdin=line) as other:
            (found,) = place.look("ports")
            assert (found.severity, found.case) == ("wrong", "held")
            assert found.told["holders"] == f"sleep (pid {other.pid})"
        assert place.right("ports")


def test_a_name_that_may_become_another_device(place, tty):
    """A name as the kernel gives them: made for this test, where that may be."""
    requires.root()
    name = Path(f"/dev/ttydevicelog{os.getpid()}")
    name.symlink_to(tty)
    try:
        place.write(DEVICE.format(port=name))
        severity, case, remedy = place.one("ports")
        assert (severity, case) == ("warning", "wanders")
        assert "/dev/serial/by-path" in remedy
    finally:
        name.unlink()
    place.write(DEVICE.format(port=tty))
    assert place.right("ports")


def test_a_port_of_another_machine_is_not_looked_for_here(place):
    place.write(DEVICE.format(port="socket://10.0.0.7:4001"))
    assert place.one("ports")[1] == "elsewhere"


def test_modem_manager_without_our_rules(place):
    """A real process of that name; the rules are the shipped ones."""
    (place.root / "proc").symlink_to("/proc")
    assert place.one("modem_manager")[1] == "not_there"
    program = shutil.copy(shutil.which("sleep"), place.folder / "ModemManager")
    # Its own package's rules, for single makers, are no help.
    place.file(
        "usr/lib/udev/rules.d/77-mm-blacklist.rules",
        'ATTRS{idVendor}=="0403", ENV{ID_MM_DEVICE_IGNORE}="1"\n',
    )
    with running(program, "60"):
        wait_until(lambda: place.one("modem_manager")[0] != "ok")
        severity, case, remedy = place.one("modem_manager")
        assert (severity, case) == ("wrong", "greets")
        assert "config/udev/61-devicelog.rules" in remedy
        place.file("etc/udev/rules.d/61-devicelog.rules", RULES.read_text())
        assert place.one("modem_manager")[:2] == ("ok", "kept_off")
