"""A configuration in a folder, virtual devices, and the program as a process."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
from click.testing import CliRunner

from devicelog import drivers
from devicelog.cli.commands import main
from devicelog.drivers.load import load
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.script import SCRIPTS
from devicelog.drivers.simulated.serve import Port, serve
from devicelog.errors import DevicelogError
from devicelog.model.flow import Identity
from devicelog.operations.ask import ask
from devicelog.operations.status import Status

BOUND_S = 20.0
PROGRAM = [sys.executable, "-m", "devicelog"]


# The shipped profile on a quicker beat: polled each 0.2 s, lost after 0.8 s.
FAST = (Path(drivers.load.__file__).parent / "profiles" / "us-modbus.toml").read_text()
for slow, fast in {
    "interval_s = 1.0": "interval_s = 0.2",
    "reply_s = 0.5": "reply_s = 0.15",
    "quiet_s = 2.5": "quiet_s = 0.8",
}.items():
    assert slow in FAST
    FAST = FAST.replace(slow, fast)


def wait_until(true, told=lambda: "not in time", seconds=BOUND_S):
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not (found := true()):
        assert time.monotonic() < end, told()
        pause.wait(0.05)
    return found


class Site:
    """A configuration in a folder of its own, and what one may do with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.config = folder / "devicelog.toml"
        self.profile = folder / "fast.toml"
        self.profile.write_text(FAST)
        self.blocks = ""

    def device(self, name, port, **more: Any):
        keys = {"name": name, "port": str(port), "profile": str(self.profile)} | more
        lines = "\n".join(f"{key} = {json.dumps(it)}" for key, it in keys.items())
        self.blocks += f"[[devices]]\n{lines}\n"
        return self

    def write(self):
        self.config.write_text(
            '[site]\nname = "sim-test"\nsimulated = true\n'
            f'[journal]\ndirectory = "{self.data}"\n{self.blocks}'
        )
        return self

    @property
    def environ(self):
        return os.environ | {"DEVICELOG_CONFIG": str(self.config), "COLUMNS": "100"}

    def process(self, *args: str, code=0):
        """The program to its end, with the exit code that is expected."""
        ended = subprocess.run(
            [*PROGRAM, *args],
            capture_output=True,
            text=True,
            env=self.environ,
            timeout=BOUND_S,
            check=False,
        )
        assert ended.returncode == code, (ended.stdout, ended.stderr)
        return ended

    def run(self, *args: str, code=0, stdin=""):
        """The same within this process: quicker, for what starts nothing."""
        ended = CliRunner(env=self.environ).invoke(
            main, args, prog_name="devicelog", catch_exceptions=False, input=stdin
        )
        assert ended.exit_code == code, (ended.stdout, ended.stderr)
        return ended

    def json(self, *args: str, **options: Any):
        return json.loads(self.run(*args, "--json", **options).stdout)

    @contextlib.contextmanager
    def running(self, *args: str, ending=signal.SIGTERM):
        """The program as long as the block lasts; it must then end in order."""
        process = subprocess.Popen(
            [*PROGRAM, *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environ,
        )
        try:
            yield process
            process.send_signal(ending)
            process.told = process.communicate(timeout=BOUND_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        assert process.returncode == 0, process.told

    @contextlib.contextmanager
    def recording(self):
        """A recorder that has read each of its devices."""
        with self.running("run") as process:
            wait_until(self.online, lambda: (str(self.last), process.poll()))
            yield process

    def online(self):
        """Whether the recorder has read each of its devices."""
        try:
            (raw,) = ask(str(self.data), "status")
        except DevicelogError as error:
            self.last = str(error)
            return False
        self.last = bytes(raw).decode()
        status = msgspec.json.decode(raw, type=Status)
        return all(it.line == "online" for it in status.devices if it.port)


@contextlib.contextmanager
def served(*ports: Port, **options: Any):
    """These ports, served by a thread."""
    ending = threading.Event()
    thread = threading.Thread(target=serve, args=(ports, ending.is_set), kwargs=options)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join(BOUND_S)
        assert not thread.is_alive()


class Later:
    """A device that has been on for so long; held, its time stands until `go`."""

    def __init__(self, device, on_s, *, held=False) -> None:
        self.device, self.on_s, self.held = device, on_s, held
        self._lag_s = -on_s

    def go(self):
        self.held = False

    def receive(self, data, now_s):
        if self.held:
            self._lag_s = now_s - self.on_s
        return self.device.receive(data, now_s - self._lag_s)


def virtual(serial="0001", script="R2", since_start_s=-0.5, *, held=False):
    """A device that plays this script, so many seconds after its start."""
    who = Identity("SIM-US", serial, "1.0")
    device = VirtualDevice(load("us-modbus"), SCRIPTS[script].player(begin_s=10.0), who)
    return Later(device, 10.0 + since_start_s, held=held)
