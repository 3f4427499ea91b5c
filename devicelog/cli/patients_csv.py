"""`patients import`: many from a table, tried first without writing anything."""

import csv
import io
import sys
import uuid
from pathlib import Path
from typing import Final

import click
import msgspec

from devicelog.cli import output
from devicelog.cli.asking import said
from devicelog.errors import DevicelogError
from devicelog.model.words import counted
from devicelog.records.keys import Identity
from devicelog.records.patients import MANY, checked

_COLUMNS: Final = ("name", "birth_date", "record_number")


@click.command(name="import")
@output.config_option
@click.option("--dry-run", is_flag=True, help="Say what would be, and write nothing.")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@output.told
def import_(config: str | None, file: Path, *, dry_run: bool) -> None:
    """Read patients from a CSV FILE (-: stdin).

    Its first line names the columns: name, birth_date, record_number. Who is there
    already is left out.
    """
    rows, wrong = _read(_text(file))
    for line, why in wrong:
        output.talk(f"line {line}: {why}")
    if wrong:
        of = counted(len(rows) + len(wrong), "line")
        raise DevicelogError(
            f"{len(wrong)} of {of} cannot be taken",
            hint="correct them; nothing was written",
        )
    if dry_run:
        click.echo(
            f"{counted(len(rows), 'patient')} could be taken; nothing was written"
        )
        return
    added = sum(_add(config, rows[at : at + MANY]) for at in range(0, len(rows), MANY))
    there = len(rows) - added
    click.echo(f"{counted(added, 'patient')} added, {there} already there")


def _add(config: str | None, rows: list[Identity]) -> int:
    who = [msgspec.to_builtins(it) for it in rows]
    id_ = uuid.uuid4().hex
    written = said(config, "add_patients", request_id=id_, who=who, skip_known=True)
    return len(written.entries)


def _text(file: Path) -> str:
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise DevicelogError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise DevicelogError(
            f"{file} is not in UTF-8", hint="save the table as CSV, UTF-8"
        ) from None


def _read(text: str) -> tuple[list[Identity], list[tuple[int, str]]]:
    """What can be taken; and by line, without repeating it, what cannot and why."""
    head = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text), delimiter=";" if ";" in head else ",")
    names = [it.strip().lower() for it in next(rows, [])]
    if "name" not in names or not set(names) <= set(_COLUMNS):
        raise DevicelogError(
            "the first line does not name the columns",
            hint=f"{', '.join(_COLUMNS)}; only the first is needed, others are refused",
        )
    good: list[Identity] = []
    wrong: list[tuple[int, str]] = []
    for cells in rows:
        if len(cells) != len(names):
            if any(cells):
                told = f"{len(cells)} cells, not {len(names)}"
                wrong.append((rows.line_num, told))
            continue
        try:
            good.append(checked(Identity(**dict(zip(names, cells, strict=True)))))
        except DevicelogError as error:
            wrong.append((rows.line_num, error.message))
    return good, wrong
