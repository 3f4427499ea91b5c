"""`export`: one patient's device history, in the form that the file's name asks for."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import click

from devicelog.cli import output
from devicelog.cli.times import MOMENT, ns_of
from devicelog.errors import DevicelogError, Incomplete
from devicelog.export.history import Origin, Wanted
from devicelog.export.writers import FORMS, form_of
from devicelog.model.words import counted
from devicelog.operations import exports
from devicelog.operations.config import load, path_of

_DEFAULT = "history"


class _Export(click.Group):
    """`export PSEUDONYM` says the same as `export history PSEUDONYM`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """What is no command of the group is for its default."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Export)
def export() -> None:
    """Export a patient's device history: `export PSEUDONYM -o FILE`.

    Without a command `history` is meant; its `--help` shows the options.
    """


@export.command()
@output.config_option
@click.option(
    "--from", "since", type=MOMENT, help="From then on, in the clinic's time."
)
@click.option("--to", "until", type=MOMENT, help="Up to then, that moment left out.")
@click.option(
    "--format", "form", type=click.Choice([*FORMS]), help="Else the file's suffix says."
)
@click.option("-o", "file", metavar="FILE", help="Where to; without it, to stdout.")
@click.option("--readings", is_flag=True, help="The readings of each session.")
@click.option("--all", "everybody", is_flag=True, help="Everybody, for research.")
@click.option(
    "--pseudonymous",
    is_flag=True,
    help="For research: no names, no notes, of those alone who allow it.",
)
@click.option("--shift-dates", is_flag=True, help="Each patient's by days of its own.")
@click.option(
    "--source",
    "origin",
    type=click.Choice(["journal", "influx"]),
    default="journal",
    show_default=True,
    help="The journal, or the store as it stands: it knows less.",
)
@click.argument("pseudonym", required=False)
@output.told
def history(
    config: str | None,
    pseudonym: str | None,
    *,
    since: datetime | None,
    until: datetime | None,
    form: str | None,
    file: str | None,
    readings: bool,
    everybody: bool,
    pseudonymous: bool,
    shift_dates: bool,
    origin: Origin,
) -> None:
    """One patient's sessions, by devices and by hand.

    The export is recorded.
    """
    if everybody == (pseudonym is not None):
        raise click.UsageError("one patient's: PSEUDONYM; or everybody's: --all")
    if (everybody or shift_dates) and not pseudonymous:
        raise click.UsageError("--all and --shift-dates are for --pseudonymous")
    if origin == "influx" and pseudonymous:
        raise click.UsageError("for research the journal is the source")
    chosen = form_of(form, file)
    if file is None and not chosen.text:
        raise click.UsageError(f"{chosen.suffix} goes into a file: -o FILE")
    wanted = Wanted(
        pseudonym=pseudonym,
        from_ns=ns_of(config, since),
        to_ns=ns_of(config, until),
    )
    asked = exports.Asked(
        wanted=wanted,
        form=chosen,
        path=None if file is None else Path(file),
        readings=readings,
        pseudonymous=pseudonymous,
        shift_dates=shift_dates,
        origin=origin,
    )
    chosen.ready()
    by = partial(exports.made, progress=_bar)
    _told(exports.export(load(path_of(config)), asked, by=by))


@export.command()
@output.config_option
@output.json_option
@click.argument("file", type=click.Path(path_type=Path))
@output.told
def verify(config: str | None, file: Path, *, as_json: bool) -> None:
    """Whether an archive is as it was exported; names what was changed."""
    from devicelog.operations import archives  # noqa: PLC0415  (no export needs it)

    verdict = archives.verify(file, path_of(config))
    if as_json:
        output.print_json(verdict)
    if verdict.changed:
        raise DevicelogError(
            f"{file} is not as it was exported. Changed: {', '.join(verdict.changed)}",
            hint="take the archive that was given, or export anew",
        )
    if not as_json:
        click.echo(f"{file}: {counted(verdict.files, 'file')}, each as it was exported")
        click.echo(f"made with the keys of: {verdict.origin}; head {verdict.head}")


# --- Private ----------------------------------------------------------------------


@contextlib.contextmanager
def _bar(total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, for what takes long; else nothing."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415  (a tenth of a second)
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(transient=True, console=Console(stderr=True)) as progress:
        task = progress.add_task("sessions", total=total)
        yield lambda: progress.advance(task)


def _rows(count: int, table: str) -> str:
    """`1 session`, `2 sessions`, of a table of that name; `1 manual`."""
    one = table.removesuffix("s")
    return f"{count} {table}" if one == table else counted(count, one)


def _told(done: exports.Done) -> None:
    """What was exported, in a line, and what must be known of it."""
    if done.simulated:
        output.talk("SIMULATED: no patient was treated")
    counts = ", ".join(_rows(count, name) for name, count in done.rows.items())
    output.talk(f"{counts} in {done.path}" if done.path else counts)
    if done.unnamed:
        output.talk(f"nobody is named: {done.unnamed}")
    for it in done.remarks:
        output.talk(it)
    for it in done.absent:
        output.talk(f"not in the store: {it}")
    if done.lacking:
        raise Incomplete("; ".join(done.lacking), hint="the file says so too")
