"""`devices`: list those configured, find ports, try one, keep their register."""

import sys
from collections.abc import Iterator

import click
import msgspec

from devicelog.cli import device_text, output
from devicelog.cli import register as registering
from devicelog.errors import ConfigError, JournalError, Unreachable
from devicelog.journal.reader import Reader
from devicelog.model.flow import Identity
from devicelog.operations import identities
from devicelog.operations import scan as scanning
from devicelog.operations.ask import ask
from devicelog.operations.config import Loaded, load, path_of
from devicelog.operations.inventory import inventory
from devicelog.operations.socket import PATIENCE_S
from devicelog.operations.trial import Seen, try_alone

_SECONDS = click.FloatRange(0.1, 60)


@click.group()
def devices() -> None:
    """List, find, try and register devices."""


@devices.command(name="list")
@output.config_option
@output.json_option
@output.told
def list_(config: str | None, *, as_json: bool) -> None:
    """Configured devices: line, identity, adapter, holder.

    The holder: which processes have the port open.
    """
    found = inventory(load(path_of(config)))
    if as_json:
        output.print_json(found)
        return
    if not found.recording:
        output.talk("no recorder runs; identities are as last recorded")
    for device in found.devices:
        device_text.describe(device, found.pid)
    for name, problems in found.parked.items():
        click.echo(f"{name}: parked, it is not recorded")
        for problem in problems:
            click.echo(f"    {problem}")
    if not found.devices and not found.parked:
        click.echo("no device is configured; `devicelog devices scan` lists the ports")


@devices.command()
@output.json_option
@click.option(
    "--seconds", default=3.0, show_default=True, type=_SECONDS, help="Listen so long."
)
@click.option(
    "--baud",
    default=9600,
    show_default=True,
    type=click.IntRange(50, 4_000_000),
    help="Listen at this speed.",
)
@click.option("--port", "extra", multiple=True, help="Listen to this port as well.")
@output.told
def scan(*, as_json: bool, seconds: float, baud: int, extra: tuple[str, ...]) -> None:
    """List ports and listen; nothing is ever sent.

    A port that somebody holds is named with its holder, and not listened to.
    """
    found = scanning.ports(extra)
    if found:
        output.talk(f"listening for {seconds:g} s at {baud} baud, sending nothing ...")
    heard = [*scanning.listen(found, seconds, baud)]
    if as_json:
        output.print_json(heard)
        return
    if not heard:
        click.echo("no serial ports; is the adapter plugged in?")
    for port in heard:
        device_text.describe_port(port)


@devices.command()
@output.config_option
@output.json_option
@click.option(
    "--seconds", default=10.0, show_default=True, type=_SECONDS, help="Watch so long."
)
@click.argument("name")
@output.told
def test(config: str | None, name: str, seconds: float, *, as_json: bool) -> None:
    """Show what arrives from a device, and what is wrong.

    Its bytes, raw and decoded. Exit code 0 if readings arrive, 1 if not. Without a
    running recorder the port is opened for this time and nothing is recorded.
    """
    loaded = load(path_of(config))
    _must_be_known(loaded, name)
    works, before = False, ""
    for seen in _watched(loaded, name, seconds):
        works = works or seen.works
        if as_json:
            click.echo(msgspec.json.encode(seen).decode())
        else:
            device_text.tell(seen, before)
        before = seen.raw
    sys.exit(0 if works else 1)


def _must_be_known(loaded: Loaded, name: str) -> None:
    if name in loaded.parked:
        listed = "\n  ".join(loaded.parked[name])
        raise ConfigError(f"{name} cannot be used as it is configured:\n  {listed}")
    names = [it.name for it in loaded.config.devices]
    if name not in names:
        known = ", ".join([*names, *loaded.parked]) or "none"
        raise ConfigError(
            f'no device "{name}" is configured', hint=f"there are: {known}"
        )


def _watched(loaded: Loaded, name: str, seconds: float) -> Iterator[Seen]:
    """As the recorder sees it, or, where none runs, as the port itself says."""
    directory = loaded.config.journal.directory
    patience_s = seconds + PATIENCE_S
    replies = ask(
        directory, "test_device", patience_s=patience_s, name=name, seconds=seconds
    )
    began = False
    try:
        for raw in replies:
            began = True
            yield msgspec.json.decode(raw, type=Seen)
    except Unreachable as error:
        if began:
            raise
        output.talk(f"{error.message}; trying the port directly, recording nothing")
        (settings,) = (it for it in loaded.config.devices if it.name == name)
        known = _known(directory)
        yield from try_alone(
            settings,
            seconds,
            known=known.get(name),
            owners=identities.owners(loaded.config.devices, known),
        )


def _known(directory: str) -> dict[str, Identity]:
    """What devices said of themselves, if there is a journal that may be read."""
    try:
        with Reader(directory) as reader:
            return identities.known(reader)
    except JournalError:
        return {}


for command in registering.COMMANDS:
    devices.add_command(command)
