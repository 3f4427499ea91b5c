"""`demo`: a simulated clinic, recorded for real, on the screen."""

import contextlib
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.progress import Progress
from rich.text import Text

from devicelog.cli import ending, output
from devicelog.cli.board import ended_last, render
from devicelog.cli.demo_console import DemoConsole
from devicelog.cli.demo_feed import feed
from devicelog.cli.session_table import print_sessions
from devicelog.daemon import Daemon
from devicelog.drivers.load import load
from devicelog.drivers.simulated.clinic import clinic
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.machine import machine
from devicelog.drivers.simulated.script import Player
from devicelog.drivers.simulated.serve import PtyPort, serve
from devicelog.errors import DevicelogError, JournalBusy
from devicelog.journal.reader import Reader
from devicelog.model.flow import Identity
from devicelog.model.words import counted
from devicelog.operations.config import Loaded, parse
from devicelog.operations.socket import Request
from devicelog.operations.status import gather
from devicelog.simulation.kept import SITE, Ended, cache, kept
from devicelog.simulation.plan import CLINIC, Device
from devicelog.simulation.today import Physio
from devicelog.sinks.mqtt import MqttSink

_SITE: Final = (
    f'[site]\nname = "{SITE}"\nsimulated = true\n[journal]\ndirectory = "{{}}"\n'
    "[console]\nport = {}\n"
)
_DEVICE: Final = (
    '[[devices]]\nname = "{name}"\nlabel = "{label}"\nprofile = "{profile}"\n'
    'serial = "{serial}"\nport = "{port}"\n'
)
_LOOK_S: Final = 0.5
_SHORTER: Final = 0.06  # treatments of 14 to 29 s: something is to be seen
_NOTE: Final = (
    "Simulated devices, recorded for real into a journal that {}.\n"
    "Treatments are shortened, most to about 20 seconds. Ctrl-C ends and sums up."
)


@click.command()
@ending.for_option
@click.option(
    "--devices",
    default=len(CLINIC),
    show_default=True,
    type=click.IntRange(1, 50),
    help="So many devices.",
)
@click.option(
    "--days",
    default=5,
    show_default=True,
    type=click.IntRange(0, 250),
    help="So many working days are made up before; kept for the next start.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed, same day.")
@click.option(
    "--console",
    default=8470,
    show_default=True,
    type=click.IntRange(0, 65_535),
    help="The console's port on this machine; 0 takes a free one.",
)
@output.told
def demo(
    seconds: float | None, devices: int, days: int, seed: int, console: int
) -> None:
    """A simulated clinic, running, on the screen; Ctrl-C ends it.

    The first start makes up the days before it, which takes some seconds each; later
    ones have them at once. With --days 0 there are none, and nothing is kept.
    """
    with ending.on_signal() as ended, contextlib.ExitStack() as stack:
        ports = stack.enter_context(_clinic(devices, seed))
        pages = stack.enter_context(contextlib.closing(DemoConsole(console, SITE)))
        click.echo(pages.links)
        try:
            directory = stack.enter_context(_directory(days, seed, ended, pages))
        except Ended as told:
            output.talk(told.message)
            return
        before = _last(directory)
        live = feed()
        loaded = _loaded(directory, live.table, ports, pages.port)
        with _recording(loaded, before) as daemon:
            note = _NOTE.format("is kept" if days else "goes when this ends")
            pages.serve(daemon)
            # A screen of its own hides what was told before.
            links = f"\n{pages.links}" if sys.stdout.isatty() else ""
            note = f"{live.note}\n{note}{links}"
            _watch(daemon, seconds, ended, note)
        _sum_up(directory, before, kept=bool(days))


@contextlib.contextmanager
def _directory(
    days: int, seed: int, ended: threading.Event, pages: DemoConsole
) -> Iterator[str]:
    """Of the journal: one that is kept, with these days, or one that goes."""
    if days:
        yield _kept(days, seed, ended, pages)
        return
    try:
        made = tempfile.TemporaryDirectory(prefix="devicelog-demo-")
    except OSError as error:
        raise DevicelogError(
            f"no room for the demo's journal: {error}", hint="is the disk full?"
        ) from error
    with made as directory:
        yield directory


