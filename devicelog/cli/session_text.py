"""One session in words, for the terminal."""

from collections.abc import Sequence
from typing import Final

import click
import msgspec

from devicelog.cli import output
from devicelog.cli.facts_options import in_words
from devicelog.journal.reader import SessionRow
from devicelog.model.facts import Facts
from devicelog.model.fields import FIELDS
from devicelog.model.flow import SessionEvent
from devicelog.model.kinds import ReceiptBody
from devicelog.model.words import settings_in_words, values_in_words
from devicelog.records.derived import Session
from devicelog.records.story import SaidOf

_PLAIN: Final = ("1", "{count}")  # UCUM for numbers without a unit


def describe(
    row: SessionRow,
    events: Sequence[SessionEvent],
    said: Sequence[SaidOf] = (),
    receipt: ReceiptBody | None = None,
) -> None:
    """Print it: head, events in order, totals with units, what people said, receipt."""
    how = (row.reason or "open").replace("_", " ")
    click.echo("  ".join((row.session_id, how, *row.flags)))
    click.echo(f"  {settings_in_words(row.settings)}")
    for event in events:
        click.echo(f"  {output.utc(event.at_ns)}  {event_in_words(event)}")
    derived = row.derived if isinstance(row, Session) else {}
    for name, value in (*row.totals.items(), *derived.items()):
        unit = FIELDS[name].unit if name in FIELDS else ""
        shown = "" if unit in _PLAIN else unit
        click.echo(f"  {name:24} {value:.4g} {shown}".rstrip())
    if isinstance(row, Session):
        if row.head:
            click.echo(f"  head {row.head}, as the {row.head_source} says")
        if row.uncorrected:
            click.echo(f"  its dose is not corrected: {row.uncorrected}")
    for it in said:
        click.echo(f"  {output.utc(it.at_ns)}  {it.by}: {said_in_words(it)}")
    if row.open:
        click.echo("  its dose so far: `devicelog status`")
    if receipt is not None:
        click.echo(f"  receipt: {receipt_in_words(receipt)}")


def receipt_in_words(receipt: ReceiptBody) -> str:
    """What became of its readings, station by station."""
    stations = ("decoded", "kept", "published", "stored")
    counts = [(getattr(receipt, name), name) for name in stations]
    told = [f"{count} {name}" for count, name in counts if count is not None]
    return ", ".join((receipt.state, *told))


def said_in_words(it: SaidOf) -> str:
    """What a person said of it, in a short sentence."""
    told = [it.what, *(_fact(name, value) for name, value in it.facts.items())]
    said = " ".join(filter(None, told)).replace("_", " ")
    return said + ("; with a note" if it.note else "")


def _fact(name: str, value: object) -> str:
    if name == "facts":
        return in_words(msgspec.convert(value, Facts))
    if isinstance(value, tuple):
        return f"{name} {', '.join(value)}" if value else ""
    return f"{name} {value}"


def event_in_words(event: SessionEvent) -> str:
    """What happened, in a short sentence."""
    lasted = ""
    if event.began_ns is not None:
        lasted = f" after {(event.at_ns - event.began_ns) / 1e9:.1f} s"
    match event.event:
        case "setting" | "timer_lengthened" | "timer_jump":
            return f"{event.event} {event.field}: {event.old} -> {event.new}"
        case "start" | "segment":
            return f"{event.event} {values_in_words(event.values)}"
        case "end":
            return f"end: {event.reason}"
        case "line_lost":
            return f"line lost ({event.cause})"
        case "fault":
            return f"fault {event.new or ''}"
        case _:
            return event.event.replace("_", " ") + lasted
