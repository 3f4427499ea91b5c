"""`report`: what a month was worth, as text, JSON, or one page."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from devicelog.cli import output
from devicelog.cli.tables import print_table
from devicelog.clock import SECOND, SystemClock
from devicelog.errors import DevicelogError
from devicelog.export.files import whole
from devicelog.export.monthly import facts, rendered, tables
from devicelog.export.texts import texts
from devicelog.export.words import Words
from devicelog.journal.reader import Reader
from devicelog.operations.ask import ask
from devicelog.operations.config import load, path_of
from devicelog.operations.opening import Opening
from devicelog.records.report import Report, span
from devicelog.records.report import report as counted


@click.command()
@output.config_option
@output.json_option
@click.option("--month", metavar="YYYY-MM", help="Which one; without it, this one.")
@click.option(
    "-o",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A page (.html) that needs nothing else.",
)
@output.told
def report(
    config: str | None, *, as_json: bool, month: str | None, file: Path | None
) -> None:
    """What became of a month's sessions: complete, with gaps, lost; what is overdue.

    Names no patient.
    """
    if file is not None and file.suffix.lower() != ".html":
        raise DevicelogError(f"{file} is no page", hint="as in -o report.html")
    loaded = load(path_of(config)).config
    zone, now_ns = ZoneInfo(loaded.site.timezone), SystemClock().wall_ns()
    asked = month or f"{datetime.fromtimestamp(now_ns / SECOND, zone):%Y-%m}"
    labels = {it.name: it.label for it in loaded.devices if it.label}
    directory = loaded.journal.directory
    with Reader(directory) as reader:
        made = counted(
            reader,
            asked,
            zone,
            now_ns,
            labels,
            opening=Opening(loaded.hours, zone).within(*span(asked, zone)),
            running=_runs(directory),
        )
    language = texts(loaded.export.language)
    if file is not None:
        with whole(file) as out:
            out.write(rendered(made, language, zone).encode())
        output.talk(f"{asked} in {file}")
    if as_json:
        output.print_json(made)
    elif file is None:
        _print(made, Words(language), zone)


def _runs(directory: str) -> bool:
    """Whether a recorder answers there now."""
    try:
        [*ask(directory, "status")]
    except DevicelogError:
        return False
    return True


def _print(made: Report, words: Words, zone: ZoneInfo) -> None:
    t = words.texts
    if made.simulated:
        output.talk(t("page.simulated"))
    click.echo(t("report.title", month=made.month))
    said = [*facts(made, words, zone)]
    width = max(len(name) for name, _ in said)
    for name, value in said:
        click.echo(f"{name:{width}}  {value}")
    for table in tables(made, words, zone):
        click.echo(f"\n{t(f'report.{table.heading}')}")
        if table.rows:
            print_table([t(f"report.{it}") for it in table.columns], table.rows)
        else:
            click.echo(t("report.none"))
