"""`sessions`: look at recorded sessions; close one; say whose they are."""

import click

from devicelog.cli import annotations, bindings, output
from devicelog.cli.asking import request_option, said
from devicelog.cli.session_table import print_sessions
from devicelog.cli.session_text import describe
from devicelog.cli.verify import verify
from devicelog.errors import DevicelogError
from devicelog.export.line import line
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.audit import HOLD_REASONS
from devicelog.operations.ask import ask
from devicelog.operations.config import load, path_of
from devicelog.records import story
from devicelog.records.derived import Deriver
from devicelog.records.receipts import last


@click.group()
def sessions() -> None:
    """Look at recorded sessions, and say whose they are."""


sessions.add_command(verify)


@sessions.command(name="list")
@output.config_option
@output.json_option
@click.option("--open", "open_only", is_flag=True, help="Only those still open.")
@click.option("--device", help="Only of this device.")
@output.limit_option
@output.told
def list_(
    config: str | None,
    *,
    as_json: bool,
    open_only: bool,
    device: str | None,
    limit: int,
) -> None:
    """Sessions, newest first."""
    with Reader(directory_of(config)) as reader:
        found = reader.sessions(open_only=open_only, device=device, limit=limit)
        deriver = Deriver(reader)
        rows = [deriver.session(row) for row in found]
    if as_json:
        output.print_json(rows)
        return
    print_sessions(rows)


@sessions.command()
@output.config_option
@output.json_option
@click.option(
    "--line", "in_a_line", is_flag=True, help="One line, for the notes; nothing else."
)
@click.argument("session_id")
@output.told
def show(
    config: str | None, session_id: str, *, as_json: bool, in_a_line: bool
) -> None:
    """One session: what happened, its totals, its flags."""
    with Reader(directory_of(config)) as reader:
        row = reader.session(session_id)
        if row is None:
            raise DevicelogError(
                f"no session {session_id}", hint="`devicelog sessions list` shows them"
            )
        if in_a_line:
            session = Deriver(reader).session(row)
            click.echo(line(session, simulated=reader.meta().simulated))
            return
        entries = reader.entries(subject=session_id, kind="session")
        said = story.said_of(reader, session_id)
        row = Deriver(reader).session(row)
        receipt = last(session_id, reader)
    events = [codec.session_event(entry.body) for entry in entries]
    if as_json:
        told = {"session": row, "events": events, "said": said, "receipt": receipt}
        output.print_json(told)
        return

    describe(row, events, said, receipt)


@sessions.command()
@output.config_option
@request_option
@click.option("--reason", type=click.Choice(HOLD_REASONS), required=True, help="Why.")
@click.option("--over", is_flag=True, help="The reason is over.")
@click.argument("session_id")
@output.told
def hold(
    config: str | None, session_id: str, *, reason: str, over: bool, request_id: str
) -> None:
    """Keep a session's readings beyond their time."""
    said(
        config,
        "hold",
        request_id=request_id,
        session_id=session_id,
        reason=reason,
        over=over,
    )
    click.echo(f"{session_id} is {'no longer ' * over}held: {reason}")


@sessions.command()
@output.config_option
@click.option("--request-id", default=None, hidden=True)
@click.argument("session_id")
@output.told
def close(config: str | None, session_id: str, request_id: str | None) -> None:
    """End a session by hand that the device does not end."""
    answers = ask(
        directory_of(config),
        "close_session",
        request_id=request_id or "",
        session_id=session_id,
    )
    for _ in answers:
        click.echo(f"{session_id} closed")


def directory_of(config: str | None) -> str:
    """The journal's directory, as configured."""
    return load(path_of(config)).config.journal.directory


for command in (*bindings.COMMANDS, annotations.annotate):
    sessions.add_command(command)
