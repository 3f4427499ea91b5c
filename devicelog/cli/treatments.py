"""`treatments`: all that one patient was given; add what no device recorded."""

from datetime import datetime
from typing import Any

import click

from devicelog.cli import output
from devicelog.cli.asking import (
    clinician_option,
    note_option,
    request_option,
    said,
    yes_option,
)
from devicelog.cli.facts_options import facts_of, facts_options, in_words
from devicelog.cli.tables import print_table
from devicelog.cli.times import MOMENT, ns_of
from devicelog.journal.reader import Reader
from devicelog.model.facts import MANUALS
from devicelog.model.said import REASONS
from devicelog.model.words import dose_in_words, settings_in_words
from devicelog.operations.config import load, path_of
from devicelog.records import manual
from devicelog.records.request import View


@click.group()
def treatments() -> None:
    """What one patient was given, by devices and by hand."""


@treatments.command()
@output.config_option
@request_option
@yes_option
@note_option
@facts_options
@click.option(
    "--minutes", required=True, type=click.FloatRange(0, 480), help="How long it took."
)
@click.option(
    "--at",
    type=MOMENT,
    help="When it began, in the clinic's time; without it, it has just ended.",
)
@clinician_option
@click.argument("pseudonym")
@click.argument("treatment", type=click.Choice(MANUALS))
@output.told
def add(
    config: str | None,
    pseudonym: str,
    treatment: str,
    *,
    minutes: float,
    at: datetime | None,
    clinician: str | None,
    with_note: bool,
    yes: bool,
    request_id: str,
    **facts: Any,
) -> None:
    """Write down a treatment that no device recorded."""
    written = said(
        config,
        "add_treatment",
        yes=yes,
        with_note=with_note,
        request_id=request_id,
        pseudonym=pseudonym,
        treatment=treatment,
        minutes=minutes,
        began_ns=ns_of(config, at),
        clinician=clinician,
        facts=facts_of(facts),
    )
    click.echo(f"{treatment} is written down as number {written.entries[0].seq}")


@treatments.command()
@output.config_option
@request_option
@note_option
@click.option(
    "--reason", type=click.Choice(REASONS), required=True, help="Why it is withdrawn."
)
@click.argument("number", type=click.IntRange(1))
@output.told
def withdraw(
    config: str | None, number: int, *, reason: str, with_note: bool, request_id: str
) -> None:
    """Say that a treatment was a mistake.

    It is kept as such.
    """
    said(
        config,
        "withdraw_treatment",
        with_note=with_note,
        request_id=request_id,
        seq=number,
        reason=reason,
    )
    click.echo(f"number {number} no longer stands")


@treatments.command(name="list")
@output.config_option
@output.json_option
@click.argument("pseudonym")
@output.told
def list_(config: str | None, pseudonym: str, *, as_json: bool) -> None:
    """All that one patient was given, newest first."""
    with Reader(load(path_of(config)).config.journal.directory) as reader:
        found = manual.history(reader, View(reader).patient(pseudonym))
    if as_json:
        output.print_json(found)
        return
    rows = [
        (
            it.started_ns,
            (
                it.session_id,
                dose_in_words(it.totals | it.derived),
                settings_in_words(it.settings),
                in_words(it.annotations),
            ),
        )
        for it in found.sessions
    ]
    rows += [
        (it.began_ns, (f"number {it.seq}", f"{it.minutes:g} min", it.treatment, words))
        for it in found.manual
        for words in (in_words(it.facts),)
    ]
    if not rows:
        output.talk("nothing is recorded")
        return
    rows.sort(reverse=True)
    columns = ("began", "what", "dose", "how", "said")
    print_table(columns, ((output.utc(at), *cells) for at, cells in rows), whole=3)
