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
from devicelog.drivers.simulated.serve import Ptys, Virtual
from devicelog.journal.reader import Reader
from devicelog.operations.config import Loaded, parse
from devicelog.operations.status import gather

_SITE = '[site]\nname = "sim-clinic"\nsimulated = true\n[journal]\ndirectory = "{}"\n'
_DEVICE = (
    '[[devices]]\nname = "us-{n}"\nlabel = "Ultrasound, room {n}"\n'
    'profile = "us-modbus"\nport = "{port}"\n'
)
_LOOK_S = 0.5


@click.command()
@click.option("--for", "duration", default="", help="End after this time, as in 30s.")
@click.option("--devices", default=3, show_default=True, help="So many devices.")
@click.option("--seed", default=1, show_default=True, help="The same seed, same day.")
@output.told
def demo(duration: str, devices: int, seed: int) -> None:
    """A simulated clinic, running, on the screen; Ctrl-C ends it."""
    seconds = _seconds(duration)
    ptys = Ptys([Virtual(f"SIM{n:05d}", seed + n) for n in range(1, devices + 1)])
    with tempfile.TemporaryDirectory(prefix="devicelog-demo-") as directory:
        daemon = Daemon(_loaded(directory, ptys.paths))
        ptys.start()
        try:
            daemon.start()
            _watch(daemon, seconds)
            daemon.stop()
        finally:
            ptys.stop()
        with Reader(directory) as reader:
            rows, entries = reader.sessions(), reader.last_seq()
    click.echo(f"\nSIMULATED: {entries} entries, {len(rows)} sessions recorded")
    print_sessions(rows)


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
