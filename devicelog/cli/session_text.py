"""One session in words, for the terminal."""

from collections.abc import Sequence

import click

from devicelog.cli import output
from devicelog.journal.reader import SessionRow
from devicelog.model.fields import FIELDS
from devicelog.model.flow import SessionEvent


def describe(row: SessionRow, events: Sequence[SessionEvent]) -> None:
    """Print it: head, events in order, totals with their units."""
    click.echo(f"{row.session_id}  {row.reason or 'open'}  {' '.join(row.flags)}")
    for event in events:
        click.echo(f"  {output.utc(event.at_ns)}  {event_in_words(event)}")
    for name, value in row.totals.items():
        unit = FIELDS[name].unit
        click.echo(f"  {name:24} {value:g} {'' if unit == '1' else unit}")


def event_in_words(event: SessionEvent) -> str:
    """What happened, in a short sentence."""
    lasted = ""
    if event.began_ns is not None:
        lasted = f" after {(event.at_ns - event.began_ns) / 1e9:.1f} s"
    match event.event:
        case "setting" | "timer_lengthened" | "timer_jump":
            return f"{event.event} {event.field}: {event.old} -> {event.new}"
        case "start" | "segment":
            settings = " ".join(f"{k}={v}" for k, v in event.values.items())
            return f"{event.event} {settings}"
        case "end":
            return f"end: {event.reason}"
        case "line_lost":
            return f"line lost ({event.cause})"
        case "fault":
            return f"fault {event.new or ''}"
        case _:
            return event.event.replace("_", " ") + lasted
