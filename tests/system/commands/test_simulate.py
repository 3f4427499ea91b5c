"""`simulate` as a process: on a pty, on TCP, and with a recorder on it."""

import json
import signal
import socket
import subprocess
import sys
import time
import tomllib

import pytest
import serial
from system.commands.site import BOUND_S, wait_until

from devicelog.wire import modbus

WHO = modbus.request(10, 3, 0, 20)
STATUS = modbus.request(10, 4, 0, 20)
FAULT = 8


def block(process):
    """The configuration that it prints when it can be reached."""
    lines = [process.stdout.readline() for _ in range(7)]
    assert lines[0] == "[[devices]]\n"
    (device,) = tomllib.loads("".join(lines))["devices"]
    return device


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_on_a_pty_with_a_link_until_it_is_ended(site, ending):
    link = site.folder / "us"
    asked = ["simulate", "us-modbus", "--link", str(link), "--seed", "7"]
    with site.running(*asked, ending=ending) as process:
        device = block(process)
        with serial.Serial(str(link), 19200, timeout=BOUND_S) as line:
            line.write(WHO)
            answer = line.read(45)

    assert device == {
        "name": "sim-7",
        "label": "Simulated device 7",
        "profile": "us-modbus",
        "port": str(link),
        "access": "poll",
        "serial": "SIM00007",
    }
    assert answer[3:9] == b"SIM-US"
    assert answer[19:27] == b"SIM00007"
    _, told = process.told
    assert "SIMULATED: us-modbus, serial SIM00007" in told
    assert told.endswith("ended\n")
    assert not link.is_symlink()


def test_on_tcp_and_many_times_as_fast(site):
    asked = ["simulate", "us-modbus", "--tcp", "127.0.0.1:0", "--script", "failed"]
    with site.running(*asked, "--speed", "100") as process:
        host, _, number = (
            block(process)["port"].removeprefix("socket://").rpartition(":")
        )
        began = time.monotonic()
        with socket.create_connection((host, int(number)), BOUND_S) as line:
            # The fault stands from second 100 of the device to second 310.
            wait_until(lambda: _state(line) == FAULT)

    assert time.monotonic() - began < BOUND_S < 100


def _state(line):
    line.sendall(STATUS)
    answer = b""
    while len(answer) < 45:
        answer += line.recv(45 - len(answer))
    return answer[4]


def test_a_recorder_on_its_block(site):
    with site.running(
        "simulate", str(site.profile), "--script", "R1", "--seed", "3"
    ) as process:
        device = block(process)
        site.device(**device).write()
        with site.recording():
            (listed,) = site.json("devices", "list")["devices"]

    assert listed["identity"]["serial"] == "SIM00003"
    assert listed["verified"] is True
    assert device["profile"] == str(site.profile)


def test_it_ends_after_its_time_and_says_so_in_json(site):
    told = site.process("simulate", "us-modbus", "--for", "0.2s", "--json")

    (device,) = json.loads(told.stdout)["devices"]
    assert device["port"].startswith("/dev/pts/")


OWN = """
meaning = "four seconds, lowered, off the skin"
programme = { frequency_mhz = 1, duty_pct = 50, intensity_w_cm2 = 1.0, time_s = 4 }
[[steps]]
at_s = 1
action = "turn"
intensity_w_cm2 = 0.4
[[steps]]
at_s = 2
action = "resume"
"""


def test_a_script_of_ones_own(site):
    script = site.folder / "own.toml"
    script.write_text(OWN)
    link = site.folder / "us"
    asked = ["simulate", "us-modbus", "--script", str(script), "--link", str(link)]
    with site.running(*asked, "--speed", "40") as process:
        block(process)
        with serial.Serial(str(link), 19200, timeout=BOUND_S) as line:
            seen = set()
            wait_until(lambda: seen.add(_seen(line)) or (6, 40) in seen)

    assert {(3, 40), (6, 40)} <= seen
    assert 'second 12: "resume" did nothing in that state' in process.told[1]


