"""`patients`: who is who. No name stands on a command line; each look is recorded."""

import sys
from typing import Any

import click

from devicelog.cli import output
from devicelog.cli.asking import request_option, said, yes_option
from devicelog.cli.patients_csv import import_
from devicelog.cli.session_table import print_sessions, tell_departed
from devicelog.cli.tables import print_table
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.audit import FORGET_REASONS, HOLD_REASONS
from devicelog.model.words import counted
from devicelog.operations import forgetting, people
from devicelog.operations.config import load, path_of
from devicelog.operations.desk import Written
from devicelog.records.patients import Person
from devicelog.records.request import View

_ASKED = ("name", "birth date", "record number")


@click.group()
def patients() -> None:
    """Who a pseudonym is. Names are asked for, or read from stdin or a file."""


@patients.command()
@output.config_option
@request_option
@yes_option
@output.told
def add(config: str | None, *, yes: bool, request_id: str) -> None:
    """Make a pseudonym for a patient.

    Name, birth date and record number are asked for; elsewhere than at a terminal they
    are read from stdin, a line each.
    """
    written = said(
        config, "add_patients", yes=yes, request_id=request_id, who=[_asked_who()]
    )
    click.echo(written.entries[0].subject)


@patients.command()
@output.config_option
@request_option
@click.argument("pseudonym")
@output.told
def change(config: str | None, pseudonym: str, *, request_id: str) -> None:
    """Correct who a pseudonym is; what was kept before is overwritten."""
    written = said(
        config,
        "change_patient",
        request_id=request_id,
        pseudonym=pseudonym,
        who=_asked_who(),
    )
    click.echo(f"{written.entries[0].subject} changed")


@patients.command(name="list")
@output.config_option
@output.json_option
@output.told
def list_(config: str | None, *, as_json: bool) -> None:
    """All patients by name; the look is recorded."""
    _print(people.everybody(load(path_of(config)).config), as_json=as_json)


@patients.command()
@output.config_option
@output.json_option
@output.told
def find(config: str | None, *, as_json: bool) -> None:
    """Search by name, birth date or record number.

    It is asked for, or read from stdin.
    """
    text = _ask("name, birth date or record number")
    _print(people.find(load(path_of(config)).config, text), as_json=as_json)


@patients.command()
@output.config_option
@output.json_option
@click.argument("pseudonym")
@output.told
def show(config: str | None, pseudonym: str, *, as_json: bool) -> None:
    """One patient by name, and the latest sessions.

    The look is recorded.
    """
    loaded = load(path_of(config)).config
    with Reader(loaded.journal.directory) as reader:
        code = View(reader).patient(pseudonym)
        rows = reader.sessions(pseudonym=code, limit=20)
        left = reader.departed(code)
    person = people.show(loaded, code)
    if as_json:
        output.print_json(person)
        return
    _print([person], as_json=False)
    print_sessions(rows)
    tell_departed(left)


@patients.command()
@output.config_option
@request_option
@yes_option
@click.option("--reason", type=click.Choice(FORGET_REASONS), required=True, help="Why.")
@click.argument("pseudonym")
@output.told
def forget(
    config: str | None, pseudonym: str, *, reason: str, yes: bool, request_id: str
) -> None:
    """Delete a patient's name and keys for good.

    The treatments become nobody's.
    """
    written = said(
        config,
        "forget",
        yes=yes,
        request_id=request_id,
        through=forgetting.forget,
        pseudonym=pseudonym,
        reason=reason,
    )
    click.echo(f"{written.entries[0].subject} is forgotten")
    _tell_aside(written)
    people.list_beside_backups(load(path_of(config)).config)


@patients.command()
@output.config_option
@request_option
@click.option("--reason", type=click.Choice(HOLD_REASONS), required=True, help="Why.")
@click.option("--over", is_flag=True, help="The reason is over.")
@click.argument("pseudonym")
@output.told
def hold(
    config: str | None, pseudonym: str, *, reason: str, over: bool, request_id: str
) -> None:
    """Keep a patient's record beyond its time.

    It cannot be forgotten meanwhile.
    """
    written = said(
        config,
        "hold",
        request_id=request_id,
        pseudonym=pseudonym,
        reason=reason,
        over=over,
    )
    click.echo(f"{written.entries[0].subject} is {'no longer ' * over}held: {reason}")


@patients.command()
@output.config_option
@request_option
@click.option(
    "--research/--no-research",
    "allowed",
    required=True,
    default=None,
    help="Treatments may go into research under the pseudonym, or may not.",
)
@click.argument("pseudonym")
@output.told
def consent(
    config: str | None, pseudonym: str, *, allowed: bool, request_id: str
) -> None:
    """Note what a patient allows; nothing is allowed until it was said."""
    written = said(
        config, "consent", request_id=request_id, pseudonym=pseudonym, allowed=allowed
    )
    told = "allows research" if allowed else "does not allow research"
    click.echo(f"{written.entries[0].subject} {told}")


patients.add_command(import_)


# --- Private ----------------------------------------------------------------------


def _tell_aside(written: Written) -> None:
    """What became of journals that lie aside, and which are not known to be clean."""
    stone = codec.decode("tombstone", bytes(written.entries[0].body))
    aside = stone.aside
    if aside.places:
        output.talk(
            "key and identity were blanked in journals that lie aside, too:"
            f" {counted(aside.places, 'place')} in"
            f" {counted(aside.files, 'file')}"
        )
    for path in aside.doubtful:
        output.talk(
            f"{path} could not be searched or changed: key and identity may still be"
            " in it; delete it once it is not needed"
        )


def _ask(what: str) -> str:
    """One answer, from the terminal or a line of stdin."""
    if sys.stdin.isatty():
        return str(click.prompt(what, default="", show_default=False, err=True)).strip()
    return sys.stdin.readline().strip()


def _asked_who() -> dict[str, Any]:
    if not sys.stdin.isatty():
        output.talk("reading name, birth date, record number from stdin, a line each")
    return {it.replace(" ", "_"): _ask(it) for it in _ASKED}


def _print(found: list[Person], *, as_json: bool) -> None:
    if as_json:
        output.print_json(found)
        return
    if not found:
        output.talk("no patient")
        return
    print_table(("pseudonym", *_ASKED), (_row(it) for it in found), whole=2)


def _row(it: Person) -> tuple[str, ...]:
    if it.who is None:
        return (it.pseudonym, "(does not open)", "", "")
    return (it.pseudonym, it.who.name, it.who.birth_date, it.who.record_number)
