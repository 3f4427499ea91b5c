"""`calibration`: checks of heads and devices, what is due, whom a bad head touched."""

from collections.abc import Sequence
from datetime import datetime

import click

from devicelog.cli import output
from devicelog.cli.asking import request_option, said
from devicelog.cli.session_table import tell_departed, whose
from devicelog.cli.tables import print_table
from devicelog.cli.times import MOMENT, ns_of
from devicelog.clock import SystemClock
from devicelog.journal.reader import Reader
from devicelog.model.said import CHECKS, LEVELS, MODES, WRONG_CHECK
from devicelog.model.words import counted, dose_in_words
from devicelog.operations.config import load, path_of
from devicelog.records import calibration as checking
from devicelog.records.recall import recall as recalling


@click.group()
def calibration() -> None:
    """Output checks, timers, electrical safety; what is due; recall of a head."""


@calibration.command()
@output.config_option
@request_option
@click.option("--head", help="The head that was checked: its serial number or id.")
@click.option("--device", help="The device that was checked.")
@click.option(
    "--check",
    default="output",
    show_default=True,
    type=click.Choice(CHECKS),
    help="What was checked.",
)
@click.option(
    "--level",
    default="annual",
    show_default=True,
    type=click.Choice(LEVELS),
    help="How thoroughly.",
)
@click.option("--frequency-mhz", type=float, help="At which ultrasonic frequency.")
@click.option("--mode", type=click.Choice(MODES), help="In which mode.")
@click.option(
    "--point",
    "points",
    multiple=True,
    metavar="SHOWN:MEASURED",
    help="W for output, s for a timer; may be repeated.",
)
@click.option(
    "--passed/--failed", default=None, help="For electrical safety: how it ended."
)
@click.option("--on", type=MOMENT, help="When; without it, now.")
@click.option("--checker", metavar="CODE", help="Who checked: a short code.")
@click.option("--instrument", metavar="CODE", help="What it was measured with.")
@output.told
def add(
    config: str | None,
    *,
    head: str | None,
    device: str | None,
    check: str,
    level: str,
    frequency_mhz: float | None,
    mode: str | None,
    points: tuple[str, ...],
    passed: bool | None,
    on: datetime | None,
    checker: str | None,
    instrument: str | None,
    request_id: str,
) -> None:
    """Write down a check.

    Its error, and whether it passed, are reckoned.
    """
    if (head is None) == (device is None):
        raise click.UsageError("either --head or --device")
    written = said(
        config,
        "add_check",
        request_id=request_id,
        thing="head" if head else "device",
        name=head or device,
        check=check,
        level=level,
        frequency_mhz=frequency_mhz,
        mode=mode,
        points=[_point(it) for it in points],
        passed=passed,
        on_ns=ns_of(config, on),
        checker=checker,
        instrument=instrument,
    )
    with Reader(_directory(config)) as reader:
        made = {it.seq: it for it in checking.checks(reader)}
    it = made[written.entries[0].seq]
    click.echo(f"number {it.seq}: {it.name} {_in_words(it)}")


@calibration.command()
@output.config_option
@request_option
@click.option(
    "--reason",
    type=click.Choice(WRONG_CHECK),
    required=True,
    help="Why it is withdrawn.",
)
@click.argument("number", type=click.IntRange(1))
@output.told
def withdraw(config: str | None, number: int, *, reason: str, request_id: str) -> None:
    """Say that a check was a mistake.

    It is kept as such.
    """
    said(config, "withdraw_check", request_id=request_id, seq=number, reason=reason)
    click.echo(f"number {number} no longer stands")


@calibration.command(name="list")
@output.config_option
@output.json_option
@click.option("--name", help="Only of this head or device.")
@output.told
def list_(config: str | None, *, name: str | None, as_json: bool) -> None:
    """Checks, the newest first."""
    with Reader(_directory(config)) as reader:
        made = checking.checks(reader)
    shown = [it for it in reversed(made) if name in (None, it.name)]
    if as_json:
        output.print_json(shown)
        return
    columns = ("number", "on", "of", "what", "level", "result")
    rows = [
        (str(it.seq), output.utc(it.on_ns), it.name, _what(it), it.level, _in_words(it))
        for it in shown
    ]
    _table(columns, rows, "no checks are written down")


@calibration.command()
@output.config_option
@output.json_option
@click.option("--all", "everything", is_flag=True, help="Also what is not yet due.")
@output.told
def due(config: str | None, *, everything: bool, as_json: bool) -> None:
    """What is to be checked now, the most urgent first."""
    with Reader(_directory(config)) as reader:
        found = checking.due(reader, SystemClock().wall_ns())
    shown = [it for it in found if everything or it.overdue]
    if as_json:
        output.print_json(shown)
        return
    rows = [
        (
            f"{it.thing} {it.name}",
            f"{it.check} {it.level}".replace("_", " "),
            output.utc(it.due_ns)[:10],
            output.utc(it.last_ns)[:10],
            it.why,
        )
        for it in shown
    ]
    _table(("of", "check", "due", "last", "why"), rows, "nothing is due")


@calibration.command()
@output.config_option
@output.json_option
@click.option(
    "--since", type=MOMENT, help="From then on; else since its last passed check."
)
@click.argument("head")
@output.told
def recall(
    config: str | None, head: str, *, since: datetime | None, as_json: bool
) -> None:
    """Sessions and pseudonyms that a bad head touched."""
    with Reader(_directory(config)) as reader:
        found = recalling(reader, head, ns_of(config, since))
    if as_json:
        output.print_json(found)
        return
    begin = output.utc(found.since_ns) if found.since_ns else "the first"
    output.talk(
        f"{counted(len(found.touched), 'session')},"
        f" {counted(len(found.pseudonyms), 'patient')} and"
        f" {found.unassigned} unassigned since {begin} ({found.why})"
    )
    tell_departed(found.departed, "; with which head is not known any more")
    rows = [
        (
            it.session.session_id,
            whose(it.session) or "-",
            it.source,
            dose_in_words(it.session.totals | it.session.derived),
        )
        for it in found.touched
    ]
    _table(("session", "for", "head known by", "dose"), rows, "")


def _directory(config: str | None) -> str:
    return load(path_of(config)).config.journal.directory


def _point(text: str) -> dict[str, float]:
    try:
        shown, measured = (float(it) for it in text.split(":"))
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no point; as in 10:9.2", param_hint="--point"
        ) from None
    return {"shown": shown, "measured": measured}


def _what(it: checking.Checked) -> str:
    at = f" {it.frequency_mhz:g} MHz {it.mode}" if it.frequency_mhz else ""
    return it.check.replace("_", " ") + at


def _in_words(it: checking.Checked) -> str:
    verdict = "passed" if it.passed else "failed"
    return verdict if it.error_pct is None else f"{verdict}, {it.error_pct:+g} %"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> None:
    if rows:
        print_table(columns, rows, whole=2)
    elif nothing:
        output.talk(nothing)
