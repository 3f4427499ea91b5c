"""`sinks`: free one that is no more."""

import click

from devicelog.cli import output
from devicelog.cli.asking import request_option, said


@click.group()
def sinks() -> None:
    """Wait no longer for a sink that is no more."""


@sinks.command()
@output.config_option
@request_option
@click.argument("name")
@output.told
def retire(config: str | None, name: str, *, request_id: str) -> None:
    """Free the sink NAME, which is configured no more.

    Until then old readings wait for it. Works while a recorder runs or none does.
    """
    said(config, "retire_sink", request_id=request_id, sink=name)
    click.echo(f"{name} is retired: nothing waits for it")
