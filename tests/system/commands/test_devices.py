"""`devices list`, `scan`, `test` on real ptys, without a recorder and with one."""

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import tty
from pathlib import Path
from typing import Self

import pytest
from system.commands.site import BOUND_S, Site, served, virtual, wait_until

from devicelog.drivers.simulated.serve import PtyPort
from devicelog.wire import modbus

WHO = modbus.request(10, 3, 0, 20).hex(" ")
STATUS = modbus.request(10, 4, 0, 20).hex(" ")


class Wire:
    """A pty of which the test holds the far end, and what was written to it."""

    def __init__(self, say=b"") -> None:
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)
        self.say = say
        self.heard = b""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._ended.wait(0.02):
            try:
                if select.select([self.master], [], [], 0)[0]:
                    self.heard += os.read(self.master, 4096)
                if self.say:
                    os.write(self.master, self.say)
            except OSError:
                continue  # nobody has the port open now

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(BOUND_S)
        os.close(self.master)


# --- scan -------------------------------------------------------------------------


def test_a_scan_hears_who_speaks_and_sends_not_one_byte(site):
    with Wire() as silent, Wire(say=b"\x01\x02hello") as speaking:
        ports = [f"--port={silent.path}", f"--port={speaking.path}"]
        found = site.json("devices", "scan", *ports, "--seconds", "1")

    by_path = {it["path"]: it for it in found}
    assert silent.heard == speaking.heard == b""
    assert by_path[silent.path]["heard"] == "silent: it may speak only when asked"
    assert by_path[speaking.path]["received"] >= 7
    assert "first: 01 02 68 65 6c 6c 6f" in by_path[speaking.path]["heard"]


def test_a_scan_names_who_holds_a_port_and_leaves_it_alone(site):
    with Wire(say=b"x") as wire:
        holder = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"import time; f = open({wire.path!r}); time.sleep(99)",
            ]
        )
        try:
            wait_until(lambda: _holds(holder.pid, wire.path))
            told = site.run("devices", "scan", "--port", wire.path, "--seconds", "0.3")
        finally:
            holder.kill()
            holder.wait()

    _, block = told.stdout.split(wire.path)
    assert f"(pid {holder.pid})" in block
    assert "heard" not in block
    assert "listening for 0.3 s" in told.stderr
    assert wire.heard == b""


def _holds(pid, path):
    return any(str(fd.resolve()) == path for fd in Path(f"/proc/{pid}/fd").iterdir())


def test_a_scan_says_why_a_port_cannot_be_heard(site, tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    ports = [f"--port={it}" for it in (tmp_path, plain, tmp_path / "none")]
    told = site.run("devices", "scan", *ports, "--seconds", "0.1").stdout

    assert f"{tmp_path} is a directory" in told
    assert f"{plain} is not a serial port" in told
    assert f"{tmp_path / 'none'} is not there" in told


def test_a_scan_leaves_a_running_recorder_alone(clinic):
    before = _counts(clinic)
    ports = [f"--port={port.link}" for port in clinic.ports]
    found = clinic.json("devices", "scan", *ports, "--seconds", "1")
    after = _counts(clinic)
    held = [it for it in found if Path(it["path"]).is_relative_to(clinic.folder)]

    assert len(held) == 2
    assert all(f"(pid {clinic.process.pid})" in str(it["held_by"]) for it in held)
    assert not any("heard" in it for it in held)
    for name, count in after.items():
        assert count["readings"] > before[name]["readings"]
        assert count.get("unanswered", 0) == before[name].get("unanswered", 0)
        assert count.get("gaps", 0) == 0


def _counts(clinic):
    devices = clinic.json("status")["devices"]
    return {it["name"]: it["counts"] for it in devices if it["port"]}


# --- list -------------------------------------------------------------------------


def test_the_list_of_a_running_recorder(clinic):
    found = clinic.json("devices", "list")
    first, second = found["devices"]

    assert found["recording"] is True
    assert found["pid"] == clinic.process.pid
    assert (first["line"], first["verified"]) == ("online", True)
    assert first["identity"] == {"model": "SIM-US", "serial": "0001", "firmware": "1.0"}
    assert first["leads_to"] == clinic.ports[0].path
    assert second["identity"]["serial"] == "0002"
    assert "neither a path nor a known address" in found["parked"]["bad"][0]

    told = clinic.run("devices", "list").stdout
    assert "us-1  Ultrasound, room 1\n    line     online\n" in told
    assert "    device   SIM-US, serial 0001, firmware 1.0 (verified)\n" in told
    assert f"{clinic.ports[0].link} -> {clinic.ports[0].path}" in told
    assert "this recorder" in told
    assert "bad: parked, it is not recorded" in told


def test_the_list_without_a_recorder_says_what_was_last_answered(site):
    port = PtyPort(virtual("0007"), link=site.folder / "us-1")
    site.device("us-1", port.link).device("us-2", "/dev/nowhere").write()
    with served(port):
        blank = site.run("devices", "list")
        site.blocks = site.blocks.split('[[devices]]\nname = "us-2"')[0]
        with site.write().recording():
            pass
        later = site.run("devices", "list")

    assert "no recorder runs" in blank.stderr
    assert "has not yet answered" in blank.stdout
    assert "line     not recording" in later.stdout
    assert "SIM-US, serial 0007, firmware 1.0 (as it last answered)" in later.stdout


def test_an_empty_list_says_how_to_find_ports(site):
    assert "devicelog devices scan" in site.write().run("devices", "list").stdout


# --- test -------------------------------------------------------------------------


def trial(site, name="us-1", seconds="2", code=0, run=Site.run):
    asked = ["devices", "test", name, "--seconds", seconds, "--json"]
    lines = run(site, *asked, code=code).stdout.splitlines()
    *seen, verdict = [json.loads(line) for line in lines]
    assert verdict["what"] == "verdict"
    return seen, verdict


def test_alone_it_shows_what_will_be_sent_before_a_byte_is_sent(site):
    with Wire() as wire:
        site.device("us-1", wire.path).write()
        with subprocess.Popen(
            [sys.executable, "-m", "devicelog", "devices", "test", "us-1"],
            stdout=subprocess.PIPE,
            text=True,
            env=site.environ | {"PYTHONUNBUFFERED": "1"},
        ) as process:
            first = [process.stdout.readline() for _ in range(4)]
            already = wire.heard
            wait_until(lambda: len(wire.heard) >= 8)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=BOUND_S)

    assert "will send" in first[0]
    assert first[1].strip() == WHO
    assert first[3].strip() == STATUS
    assert already in (b"", bytes.fromhex(WHO))  # shown first, sent at once
    assert wire.heard[:8] == bytes.fromhex(WHO)


