"""`dashboards`: bring the shipped dashboards to Grafana, or see what differs there."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
import msgspec

from devicelog.cli import output
from devicelog.errors import ConfigError
from devicelog.grafana import push as work
from devicelog.grafana.push import Found
from devicelog.grafana.server import Grafana
from devicelog.grafana.wanted import Wanted, wanted
from devicelog.operations.config import load, path_of

_DIFFERS = 1


@click.group()
def dashboards() -> None:
    """Bring the dashboards to Grafana."""


@dashboards.command()
@output.config_option
@output.json_option
@click.option(
    "--secrets", is_flag=True, help="Write the data source's password or token again."
)
@output.told
def push(config: str | None, *, as_json: bool, secrets: bool) -> None:
    """Write what is missing in Grafana or differs.

    A second time writes nothing.
    """
    with _grafana(config) as (grafana, wants):
        found = work.push(grafana, wants, secrets=secrets)
    if as_json:
        output.print_json(found)
        return
    words = {"missing": "made", "differs": "changed", "same": "stood already"}
    for it in found:
        click.echo(f"{words[it.state]}: {it.kind} {it.title}")


@dashboards.command()
@output.config_option
@output.json_option
@click.pass_context
@output.told
def diff(ctx: click.Context, config: str | None, *, as_json: bool) -> None:
    """Say what a push would write; exit 1 if there is anything."""
    with _grafana(config) as (grafana, wants):
        found = work.look(grafana, wants)
    if as_json:
        output.print_json(found)
    else:
        for it in found:
            click.echo(_said(it))
    if any(it.state != "same" for it in found):
        ctx.exit(_DIFFERS)


# --- Private ----------------------------------------------------------------------


def _said(it: Found) -> str:
    where = ", ".join(it.where[:5])
    more = f" and {len(it.where) - 5} more" if len(it.where) > 5 else ""  # noqa: PLR2004
    return f"{it.state}: {it.kind} {it.title}" + (f" ({where}{more})" if where else "")


@contextmanager
def _grafana(config: str | None) -> Iterator[tuple[Grafana, Wanted]]:
    loaded = load(path_of(config)).config
    if isinstance(loaded.grafana, msgspec.UnsetType) or isinstance(
        loaded.influx, msgspec.UnsetType
    ):
        raise ConfigError(
            "there is no Grafana, or no store for it, in the configuration",
            hint="add [grafana] with url and token_file, and [influx]",
        )
    wants = wanted(
        loaded.grafana,
        loaded.influx,
        timezone=loaded.site.timezone,
        simulated=loaded.site.simulated,
    )
    grafana = Grafana(loaded.grafana)
    try:
        yield grafana, wants
    finally:
        grafana.close()