def _seen(line):
    line.write(STATUS)
    answer = line.read(45)
    return answer[4], int.from_bytes(answer[17:19], "big")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["us-modbus", "--script", "R11"], 3, 'no script is named "R11"'),
        (["us-modbus", "--script", "clinc"], 3, 'did you mean "clinic"?'),
        (["us-modbus", "--script", "/no/such.toml"], 3, "cannot be read"),
        (["us-modbsu"], 3, 'no profile is named "us-modbsu"'),
        ([], 2, "name a PROFILE"),
        (["us-modbus", "--tcp", "localhost"], 2, "is not HOST:PORT"),
        (["us-modbus", "--tcp", "localhost:70000"], 2, "is not HOST:PORT"),
        (["us-modbus", "--tcp", "localhost:0", "--link", "x"], 2, "exclude each other"),
        (["us-modbus", "--tcp", "203.0.113.1:5000"], 1, "cannot be opened"),
        (["us-modbus", "--link", "/etc/passwd"], 1, "exists and is no link"),
        (["us-modbus", "--link", "/no/such/us"], 1, "cannot be opened"),
        (["us-modbus", "--for", "soon"], 2, "is no time; as in 30s"),
        (["us-modbus", "--speed", "0"], 2, "--speed"),
    ],
)
def test_what_cannot_be_is_refused(site, arguments, code, told):
    ended = site.run("simulate", *arguments, code=code)

    assert told in ended.stderr
    assert ended.stdout == ""


def test_a_busy_tcp_port_is_told(site):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        told = site.run("simulate", "us-modbus", "--tcp", address, code=1).stderr

    assert "in use" in told


INTERFERENTIAL = """
schema = 1
name = "if-modbus"
title = "An interferential device"
identity = "none"
line = { baud = 9600 }
wire = { style = "modbus_rtu" }
messages = [{ name = "all", function = 3, address = 0, count = 3 }]
cells = [
  { message = "all", at = 0, name = "state" },
  { message = "all", at = 1, name = "time_left_s" },
  { message = "all", at = 2, name = "amplitude_1_ma" },
]
[[channels]]
name = "if"
modality = "if"
message = "all"
state = "state"
states = { 0 = "idle", 1 = "running" }
"""


def test_a_script_for_which_a_profile_has_no_channel_is_refused(site):
    other = site.folder / "if.toml"
    other.write_text(INTERFERENTIAL)
    told = site.run("simulate", str(other), "--script", "R1", code=3).stderr

    assert "profile if-modbus cannot play this script" in told
    assert "no channel of modality us" in told


@pytest.mark.parametrize(
    ("profile", "script", "more", "told"),
    [
        ("combo", "diagnostic", (), "requests sent, 0 unanswered"),
        ("us-classic", "R1", ("--tapped",), "nothing was sent"),
    ],
)
def test_it_is_heard_with_what_it_prints(site, profile, script, more, told):
    # So fast that the treatment begins, and so slow that it does not end meanwhile.
    asked = ("simulate", profile, "--script", script, "--speed", "20", *more)
    with site.running(*asked) as process:
        device = block(process)
        site.device(**device).write()
        ended = site.run("devices", "test", device["name"], "--seconds", "3")

    assert "it works" in ended.stdout
    assert told in ended.stdout
    assert "is running" in ended.stdout


def test_the_scripts_are_listed(site):
    listed = json.loads(site.run("simulate", "--list", "--json").stdout)
    told = site.run("simulate", "--list").stdout

    assert {"clinic", "R1", "twice", "slow_timer"} <= set(listed)
    assert all(meaning in told for meaning in listed.values())


def test_the_block_reaches_a_pipe_before_it_ends(site):
    with subprocess.Popen(
        [sys.executable, "-m", "devicelog", "simulate", "us-modbus"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=site.environ,
    ) as process:
        assert process.stdout.readline() == "[[devices]]\n"
        process.terminate()
