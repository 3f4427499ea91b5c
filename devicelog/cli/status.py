"""`status`: how the recorder stands, or what its journal says where none runs."""

from zoneinfo import ZoneInfo

import click
import msgspec

from devicelog.cli import output
from devicelog.cli.board import ended_last, render
from devicelog.cli.tables import print_wide
from devicelog.errors import Unreachable
from devicelog.journal.reader import Reader
from devicelog.model.words import counted
from devicelog.operations.ask import ask
from devicelog.operations.config import load, path_of
from devicelog.operations.status import Status, at_rest


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
        print_wide(render(state, recent, zone))
        return
    click.echo(
        f"{state.site}: not recording. {counted(state.committed, 'entry')} in "
        f"{state.directory}, {counted(len(state.open_sessions), 'session')} open."
    )
    for alarm in state.alarms:
        click.echo(f"alarm: {alarm}")
