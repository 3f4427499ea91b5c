"""`demo`: a simulated clinic, recorded for real, on the screen."""

import re
import sys
import tempfile
import threading
import time

import click
from rich.console import Console
from rich.live import Live

from devicelog.cli import output
from devicelog.cli.board import render
from devicelog.cli.sessions import print_sessions
from devicelog.daemon import Daemon
from devicelog.drivers.load import load
from devicelog.drivers.simulated.clinic import clinic
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.script import Player
from devicelog.drivers.simulated.serve import PtyPort, serve
from devicelog.drivers.simulated.ultrasound import Ultrasound
from devicelog.journal.reader import Reader
from devicelog.model.flow import Identity
from devicelog.operations.config import Loaded, parse
from devicelog.operations.status import gather

_SITE = '[site]\nname = "sim-clinic"\nsimulated = true\n[journal]\ndirectory = "{}"\n'
_DEVICE = (
    '[[devices]]\nname = "us-{n}"\nlabel = "Ultrasound, room {n}"\n'
    'profile = "us-modbus"\nport = "{port}"\n'
)
_LOOK_S = 0.5
_SHORTER = 0.15  # treatments of about a minute: something is to be seen


@click.command()
@click.option("--for", "duration", default="", help="End after this time, as in 30s.")
@click.option("--devices", default=3, show_default=True, help="So many devices.")
@click.option("--seed", default=1, show_default=True, help="The same seed, same day.")
@output.told
def demo(duration: str, devices: int, seed: int) -> None:
    """A simulated clinic, running, on the screen; Ctrl-C ends it."""
    seconds = _seconds(duration)
    ports = [PtyPort(_virtual(n, seed)) for n in range(1, devices + 1)]
    ending = threading.Event()
    served = threading.Thread(
        target=serve, args=(ports, ending.is_set), name="simulated"
    )
    with tempfile.TemporaryDirectory(prefix="devicelog-demo-") as directory:
        daemon = Daemon(_loaded(directory, [port.path for port in ports]))
        served.start()
        try:
            daemon.start()
            _watch(daemon, seconds)
            daemon.stop()
        finally:
            ending.set()
            served.join()
        with Reader(directory) as reader:
            rows, entries = reader.sessions(), reader.last_seq()
    click.echo(f"\nSIMULATED: {entries} entries, {len(rows)} sessions recorded")
    print_sessions(rows)


def _virtual(n: int, seed: int) -> VirtualDevice:
    machine = Player(Ultrasound(), clinic(seed + n, scale=_SHORTER))
    who = Identity("SIM-US", f"SIM{n:05d}", "1.0")
    return VirtualDevice(load("us-modbus"), machine, who)


def _watch(daemon: Daemon, seconds: float | None) -> None:
    until = None if seconds is None else time.monotonic() + seconds
    pause = threading.Event()
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        with Live(console=console, screen=False, auto_refresh=False) as live:
            while until is None or time.monotonic() < until:
                daemon.check()
                live.update(render(gather(daemon.recording)), refresh=True)
                pause.wait(_LOOK_S)
    except KeyboardInterrupt:
        pass


def _loaded(directory: str, ports: list[str]) -> Loaded:
    blocks = [_DEVICE.format(n=n, port=port) for n, port in enumerate(ports, 1)]
    return parse(_SITE.format(directory) + "".join(blocks), "demo", {})


def _seconds(duration: str) -> float | None:
    if not duration:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|min)?", duration)
    if match is None:
        raise click.BadParameter(f"{duration!r} is no time; as in 30s or 2min")
    return float(match[1]) * (60 if match[2] == "min" else 1)
