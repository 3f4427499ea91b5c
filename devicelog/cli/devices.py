"""`devices`: list those configured, find ports, try one."""

import uuid

import click
import msgspec

from devicelog.cli import output
from devicelog.errors import ConfigError, Unreachable
from devicelog.operations import scan as ports
from devicelog.operations.config import Loaded, load, path_of
from devicelog.operations.socket import Request, ask
from devicelog.operations.status import Status
from devicelog.operations.trial import Seen, try_alone


@click.group()
def devices() -> None:
    """List, find and try devices."""


@devices.command(name="list")
@output.config_option
@output.json_option
@output.told
def list_(config: str | None, *, as_json: bool) -> None:
    """Configured devices, and how their lines stand if the recorder runs."""
    loaded = load(path_of(config))
    lines = _lines(loaded)
    rows = [
        {
            "name": it.name,
            "label": it.label,
            "profile": it.profile,
            "port": it.port,
            "access": it.access,
            "identity": _identity(loaded, it.name),
            "line": lines.get(it.name, "not recording"),
        }
        for it in loaded.config.devices
    ]
    if as_json:
        output.print_json({"devices": rows, "parked": loaded.parked})
        return
    output.print_table([*rows[0]] if rows else [], ([*row.values()] for row in rows))
    for name, problems in loaded.parked.items():
        for problem in problems:
            click.echo(f"{name} is parked: {problem}")


@devices.command()
@output.json_option
@click.option("--seconds", default=3.0, show_default=True, help="Listen so long.")
@click.option("--baud", default=9600, show_default=True, help="Listen at this speed.")
@click.option("--port", "extra", multiple=True, help="Listen to this port as well.")
@output.told
def scan(*, as_json: bool, seconds: float, baud: int, extra: tuple[str, ...]) -> None:
    """List ports and who holds them, and listen; nothing is ever sent."""
    output.talk(f"listening for {seconds:g} s, sending nothing ...")
    found = ports.scan(seconds, baud, extra)
    if as_json:
        output.print_json(found)
        return
    if not found:
        click.echo("no serial ports; is the adapter plugged in?")
    for port in found:
        click.echo(f"{port.path}  {port.description}")
        for text in (port.by_path, port.by_id, port.usb, port.held_by, port.heard):
            if text:
                click.echo(f"    {text}")


@devices.command()
@output.config_option
@output.json_option
@click.option("--seconds", default=10.0, show_default=True, help="Watch so long.")
@click.argument("name")
@output.told
def test(config: str | None, name: str, seconds: float, *, as_json: bool) -> None:
    """Show what arrives from a device, raw and decoded, and say what is wrong."""
    loaded = load(path_of(config))
    settings = {it.name: it for it in loaded.config.devices}
    if name in loaded.parked:
        raise ConfigError("\n".join(loaded.parked[name]))
    if name not in settings:
        known = ", ".join(settings) or "none"
        raise ConfigError(
            f"no device {name!r} is configured", hint=f"there are: {known}"
        )
    request = Request(
        id=uuid.uuid4().hex, op="test_device", args={"name": name, "seconds": seconds}
    )
    try:
        for raw in ask(loaded.config.journal.directory, request):
            _show(msgspec.json.decode(raw, type=Seen), as_json=as_json)
    except Unreachable:
        output.talk("no recorder runs; trying the port directly, recording nothing")
        for seen in try_alone(settings[name], seconds):
            _show(seen, as_json=as_json)


def _lines(loaded: Loaded) -> dict[str, str]:
    """How each line stands, if a recorder runs."""
    request = Request(id=uuid.uuid4().hex, op="status")
    try:
        (raw,) = ask(loaded.config.journal.directory, request)
    except Unreachable:
        return {}
    status = msgspec.json.decode(raw, type=Status)
    return {it.name: f"{it.line}: {it.text}" for it in status.devices}


def _identity(loaded: Loaded, name: str) -> str:
    for it in loaded.config.devices:
        if it.name == name:
            asks = loaded.profiles[it.profile].identity != "none"
            return "asked" if asks and it.access == "poll" else "not verified"
    return ""


def _show(seen: Seen, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(seen).decode())
        return
    if seen.what == "verdict":
        click.echo(f"\n{seen.text}")
        return
    when = "" if seen.what == "will_send" else f"{seen.at_s:7.3f} s  "
    click.echo(f"{when}{seen.what.replace('_', ' '):9} {seen.text}")
    if seen.raw:
        click.echo(f"{' ' * len(when)}  {seen.raw}")
    if seen.values:
        values = "  ".join(f"{name}={value}" for name, value in seen.values.items())
        click.echo(f"{' ' * len(when)}  {values}")
