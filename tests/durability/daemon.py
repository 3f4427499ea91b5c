"""A recorder as an operator starts it: `devicelog run`, with a virtual device."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec

from devicelog.drivers.load import load
from devicelog.drivers.simulated.clinic import clinic
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.script import Player
from devicelog.drivers.simulated.serve import PtyPort, serve
from devicelog.drivers.simulated.ultrasound import Ultrasound
from devicelog.model.flow import Identity

DEVICELOG = [sys.executable, "-m", "devicelog"]
_CONFIG = """
[site]
name = "sim-proof"
simulated = true
[journal]
directory = "{directory}"
[[devices]]
name = "us-1"
profile = "us-modbus"
port = "{port}"
"""
_READY_S = 30.0
_END_S = 20.0


class Clinic(msgspec.Struct, frozen=True):
    """A configuration file and the data directory that it names."""

    config: Path
    directory: Path

    def command(self, *words: str) -> list[str]:
        """A command line of devicelog on this configuration."""
        return [*DEVICELOG, *words, "--config", str(self.config)]

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(*words), capture_output=True, text=True, check=False
        )


@contextlib.contextmanager
def clinic_in(folder: Path) -> Iterator[Clinic]:
    """One virtual device, served as long as the block runs."""
    machine = Player(Ultrasound(), clinic(1, scale=0.1))
    who = Identity("SIM-US", "SIM00001", "1.0")
    # A name that goes with the device: the number of its pty is given to the next one.
    port = PtyPort(VirtualDevice(load("us-modbus"), machine, who), link=folder / "us-1")
    ending = threading.Event()
    served = threading.Thread(target=serve, args=([port], ending.is_set))
    served.start()
    config, directory = folder / "devicelog.toml", folder / "data"
    config.write_text(_CONFIG.format(directory=directory, port=port.link))
    try:
        yield Clinic(config, directory)
    finally:
        ending.set()
        served.join()


@contextlib.contextmanager
def recording(clinic: Clinic) -> Iterator[subprocess.Popen[bytes]]:
    """`devicelog run`, from READY=1 to its end in order."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        address = clinic.config.with_name("notify")
        address.unlink(missing_ok=True)
        notified.bind(str(address))
        notified.settimeout(_READY_S)
        environment = os.environ | {"NOTIFY_SOCKET": str(address)}
        with subprocess.Popen(clinic.command("run"), env=environment) as process:
            try:
                while b"READY=1" not in notified.recv(4096):
                    pass
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                late = threading.Timer(_END_S, process.kill)
                late.start()
                process.wait()
                late.cancel()
