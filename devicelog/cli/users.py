"""`users`: who may come into the console, and as what. No password stands in argv."""

import sys

import click
import msgspec

from devicelog.cli import output
from devicelog.cli.asking import request_option, said
from devicelog.cli.tables import print_table
from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.model.users import ROLES, Role
from devicelog.operations.config import load, path_of
from devicelog.operations.master import keyring
from devicelog.records import users as records
from devicelog.records.passwords import hashed


class Listed(msgspec.Struct, frozen=True):
    """A user as `users list --json` tells them."""

    name: str
    role: Role
    disabled: bool


@click.group()
def users() -> None:
    """Who may come into the console, and as what."""


@users.command()
@output.config_option
@request_option
@click.option("--role", type=click.Choice(ROLES), required=True, help="As what.")
@click.argument("name")
@output.told
def add(config: str | None, name: str, *, role: str, request_id: str) -> None:
    """Add a user.

    The password is asked for, or read from a line of stdin.
    """
    kept = hashed(_password())
    said(config, "add_user", request_id=request_id, name=name, role=role, kept=kept)
    click.echo(f"{name} may come in as {role}")


@users.command(name="list")
@output.config_option
@output.json_option
@output.told
def list_(config: str | None, *, as_json: bool) -> None:
    """All of them by name."""
    loaded = load(path_of(config)).config
    ring = keyring(loaded)
    with Reader(loaded.journal.directory) as reader:
        found = [
            Listed(it.name, it.role, it.disabled)
            for it in records.everybody(reader, ring)
        ]
    if as_json:
        output.print_json(found)
        return
    if not found:
        output.talk("nobody may come in: `devicelog users add NAME --role admin`")
        return
    rows = [(it.name, it.role, "shut out" * it.disabled) for it in found]
    print_table(("name", "role", ""), rows)


@users.command()
@output.config_option
@request_option
@click.argument("name")
@output.told
def reset(config: str | None, name: str, *, request_id: str) -> None:
    """Another password, asked for or read from a line of stdin."""
    kept = hashed(_password())
    said(config, "change_user", request_id=request_id, name=name, kept=kept)
    click.echo(f"{name} has another password")


@users.command()
@output.config_option
@request_option
@click.option("--over", is_flag=True, help="Let them in again.")
@click.argument("name")
@output.told
def disable(config: str | None, name: str, *, over: bool, request_id: str) -> None:
    """Shut a user out, at once; what they did stays told."""
    said(config, "change_user", request_id=request_id, name=name, disabled=not over)
    click.echo(f"{name} {'may come in again' if over else 'is shut out'}")


def _password() -> str:
    if sys.stdin.isatty():
        asked = click.prompt("password", hide_input=True, confirmation_prompt=True)
        return str(asked)
    line = sys.stdin.readline().rstrip("\n")
    if not line:
        raise DevicelogError(
            "no password was given",
            hint="at the terminal, or a line of stdin",
        )
    return line
