"""`run`, `status`, `clock`: the recorder and how it stands."""

import logging
from zoneinfo import ZoneInfo

import click
import msgspec

from devicelog import daemon
from devicelog.cli import output
from devicelog.cli.board import ended_last, render
from devicelog.errors import Unreachable
from devicelog.journal.reader import Reader
from devicelog.operations.ask import ask
from devicelog.operations.config import load, path_of
from devicelog.operations.status import Status, at_rest


@click.command()
@output.config_option
@click.option("--verbose", is_flag=True, help="Log in detail.")
@output.told
def run(config: str | None, *, verbose: bool) -> None:
    """Record until stopped (SIGTERM or Ctrl-C)."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(levelname)s %(name)s: %(message)s",
    )
    loaded = load(path_of(config))
    for name, problems in loaded.parked.items():
        for problem in problems:
            output.talk(f"devicelog: device {name} is not recorded: {problem}")
    output.talk(
        f"devicelog: recording {len(loaded.config.devices)} devices of "
        f"{loaded.config.site.name} into {loaded.config.journal.directory}"
    )
    daemon.run(loaded)


@click.command()
@output.config_option
@output.json_option
@output.told
def status(config: str | None, *, as_json: bool) -> None:
    """How the recorder and its devices stand."""
    configured = load(path_of(config)).config
    directory = configured.journal.directory
    try:
        (raw,) = ask(directory, "status")
        state = msgspec.json.decode(raw, type=Status)
    except Unreachable:
        state = at_rest(directory)
    if as_json:
        output.print_json(state)
        return
    if state.running:
        with Reader(directory) as reader:
            recent = ended_last(reader)
        zone = ZoneInfo(configured.site.timezone)
        output.print_wide(render(state, recent, zone))
        return
    click.echo(
        f"{state.site}: not recording. {state.committed} entries in "
        f"{state.directory}, {len(state.open_sessions)} sessions open."
    )
    for alarm in state.alarms:
        click.echo(f"alarm: {alarm}")


@click.group()
def clock() -> None:
    """Trust the system clock."""


@clock.command()
@output.config_option
@click.option("--request-id", default=None, hidden=True)
@output.told
def accept(config: str | None, request_id: str | None) -> None:
    """Say that the system clock shows the right time now."""
    directory = load(path_of(config)).config.journal.directory
    for _ in ask(directory, "accept_clock", request_id=request_id or ""):
        click.echo("accepted")
