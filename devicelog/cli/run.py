"""`run`, `clock`: the recorder itself."""

import logging

import click

from devicelog import daemon
from devicelog.cli import first_start, output
from devicelog.model.words import counted
from devicelog.operations import heaps
from devicelog.operations.ask import ask
from devicelog.operations.config import load, path_of


@click.command()
@output.config_option
@click.option("--verbose", is_flag=True, help="Log in detail.")
@output.told
def run(config: str | None, *, verbose: bool) -> None:
    """Record until stopped (SIGTERM or Ctrl-C).

    At a terminal, with no configuration named and none at its place, a page on this
    machine helps to make one.
    """
    path = path_of(config)
    if first_start.is_due(config, path):
        first_start.set_up(path)
        return
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(levelname)s %(name)s: %(message)s",
    )
    heaps.few()
    loaded = load(path)
    for name, problems in loaded.parked.items():
        for problem in problems:
            output.talk(f"devicelog: device {name} is not recorded: {problem}")
    ours = loaded.config
    begins = (
        f"devicelog: starts to record {counted(len(ours.devices), 'device')} of "
        f"{ours.site.name} into {ours.journal.directory}"
    )
    daemon.run(loaded, begun=lambda: output.talk(begins))


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