@pytest.mark.alone
def test_alone_it_shows_a_device_that_works_and_records_nothing(site):
    port = PtyPort(virtual())
    site.device("us-1", port.path).write()
    with served(port):
        seen, verdict = trial(site, seconds="1.5")

    assert [it["raw"] for it in seen[:2]] == [WHO, STATUS]
    assert {it["raw"] for it in seen if it["what"] == "sent"} == {WHO, STATUS}
    texts = [it["text"] for it in seen if it["what"] == "frame"]
    assert texts[0] == "it is SIM-US serial 0001 firmware 1.0"
    assert "channel us is ready" in texts
    assert verdict["works"] is True
    assert verdict["text"].startswith("it works\n")
    counts = verdict["counts"]
    assert counts["bytes"] == counts["frame_bytes"] == 45 * counts["frames"]
    assert not site.data.exists()


@pytest.mark.parametrize(
    ("say", "line", "words"),
    [
        (b"", "silent", "no byte arrives: is the device on, is this its cable?"),
        (b"\xff\x00\x55", "noise", "bytes arrive, none decode as us-modbus"),
    ],
)
def test_alone_it_says_what_is_wrong_with_a_line(site, say, line, words):
    with Wire(say=say) as wire:
        site.device("us-1", wire.path).write()
        _, verdict = trial(site, seconds="1.5", code=1)

    assert verdict["line"] == line
    assert words in verdict["text"]
    assert "requests sent" in verdict["text"]


@pytest.mark.parametrize("name", ["busy", "missing", "directory"])
def test_alone_it_says_why_a_port_cannot_be_opened(site, tmp_path, name):
    port = PtyPort(virtual())
    where = {"busy": port.path, "missing": "/dev/nope", "directory": str(tmp_path)}
    site.device("us-1", where[name]).write()
    with served(port), Path(port.path).open("rb", buffering=0) as held:
        if name == "busy":
            fcntl.flock(held, fcntl.LOCK_EX)
        seen, verdict = trial(site, seconds="0.5", code=1, run=Site.process)

    words = {
        "busy": f"(pid {os.getpid()})",
        "missing": "is it plugged in?",
        "directory": "is a directory",
    }
    assert words[name] in verdict["text"]
    assert not [it for it in seen if it["what"] == "sent"]


def test_alone_it_notices_that_cables_are_swapped(site):
    port = PtyPort(virtual("0002"))
    site.device("us-1", port.path, serial="0001").device(
        "us-2", "/dev/nowhere", serial="0002"
    )
    with served(port):
        _, verdict = trial(site.write(), seconds="1.5", code=1)

    assert verdict["line"] == "foreign"
    assert "that of us-2: are cables swapped?" in verdict["text"]


def test_alone_it_only_listens_on_a_tapped_port(site):
    with Wire(say=b"") as wire:
        site.device("us-1", wire.path, access="tap").write()
        seen, verdict = trial(site, seconds="1", code=1)

    assert seen[0]["text"] == "nothing: this port is only listened to"
    assert wire.heard == b""
    assert "nothing was sent" in verdict["text"]


def test_the_running_recorder_streams_what_it_sees(clinic):
    seen, verdict = trial(clinic, seconds="1.5")
    told = clinic.run("devices", "test", "us-2", "--seconds", "0.8").stdout

    assert [it["raw"] for it in seen[:2]] == [WHO, STATUS]
    assert {it["what"] for it in seen} >= {"sent", "received", "frame"}
    assert all(it["at_s"] < 1.6 for it in seen if "at_s" in it)
    assert verdict["works"] is True
    assert 1 <= verdict["counts"]["readings"] <= 9  # of these seconds alone
    assert "channel us is running" in told
    assert "intensity_w_cm2=1" in told
    assert told.rstrip().splitlines()[-2] == "it works"


def test_two_watchers_of_one_device_do_not_disturb_each_other(clinic):
    with clinic.running("devices", "test", "us-1", "--seconds", "1.5") as first:
        first.stdout.readline()
        told = clinic.run("devices", "test", "us-1", code=1).stderr
        trial(clinic, "us-2", seconds="0.8")
        first.wait(BOUND_S)
        first.send_signal = lambda _: None

    assert "us-1 is being tested already" in told
    assert "it works" in first.told[0]


def test_a_device_that_is_not_there_or_parked_is_told(clinic):
    assert (
        "there are: us-1, us-2, bad"
        in clinic.run("devices", "test", "us-3", code=3).stderr
    )
    assert "neither a path" in clinic.run("devices", "test", "bad", code=3).stderr
