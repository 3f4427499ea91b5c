"""`doctor`, `support-bundle`: what is wrong here, and what to send who may help."""

import sys
from pathlib import Path
from typing import Final

import click

from devicelog.cli import output
from devicelog.operations import support
from devicelog.operations.config import path_of
from devicelog.operations.doctor.finding import Finding, Severity
from devicelog.operations.doctor.table import examine
from devicelog.operations.doctor.world import seen

_MARKS: Final[dict[Severity, tuple[str, str]]] = {
    "ok": ("ok", "green"),
    "warning": ("warning", "yellow"),
    "wrong": ("wrong", "red"),
    "unknown": ("unknown", "cyan"),
}


@click.command()
@output.config_option
@output.json_option
@output.told
def doctor(config: str | None, *, as_json: bool) -> None:
    """Look at the recorder and its machine; exit 1 if something is wrong."""
    world = seen(path_of(config))
    found = []
    for it in examine(world):
        found.append(it)
        if not as_json:
            _show(it)
    if as_json:
        output.print_json(found)
    if any(it.severity == "wrong" for it in found):
        sys.exit(1)


@click.command()
@output.config_option
@click.option(
    "-o",
    "--output",
    "to",
    required=True,
    metavar="FILE.zip",
    type=click.Path(path_type=Path),
    help="A new file.",
)
@output.told
def support_bundle(config: str | None, *, to: Path) -> None:
    """Write how all stands into a zip, for whoever may help; no name, no secret."""
    world = seen(path_of(config))
    support.bundle(world, list(examine(world)), to)
    click.echo(str(to))
    output.talk("look into it before you send it: it holds text, and nothing else")


def _show(it: Finding) -> None:
    """Found on one line; what it means and what to do where something is to be done."""
    mark, colour = _MARKS[it.severity]
    click.echo(f"{click.style(f'{mark:<8}', fg=colour)} {it.name:<14} {it.found}")
    if it.severity != "ok":
        click.echo(f"{'':24}{it.meaning}")
        click.echo(f"{'':24}do: {it.remedy}")
