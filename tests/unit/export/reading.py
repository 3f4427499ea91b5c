"""Exports read back, by their own words alone: cells as the journal would hold them."""

import csv
import io
import json
from datetime import UTC, datetime

from devicelog.export.rows import TABLES, each, tables
from devicelog.export.tables import Options
from devicelog.export.text import unguarded
from devicelog.export.writers import FORMS

SECOND = 1_000_000_000


def written(source, suffix, *, readings=False):
    """The bytes of this form, and how many rows it says it has."""
    out = io.BytesIO()
    counts = FORMS[suffix].write(
        out,
        source,
        Options(table="readings" if readings else "sessions", readings=readings),
    )
    return out.getvalue(), counts


def columns(name):
    return {it.name: it for it in TABLES[name].columns}


def wanted(source, name):
    """What a table holds, row by row, without what is not known or empty."""
    table = tables(source.history)[name]
    return [
        known(dict(zip(table.names, row, strict=True))) for row in each(source, table)
    ]


def known(row):
    return {name: it for name, it in row.items() if it not in (None, "")}


def from_csv(data, name):
    told = columns(name)
    lines = csv.DictReader(io.StringIO(data.decode(), newline=""))
    return [
        known({it: from_text(told[it], cell) for it, cell in line.items()})
        for line in lines
    ]


def from_text(column, cell):
    if cell == "":
        return None
    match column.type:
        case "int":
            return int(cell)
        case "float":
            return float(cell)
        case "bool":
            return {"true": True, "false": False}[cell]
        case "time":
            return ns_of(cell)
    return cell if column.closed else unguarded(cell)


def from_objects(objects, name):
    told = columns(name)
    return [
        known(
            {
                it: ns_of(cell) if told[it].type == "time" else cell
                for it, cell in row.items()
            }
        )
        for row in objects
    ]


def from_ndjson(data, name):
    return from_objects(map(json.loads, data.splitlines()), name)


def ns_of(text):
    whole, rest = text.removesuffix("Z").split(".")
    second = datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp()
    assert len(rest) == 9
    return int(second) * SECOND + int(rest)
