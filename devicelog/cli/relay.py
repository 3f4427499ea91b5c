"""`relay`: send entries to a sink again."""

import re
from datetime import UTC, datetime

import click

from devicelog.cli import output
from devicelog.cli.sessions import directory_of
from devicelog.errors import Unreachable
from devicelog.journal import maintenance
from devicelog.journal.reader import Reader
from devicelog.operations.ask import ask


@click.group()
def relay() -> None:
    """Send entries to a sink again."""


@relay.command()
@output.config_option
@click.argument("sink")
@click.option(
    "--from",
    "start",
    default="1",
    show_default=True,
    help="An entry's number, or a time as 2026-11-24 or 2026-11-24T09:00Z.",
)
@output.told
def reset(config: str | None, sink: str, start: str) -> None:
    """Send SINK (mqtt, influx) everything again.

    What it has already does not change. Works while a recorder runs or none does.
    """
    directory = directory_of(config)
    done_to = _done_to(directory, start)
    try:
        for _ in ask(directory, "reset_relay", sink=sink, done_to=done_to):
            pass
    except Unreachable:
        maintenance.reset(directory, sink, done_to)
    click.echo(f"{sink}: all entries after {done_to} are sent again")


def _done_to(directory: str, start: str) -> int:
    if re.fullmatch(r"\d+", start):
        return max(0, int(start) - 1)
    try:
        moment = datetime.fromisoformat(start)
    except ValueError:
        raise click.BadParameter(
            f"{start!r} is neither an entry's number nor a time", param_hint="--from"
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    with Reader(directory) as reader:
        return reader.before(round(moment.timestamp()) * 1_000_000_000)
