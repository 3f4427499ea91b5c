"""`demo`: a simulated clinic, recorded for real, on the screen."""

import contextlib
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import click
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from devicelog.cli import ending, output
from devicelog.cli.board import ended_last, render
from devicelog.cli.session_table import print_sessions
from devicelog.daemon import Daemon
from devicelog.drivers.load import load
from devicelog.drivers.simulated.clinic import clinic
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.script import Player
from devicelog.drivers.simulated.serve import PtyPort, serve
from devicelog.drivers.simulated.ultrasound import Ultrasound
from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.model.flow import Identity
from devicelog.operations.config import Loaded, parse
from devicelog.operations.status import gather

_SITE: Final = (
    '[site]\nname = "sim-clinic"\nsimulated = true\n[journal]\ndirectory = "{}"\n'
)
_DEVICE: Final = (
    '[[devices]]\nname = "us-{n}"\nlabel = "Ultrasound, room {n}"\n'
    'profile = "us-modbus"\nport = "{port}"\n'
)
_LOOK_S: Final = 0.5
_SHORTER: Final = 0.06  # treatments of 14 to 29 s: something is to be seen
_NOTE: Final = (
    "Simulated devices, recorded for real into a journal that goes when this ends.\n"
    "Treatments are shortened to about 20 seconds. Ctrl-C ends and sums up."
)


@click.command()
@ending.for_option
@click.option(
    "--devices",
    default=3,
    show_default=True,
    type=click.IntRange(1, 50),
    help="So many devices.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed, same day.")
@output.told
def demo(seconds: float | None, devices: int, seed: int) -> None:
    """A simulated clinic, running, on the screen; Ctrl-C ends it."""
    with ending.on_signal() as ended, contextlib.ExitStack() as stack:
        directory = stack.enter_context(_directory())
        ports = stack.enter_context(_clinic(devices, seed))
        with _recording(_loaded(directory, ports)) as daemon:
            _watch(daemon, seconds, ended)
        _sum_up(directory)


@contextlib.contextmanager
def _directory() -> Iterator[str]:
    try:
        made = tempfile.TemporaryDirectory(prefix="devicelog-demo-")
    except OSError as error:
        raise DevicelogError(
            f"no room for the demo's journal: {error}", hint="is the disk full?"
        ) from error
    with made as directory:
        yield directory


@contextlib.contextmanager
def _clinic(devices: int, seed: int) -> Iterator[list[str]]:
    """So many virtual devices, served by a thread; the paths of their ports."""
    profile, ports = load("us-modbus"), []
    try:
        for room in range(1, devices + 1):
            player = Player(Ultrasound(), clinic(seed, room=room, scale=_SHORTER))
            who = Identity("SIM-US", f"SIM{room:05d}", "1.0")
            ports.append(PtyPort(VirtualDevice(profile, player, who)))
    except OSError as error:
        for port in ports:
            port.close()
        raise DevicelogError(
            f"no pseudo-terminal for room {len(ports) + 1}: {error}",
            hint="the virtual devices need /dev/pts; ask for fewer with --devices",
        ) from error
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(ports, stop.is_set), name="simulated")
    thread.start()
    try:
        yield [port.path for port in ports]
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def _recording(loaded: Loaded) -> Iterator[Daemon]:
    daemon = Daemon(loaded)
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.stop()


def _watch(daemon: Daemon, seconds: float | None, ended: threading.Event) -> None:
    """Show the board until the time is over or somebody ends it."""
    until = None if seconds is None else time.monotonic() + seconds
    console = Console(width=None if sys.stdout.isatty() else 120)
    # On a terminal a screen of its own, so that a small one does not scroll.
    screen = sys.stdout.isatty()
    here = datetime.now().astimezone().tzinfo or UTC
    with (
        Live(console=console, screen=screen, auto_refresh=False) as live,
        Reader(daemon.recording.directory) as reader,
    ):
        while not ended.is_set() and (until is None or time.monotonic() < until):
            daemon.check()
            board = render(gather(daemon.recording), ended_last(reader), here)
            live.update(Group(board, Text(_NOTE, "dim")), refresh=True)
            ended.wait(_LOOK_S)
    if not screen:
        click.echo()


def _sum_up(directory: str) -> None:
    with Reader(directory) as reader:
        rows, entries = reader.sessions(limit=1000), reader.last_seq()
    ways = Counter((row.reason or "still open").replace("_", " ") for row in rows)
    told = ", ".join(f"{count} {way}" for way, count in ways.items())
    click.echo(f"SIMULATED: {len(rows) or 'no'} sessions recorded{told and ': '}{told}")
    if rows:
        print_sessions(rows)
    click.echo(f"{entries} entries were in the journal, which is removed now")


def _loaded(directory: str, ports: list[str]) -> Loaded:
    blocks = [_DEVICE.format(n=n, port=port) for n, port in enumerate(ports, 1)]
    return parse(_SITE.format(directory) + "".join(blocks), "demo", {})
