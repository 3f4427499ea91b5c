"""How commands ask for a write: questions are put to a person, notes are prompted.

No free text stands on a command line: others could see it there.
"""

import sys
import uuid
from collections.abc import Callable
from typing import Any

import click

from devicelog.cli import output
from devicelog.errors import Unconfirmed
from devicelog.operations.alone import write
from devicelog.operations.config import load, path_of
from devicelog.operations.desk import Written

yes_option = click.option(
    "--yes", is_flag=True, help="Do it without asking; what is asked is known."
)
note_option = click.option(
    "--note",
    "with_note",
    is_flag=True,
    help="Add a note: asked for at a terminal, else read from stdin; kept sealed.",
)
clinician_option = click.option(
    "--clinician", metavar="CODE", help="Who treated: a short code."
)
request_option = click.option("--request-id", default="", hidden=True)


def said(
    config: str | None,
    op: str,
    *,
    yes: bool = False,
    with_note: bool = False,
    request_id: str = "",
    through: Callable[..., Written] = write,
    **args: Any,
) -> Written:
    """Ask for this write; what is None is not said.

    Where a person must be sure, they are asked at a terminal, and told of `--yes`
    elsewhere. `through`: what writes it, where more is to be done than to write.
    """
    told = {name: value for name, value in args.items() if value is not None}
    if with_note:
        told["note"] = note()
    configured = load(path_of(config)).config
    id_ = request_id or uuid.uuid4().hex
    try:
        return through(configured, op, request_id=id_, confirm=yes, **told)
    except Unconfirmed as error:
        if not sys.stdin.isatty():
            raise Unconfirmed(
                error.message, hint="if it is so, say it again with --yes"
            ) from None
        click.confirm(f"{error.message}. Go on?", abort=True, err=True)
        return through(configured, op, request_id=id_, confirm=True, **told)


def note() -> str:
    """Free text, from the terminal or stdin: a command line is seen by others."""
    if sys.stdin.isatty():
        return str(click.prompt("note", err=True)).strip()
    output.talk("reading the note from stdin")
    return sys.stdin.read().strip()
