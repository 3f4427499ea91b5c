"""`sessions annotate`: what a person adds to a session."""

from typing import Any

import click

from devicelog.cli import output
from devicelog.cli.asking import note_option, request_option, said
from devicelog.cli.facts_options import facts_of, facts_options
from devicelog.model.facts import NAMES


@click.command()
@output.config_option
@request_option
@note_option
@facts_options
@click.option(
    "--withdraw",
    multiple=True,
    type=click.Choice(NAMES),
    metavar="FACT",
    help="What was said of this no longer stands; may be repeated.",
)
@click.argument("session_id")
@output.told
def annotate(
    config: str | None,
    session_id: str,
    *,
    withdraw: tuple[str, ...],
    with_note: bool,
    request_id: str,
    **facts: Any,
) -> None:
    """Add site, areas, checks, response, pain.

    What the device said stays.
    """
    said(
        config,
        "annotate",
        with_note=with_note,
        request_id=request_id,
        session_id=session_id,
        facts=facts_of(facts),
        withdraw=withdraw,
    )
    click.echo(f"{session_id} annotated")
