"""Tables as text: CSV, JSON, one JSON object a line. A row is written as it comes.

Numbers are written so that they are read back as they were. Times are UTC in ISO 8601
with all nine decimals. What is not known is an empty cell of CSV, and left out of JSON.
"""

import csv
from collections.abc import Callable, Iterable
from io import TextIOWrapper
from typing import Any, BinaryIO, Final, cast

import msgspec

from devicelog.export.columns import Column
from devicelog.export.history import History, Source
from devicelog.export.rows import Cell, Name, Row, Table, each, of, tables
from devicelog.export.text import guarded, moment

_encode: Final = msgspec.json.Encoder().encode
_LINES: Final = 500  # handed over together


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`table`: of a form that holds one; `readings`: of a document, the readings too.

    `key`: what proves to who holds it too that an archive is of this clinic.
    `codes_file`: codes of others in FHIR; `language`: of a page.
    """

    table: Name = "sessions"
    readings: bool = False
    key: bytes | None = None
    codes_file: str = ""
    language: str = "en"


Counts = dict[str, int]  # rows that were written, by the name of their table


def write_csv(out: BinaryIO, source: Source, options: Options) -> Counts:
    """One table, its names in the first line; RFC 4180, UTF-8."""
    table = tables(source.history)[options.table]
    return {table.name: csv_table(out, table, each(source, table))}


def csv_table(out: BinaryIO, table: Table, rows: Iterable[Row]) -> int:
    """How many rows there were."""
    text = TextIOWrapper(out, "utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(table.names)
    changes = [
        (n, change)
        for n, it in enumerate(table.columns)
        if (change := _as_text(it)) is not None
    ]
    count = 0
    for row in rows:
        cells: list[Any] = [*row]
        for n, change in changes:
            if (cell := cells[n]) is not None:
                cells[n] = change(cell)
        writer.writerow(cells)
        count += 1
    text.detach()  # it would close what is not its own
    return count


def write_ndjson(out: BinaryIO, source: Source, options: Options) -> Counts:
    """One table, a JSON object a line."""
    table = tables(source.history)[options.table]
    return {table.name: ndjson_table(out, table, each(source, table))}


def ndjson_table(out: BinaryIO, table: Table, rows: Iterable[Row]) -> int:
    """How many rows there were."""
    shaped, count = _shape(table), 0
    for row in rows:
        out.write(_encode(shaped(row)) + b"\n")
        count += 1
    return count


def write_json(out: BinaryIO, source: Source, options: Options) -> Counts:
    """One document: the heading, the code book, each session with what belongs to it.

    `history`, `columns`, `sessions` (with `events`, and with the readings as `series`
    if they are asked for: `readings` is their count), `manual`.
    """
    some = tables(source.history)
    left_out = {"audit"} if options.readings else {"audit", "readings"}
    some = {name: it for name, it in some.items() if name not in left_out}
    counts: Counts = dict.fromkeys(some, 0)
    book = {name: it.columns for name, it in some.items()}
    out.write(b'{"history":' + _encode(told(source.history)))
    out.write(b',"columns":' + _encode(book) + b',"sessions":[')
    session = _shape(some["sessions"])
    inner = [(it, _shape(it)) for it in some.values() if it.name in _INNER]
    comma = b"\n"
    for treatment in source.treatments():
        (row,) = of(source, some["sessions"], treatment)
        out.write(comma + _encode(session(row))[:-1])
        counts["sessions"] += 1
        for table, shaped in inner:
            rows = map(shaped, of(source, table, treatment))
            counts[table.name] += _array(out, _INNER[table.name], rows)
        out.write(b"}")
        comma = b",\n"
    out.write(b"\n]")
    if "manual" in some:
        rows = map(_shape(some["manual"]), each(source, some["manual"]))
        counts["manual"] = _array(out, b',"manual":[', rows)
    out.write(b"}\n")
    return counts


def told(history: History) -> dict[str, Any]:
    """The heading as JSON tells it: times as text, what is unknown left out."""
    wanted = history.wanted
    times = {
        "made_at": history.made_ns,
        "from": wanted.from_ns,
        "to": wanted.to_ns,
    }
    rest: dict[str, Any] = msgspec.to_builtins(history)
    for name in ("wanted", "made_ns"):
        del rest[name]
    found = {"pseudonym": wanted.pseudonym} | rest
    found |= {name: moment(at) for name, at in times.items() if at is not None}
    return {name: it for name, it in found.items() if it not in (None, "")}


# --- Private ----------------------------------------------------------------------

_INNER: Final[dict[Name, bytes]] = {
    "events": b',"events":[',
    "readings": b',"series":[',
}


def _array(out: BinaryIO, opening: bytes, objects: Iterable[dict[str, Cell]]) -> int:
    """Its members, a line each; how many there were."""
    count = 0
    out.write(opening)
    for count, it in enumerate(objects, 1):
        out.write((b"," if count > 1 else b"") + b"\n" + _encode(it))
    out.write(b"]")
    return count


def _shape(table: Table) -> Callable[[Row], dict[str, Cell]]:
    """What makes an object of a row."""
    names = table.names
    times = [it.name for it in table.columns if it.type == "time"]

    def shaped(row: Row) -> dict[str, Cell]:
        found: dict[str, Cell] = {
            name: it for name, it in zip(names, row, strict=True) if it is not None
        }
        for name in times:
            if name in found:
                found[name] = moment(cast("int", found[name]))
        return found

    return shaped


def _as_text(column: Column) -> Callable[[Any], str] | None:
    """What the csv module would not write so; numbers it writes by `repr`."""
    match column.type:
        case "time":
            return moment
        case "bool":
            return _word
        case "text":
            return None if column.closed else guarded
        case _:
            return None


def _word(value: bool) -> str:  # noqa: FBT001  (it is the cell)
    return "true" if value else "false"