def _kept(days: int, seed: int, ended: threading.Event, pages: DemoConsole) -> str:
    now = datetime.now().astimezone()
    console = Console(stderr=True)
    pages.over(0, days)
    with Progress(
        console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("making up the days before (once)", total=days)

        def progress(over: int) -> bool:
            bar.update(task, completed=over)
            pages.over(over, days)
            return not ended.is_set()

        return str(kept(cache(), days, seed=seed, now=now, progress=progress))


def _rooms(devices: int) -> Iterator[tuple[str, Device]]:
    """So many devices with their serial numbers: the clinic's, and more like them."""
    for room in range(1, devices + 1):
        device = CLINIC[(room - 1) % len(CLINIC)]
        if room > len(CLINIC):
            kind, what = device.name.partition("-")[0], device.label.partition(",")[0]
            device = msgspec.structs.replace(
                device, name=f"{kind}-{room}", label=f"{what}, room {room}"
            )
        yield f"SIM{room:05d}", device


@contextlib.contextmanager
def _clinic(devices: int, seed: int) -> Iterator[list[dict[str, str]]]:
    """So many virtual devices, served by a thread; their blocks of configuration."""
    blocks, ports = [], []
    try:
        for room, (serial, it) in enumerate(_rooms(devices), 1):
            ports.append(PtyPort(_virtual(it, serial, seed, room)))
            said = {"name": it.name, "label": it.label, "profile": it.profile}
            blocks.append(said | {"serial": serial, "port": ports[-1].path})
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
        yield blocks
    finally:
        stop.set()
        thread.join()


def _virtual(it: Device, serial: str, seed: int, room: int) -> VirtualDevice:
    steps = clinic(seed, room=room, scale=_SHORTER, modalities=it.modalities)
    player = Player(machine(it.modalities, seed + room), steps)
    return VirtualDevice(load(it.profile), player, Identity("SIMULATED", serial, "1.0"))


@contextlib.contextmanager
def _recording(loaded: Loaded, before: int) -> Iterator[Daemon]:
    """Runs. Entries up to `before`, of days that were made up, are no live feed."""
    daemon = Daemon(loaded)
    try:
        daemon.start()
    except JournalBusy as error:
        raise JournalBusy(
            f"another demo is running: {error.message}",
            hint="look at that one, or give this one other days: --seed 2 --console 0",
        ) from error
    try:
        if MqttSink.name in daemon.recording.delivery.names:
            daemon.recording.delivery.reset(MqttSink.name, before)
        yield daemon
    finally:
        daemon.stop()


def _watch(
    daemon: Daemon, seconds: float | None, ended: threading.Event, note: str
) -> None:
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
        physio = Physio(reader, daemon.recording.clock, partial(_assign, daemon))
        while not ended.is_set() and (until is None or time.monotonic() < until):
            daemon.check()
            physio.look()
            board = render(gather(daemon.recording), ended_last(reader), here)
            live.update(Group(board, Text(note, "dim")), refresh=True)
            ended.wait(_LOOK_S)
    if not screen:
        click.echo()


def _assign(daemon: Daemon, session: str, code: str, clinician: str) -> None:
    """Unless a person was quicker, or asks to be asked."""
    args = {"session_id": session, "pseudonym": code, "clinician": clinician}
    request = Request(uuid.uuid4().hex, "assign", args, "simulated")
    with contextlib.suppress(DevicelogError):
        list(daemon.ask(request))


def _last(directory: str) -> int:
    """The last entry there; 0 where no journal is yet."""
    if not (Path(directory) / "journal.db").exists():
        return 0
    with Reader(directory) as reader:
        return reader.last_seq()


def _sum_up(directory: str, before: int, *, kept: bool) -> None:
    with Reader(directory) as reader:
        rows = [row for row in reader.sessions(limit=1000) if row.first_seq > before]
        more = counted(reader.last_seq() - before, "entry")
    ways = Counter((row.reason or "still open").replace("_", " ") for row in rows)
    told = ", ".join(f"{count} {way}" for way, count in ways.items())
    seen = counted(len(rows), "session") if rows else "no sessions"
    click.echo(f"SIMULATED: {seen} recorded{told and ': '}{told}")
    if rows:
        print_sessions(rows)
    if kept:
        click.echo(f"{more} more in the journal, which is kept in {directory}")
    else:
        click.echo(f"{more} in the journal, which is removed now")


def _loaded(
    directory: str, sinks: str, devices: list[dict[str, str]], console: int
) -> Loaded:
    blocks = [_DEVICE.format(**it) for it in devices]
    site = _SITE.format(directory, console)
    return parse(site + sinks + "".join(blocks), "demo", {})
