"""`db`: whether the journal is whole, what can be made anew, and its backups."""

import sys
from pathlib import Path

import click
from rich.progress import Progress

from devicelog.cli import output
from devicelog.cli.backups import backup, restore
from devicelog.cli.sessions import directory_of
from devicelog.errors import JournalError
from devicelog.journal import check, maintenance
from devicelog.journal import migrate as way
from devicelog.journal.directory import JOURNAL
from devicelog.journal.reader import Reader
from devicelog.model.words import counted


@click.group()
def db() -> None:
    """Check, mend and back up the journal."""


db.add_command(backup)
db.add_command(restore)


@db.command(name="check")
@output.config_option
@output.json_option
@output.told
def check_(config: str | None, *, as_json: bool) -> None:
    """Look at every page, entry and projection.

    A recorder may run meanwhile.
    """
    directory = directory_of(config)
    with Reader(directory) as reader:
        total = reader.last_seq()
    with Progress(transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("entries", total=total)
        report = check.examine(
            Path(directory) / JOURNAL, lambda count: progress.advance(task, count)
        )
    if as_json:
        output.print_json(report)
    else:
        click.echo(f"{counted(report.entries, 'entry')}, the last is {report.last_seq}")
        for first, last in report.lost:
            click.echo(f"lost before, as an alarm says: {first} to {last}")
    if report.damage:
        raise JournalError(
            "the journal is damaged: " + "; ".join(report.damage),
            hint="stop the recorder, then say `devicelog db salvage`",
        )
    if report.stale:
        raise JournalError(
            f"not what the entries say: {', '.join(report.stale)}",
            hint="stop the recorder, then say `devicelog db rebuild`",
        )
    output.talk("nothing is damaged")


@db.command()
@output.config_option
@output.told
def rebuild(config: str | None) -> None:
    """Make all projections anew from the entries; no recorder may run."""
    count = maintenance.rebuild(directory_of(config))
    click.echo(f"projections made anew from {counted(count, 'entry')}")


@db.command()
@output.config_option
@output.told
def salvage(config: str | None) -> None:
    """Look at everything, set damage aside, keep the rest.

    No recorder may run.
    """
    told = maintenance.salvage(directory_of(config))
    for text in told or ["nothing is damaged; nothing was set aside"]:
        click.echo(text)


@db.command()
@output.config_option
@output.json_option
@output.told
def migrate(config: str | None, *, as_json: bool) -> None:
    """Bring the journal of an older devicelog to this one.

    No recorder may run.
    """
    done = way.migrate(directory_of(config))
    if as_json:
        output.print_json(done)
    elif not done.backup:
        click.echo(f"the journal is of version {done.after}; nothing was to be done")
    else:
        click.echo(
            f"version {done.before} to {done.after}, {counted(done.entries, 'entry')};"
            f" before that: {done.backup}"
        )
