"""`db backup|restore`: a copy of the journal elsewhere, and back."""

import sys
from pathlib import Path

import click
from rich.progress import Progress

from devicelog.cli import output
from devicelog.errors import DevicelogError
from devicelog.journal.directory import JOURNAL
from devicelog.model.words import counted
from devicelog.operations import backups
from devicelog.operations.config import load, path_of

_path = click.Path(path_type=Path)


@click.command()
@output.config_option
@output.json_option
@click.option("--to", default="", metavar="DIR", help="In place of `[backup] to`.")
@click.option(
    "--keys",
    type=_path,
    metavar="FILE",
    help="Write the master key instead, under a passphrase, to a new file elsewhere.",
)
@output.told
def backup(config: str | None, *, as_json: bool, to: str, keys: Path | None) -> None:
    """Write a backup and open it; a recorder may run meanwhile."""
    loaded = load(path_of(config)).config
    if keys is not None:
        backups.elsewhere(loaded, keys)
        backups.back_up_keys(loaded, keys, _passphrase(new=True))
        click.echo(str(keys))
        return
    with Progress(transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("pages", total=None)
        made = backups.back_up(
            loaded,
            to,
            lambda left, total: progress.update(
                task, total=total, completed=total - left
            ),
        )
    if as_json:
        output.print_json(made)
        return
    click.echo(made.path)
    output.talk(
        f"{counted(made.entries, 'entry')}, whole; the newest record is {made.head}"
    )


@click.command()
@output.config_option
@output.json_option
@click.option(
    "--yes", is_flag=True, help="Replace a journal that is there without asking."
)
@click.option(
    "--keys",
    type=_path,
    metavar="FILE",
    help="The master key, as `db backup --keys` wrote it.",
)
@click.option(
    "--forgotten",
    "lists",
    type=_path,
    multiple=True,
    metavar="FILE",
    help="Another list of the forgotten.",
)
@click.argument("file", type=_path)
@output.told
def restore(
    config: str | None,
    file: Path,
    *,
    as_json: bool,
    yes: bool,
    keys: Path | None,
    lists: tuple[Path, ...],
) -> None:
    """Put the backup FILE in the place of the journal.

    No recorder may run. The journal that is there is set aside, and who was forgotten
    is forgotten again.
    """
    loaded = load(path_of(config)).config
    if not yes and (Path(loaded.journal.directory) / JOURNAL).exists():
        _sure(loaded.journal.directory)
    if keys is not None:
        backups.put_back_keys(loaded, keys, _passphrase(new=False))
    restored = backups.restore(loaded, file, lists)
    for missed in restored.missed:
        output.talk(f"not reached: {missed}")
    if as_json:
        output.print_json(restored)
        return
    click.echo(
        f"{counted(restored.entries, 'entry')}; the newest record is {restored.head}"
    )
    if restored.again:
        click.echo(f"forgotten again: {', '.join(restored.again)}")
    kept = restored.kept_in
    output.talk(
        f"the journal that was there is kept in {kept}"
        if kept
        else "no journal stood there"
    )


def _sure(directory: str) -> None:
    if not sys.stdin.isatty():
        raise DevicelogError(
            f"the journal in {directory} would be replaced",
            hint="if it is so, say it again with --yes",
        )
    click.confirm(f"Replace the journal in {directory}?", abort=True, err=True)


def _passphrase(*, new: bool) -> str:
    """Asked for at a terminal, twice if it is new; else a line of stdin."""
    if sys.stdin.isatty():
        prompted: str = click.prompt(
            "passphrase", hide_input=True, confirmation_prompt=new, err=True
        )
        return prompted
    return sys.stdin.readline().rstrip("\n")
