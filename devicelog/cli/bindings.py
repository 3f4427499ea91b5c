"""`sessions assign|unbind|undo|ahead|unassigned|purpose`: whose a session is."""

from datetime import datetime

import click

from devicelog.cli import output
from devicelog.cli.asking import (
    clinician_option,
    note_option,
    request_option,
    said,
    yes_option,
)
from devicelog.cli.ending import seconds_of
from devicelog.cli.session_table import print_sessions
from devicelog.cli.times import MOMENT, ns_of
from devicelog.journal.reader import Reader
from devicelog.model.said import REASONS
from devicelog.model.states import PURPOSES
from devicelog.model.words import counted, joules, minutes
from devicelog.operations.config import load, path_of
from devicelog.records import inbox
from devicelog.records.derived import Deriver


@click.command()
@output.config_option
@request_option
@yes_option
@note_option
@click.option("--reason", type=click.Choice(REASONS), help="Why what stood is changed.")
@clinician_option
@click.argument("session_id")
@click.argument("pseudonym")
@output.told
def assign(
    config: str | None,
    session_id: str,
    pseudonym: str,
    *,
    clinician: str | None,
    reason: str | None,
    with_note: bool,
    yes: bool,
    request_id: str,
) -> None:
    """Say whose a session is; a reason is needed to change it."""
    written = said(
        config,
        "assign",
        yes=yes,
        with_note=with_note,
        request_id=request_id,
        session_id=session_id,
        pseudonym=pseudonym,
        clinician=clinician,
        reason=reason,
    )
    for entry in written.entries:
        click.echo(f"{entry.subject} assigned")
    output.talk(f"a slip? `devicelog sessions undo {session_id}`, within ten seconds")


@click.command()
@output.config_option
@request_option
@note_option
@click.option(
    "--reason", type=click.Choice(REASONS), required=True, help="Why it is changed."
)
@click.argument("session_id")
@output.told
def unbind(
    config: str | None,
    session_id: str,
    *,
    reason: str,
    with_note: bool,
    request_id: str,
) -> None:
    """Put a session back into the inbox."""
    said(
        config,
        "unbind",
        with_note=with_note,
        request_id=request_id,
        session_id=session_id,
        reason=reason,
    )
    click.echo(f"{session_id} belongs to nobody")


@click.command()
@output.config_option
@request_option
@click.argument("session_id")
@output.told
def undo(config: str | None, session_id: str, *, request_id: str) -> None:
    """Within ten seconds: make a session's last binding undone."""
    written = said(config, "undo", request_id=request_id, session_id=session_id)
    for entry in written.entries:
        click.echo(f"{entry.subject} is as it was before")


@click.command()
@output.config_option
@request_option
@yes_option
@clinician_option
@click.option(
    "--within",
    "within_s",
    metavar="TIME",
    callback=seconds_of,
    default="15min",
    show_default=True,
    help="How long it holds, as in 15min.",
)
@click.option("--cancel", is_flag=True, help="Take back what was said for DEVICE.")
@click.argument("device")
@click.argument("pseudonym", required=False)
@output.told
def ahead(
    config: str | None,
    device: str,
    pseudonym: str | None,
    *,
    within_s: float,
    clinician: str | None,
    cancel: bool,
    yes: bool,
    request_id: str,
) -> None:
    """Say whose the next session on a device will be; used once."""
    if cancel == (pseudonym is not None):
        raise click.UsageError("either PSEUDONYM or --cancel")
    if cancel:
        said(config, "withdraw", request_id=request_id, device=device)
        click.echo(f"nobody waits for the next session on {device}")
        return
    said(
        config,
        "ahead",
        yes=yes,
        request_id=request_id,
        device=device,
        pseudonym=pseudonym,
        within_s=within_s,
        clinician=clinician,
    )
    click.echo(f"the next session on {device} within {within_s / 60:g} min is taken")


@click.command()
@output.config_option
@output.json_option
@output.limit_option
@output.told
def unassigned(config: str | None, *, as_json: bool, limit: int) -> None:
    """The inbox: treatments that belong to nobody yet, newest first."""
    with Reader(load(path_of(config)).config.journal.directory) as reader:
        deriver = Deriver(reader)
        rows = [deriver.session(row) for row in inbox.waiting(reader, limit)]
    if as_json:
        output.print_json(rows)
        return
    print_sessions(rows)


@click.command()
@output.config_option
@output.json_option
@click.option("--since", type=MOMENT, help="Only sessions that started then or later.")
@output.told
def totals(config: str | None, *, since: datetime | None, as_json: bool) -> None:
    """What all treatments sum up to.

    What was no treatment is only counted.
    """
    with Reader(load(path_of(config)).config.journal.directory) as reader:
        found = inbox.totals(reader, ns_of(config, since))
    if as_json:
        output.print_json(found)
        return
    click.echo(
        f"{counted(found.treatments, 'treatment')} of"
        f" {counted(found.patients, 'patient')},"
        f" {found.unassigned} unassigned"
    )
    click.echo(f"{minutes(found.emission_s)} of emission, {joules(found.energy_j)}")
    for name, count in found.other.items():
        click.echo(f"not counted: {count} {name.replace('_', ' ')}")


@click.command()
@output.config_option
@request_option
@note_option
@click.argument("session_id")
@click.argument("purpose", type=click.Choice(PURPOSES))
@output.told
def purpose(
    config: str | None,
    session_id: str,
    purpose: str,
    *,
    with_note: bool,
    request_id: str,
) -> None:
    """Say what a session was for.

    What is no treatment leaves the inbox and the totals.
    """
    said(
        config,
        "purpose",
        with_note=with_note,
        request_id=request_id,
        session_id=session_id,
        purpose=purpose,
    )
    click.echo(f"{session_id} is {purpose.replace('_', ' ')}")


COMMANDS = (assign, unbind, undo, ahead, unassigned, purpose, totals)
