"""`profile`: look at a device's profile, and at what it makes of captured bytes."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from devicelog.cli import output
from devicelog.drivers.capture import Told, explain, summary
from devicelog.drivers.load import ProfileError, driver, load
from devicelog.drivers.profile import Profile
from devicelog.errors import ConfigError
from devicelog.model.words import counted
from devicelog.wire.notation import shown


@click.group()
def profile() -> None:
    """Look at the profiles of devices."""


@profile.command()
@output.json_option
@click.option(
    "--capture",
    metavar="FILE|HEX",
    help="Show what the profile makes of these bytes: a file of them, or hex digits.",
)
@click.argument("file")
@output.told
def check(file: str, capture: str | None, *, as_json: bool) -> None:
    """Check a profile: a file by its path, a shipped one by its name."""
    try:
        it = load(file)
    except ProfileError as error:
        if not as_json:
            raise
        output.print_json({"profile": file, "problems": error.problems})
        sys.exit(error.exit_code)
    pieces = [*explain(it, _bytes(capture))] if capture is not None else []
    facts = dict(_facts(it))
    if as_json:
        told: dict[str, Any] = {"profile": it.name, "problems": [], "facts": facts}
        if capture is not None:
            told |= {"pieces": pieces, "summary": summary(pieces)}
        output.print_json(told)
        return
    for name, text in facts.items():
        click.echo(f"{name:9} {text}")
    if capture is None:
        click.echo("\nIt can be used. --capture shows what it makes of bytes.")
        return
    for piece in pieces:
        _show(piece)
    all_ = summary(pieces)
    click.echo(
        f"\n{counted(all_.bytes, 'byte')}: {counted(all_.frames, 'frame')}, "
        f"{counted(all_.readings, 'reading')}, {counted(all_.noise, 'byte')} of noise"
    )


def _bytes(capture: str) -> bytes:
    """The bytes in this file, or of these digits. Raises ConfigError."""
    path = Path(capture)
    try:
        if path.is_file():
            return path.read_bytes()
        return bytes.fromhex(capture)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"no capture in {capture!r}: {error}",
            hint="a file of bytes as they came, or hexadecimal digits, as 5a a5 01",
        ) from error


def _facts(it: Profile) -> Iterator[tuple[str, str]]:
    """What a person wants to compare with the device's document."""
    line, made = it.line, driver(it)
    yield "profile", f"{it.name}: {it.title}"
    yield "line", f"{line.baud} {line.bytesize}{line.parity}{line.stopbits}"
    yield "wire", f"{it.wire.style}, a check of {it.wire.check_bits} bits"
    asks = [one for one in (made.identify(), *made.polls()) if one]
    yield (
        "sends",
        ", ".join(f"`{one.name}` {shown(one.data)}" for one in asks)
        or "nothing: the device speaks unasked",
    )
    yield "channels", ", ".join(f"{one.name} ({one.modality})" for one in it.channels)


def _show(piece: Told) -> None:
    click.echo(f"\n{piece.at:6}  {piece.what:8}  {piece.text}")
    click.echo(f"        {piece.raw}")
    for decoded in piece.decoded:
        values = "  ".join(f"{name}={it}" for name, it in decoded.values.items())
        click.echo(f"        {decoded.channel}: {values}")
