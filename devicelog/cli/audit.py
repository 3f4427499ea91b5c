"""`audit`: who looked at whom and who changed what; whether that stands unchanged."""

import sys

import click
from rich.progress import Progress

from devicelog.cli import output
from devicelog.cli.tables import print_table
from devicelog.errors import DevicelogError, Incomplete
from devicelog.model.words import counted
from devicelog.operations.config import load, path_of
from devicelog.operations.master import keyring
from devicelog.records import audit as records


@click.group()
def audit() -> None:
    """Who looked at whom, who changed what, and whether that stands."""


@audit.command()
@output.config_option
@output.json_option
@click.option("--of", "subject", help="Only of this pseudonym or session.")
@output.limit_option
@output.told
def show(config: str | None, *, as_json: bool, subject: str | None, limit: int) -> None:
    """Records of consequence, the newest first; no names stand in them."""
    directory = load(path_of(config)).config.journal.directory
    rows = records.newest(directory, limit, subject)
    if as_json:
        output.print_json(rows)
        return
    columns = ("record", "at", "by", "what", "of", "more")
    print_table(
        columns,
        (
            (f"{it.seq}", output.utc(it.at_ns), it.by, it.what, it.subject, it.more)
            for it in rows
        ),
        whole=4,
    )


@audit.command()
@output.config_option
@output.json_option
@click.option(
    "--anchor",
    metavar="SEQ:MAC",
    help="A head that was printed or published before, as in 1234:9f3c0a77e1b2c3d4.",
)
@output.told
def verify(config: str | None, *, as_json: bool, anchor: str | None) -> None:
    """Whether every record is as it was written, and none is missing."""
    loaded = load(path_of(config)).config
    wanted = records.anchor_of(anchor) if anchor else None
    ring = keyring(loaded)
    with Progress(transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("records", total=None)
        verdict = records.verify(
            loaded.journal.directory,
            ring.chain_key,
            wanted,
            lambda count: progress.advance(task, count),
        )
    if as_json:
        output.print_json(verdict)
    else:
        left = f", {verdict.retired} retired by age" if verdict.retired else ""
        click.echo(
            f"{counted(verdict.records, 'record')} in the chain{left};"
            f" the newest is {verdict.head}"
        )
    _judge(verdict)


def _judge(verdict: records.Verdict) -> None:
    if verdict.state == "broken":
        raise DevicelogError(
            f"the chain is broken at record {verdict.first_bad}: {verdict.why}",
            hint="keep this journal as it is; compare it with a backup",
        )
    if verdict.state == "not provable":
        raise Incomplete(
            f"not provable: {verdict.why}",
            hint="say `--anchor SEQ:MAC`: heads stand on exports and in the daily log",
        )
    output.talk(f"ok: nothing was changed, up to the anchor {verdict.anchor}")
