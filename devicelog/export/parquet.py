"""Parquet: one table, its types, units and meanings in the schema. Needs pyarrow."""

import importlib
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, Final

import msgspec

from devicelog.export.columns import Type
from devicelog.export.history import Source
from devicelog.export.rows import Row, Table, each, tables
from devicelog.export.tables import Counts, Options, told
from devicelog.export.writers import missing

_GROUP: Final = 30_000  # rows a group: what is held in memory, as columns
_PIECE: Final = 1_000  # rows made columns together; more would not stay in the cache


def ready() -> None:
    """Raise Missing without pyarrow."""
    _arrow()


def write(out: BinaryIO, source: Source, options: Options) -> Counts:
    """One table. Metadata of each field: `unit`, `meaning`, `source`.

    Of the file: `devicelog` (the heading) and `columns` (the code book), as JSON.

    Raises Missing without pyarrow, before anything is written.
    """
    arrow, parquet = _arrow()
    table = tables(source.history)[options.table]
    schema = _schema(arrow, source, table)
    count, rows = 0, each(source, table)
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        while group := [*islice(_batches(arrow, schema, rows), _GROUP // _PIECE)]:
            columns = arrow.Table.from_batches(group)
            count += columns.num_rows
            writer.write_table(columns, row_group_size=_GROUP)
            del columns, group  # before the next are gathered
    return {table.name: count}


# --- Private ----------------------------------------------------------------------


def _arrow() -> tuple[Any, Any]:
    try:
        arrow = importlib.import_module("pyarrow")
        return arrow, importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise missing("Parquet", "parquet", error) from error


def _schema(arrow: Any, source: Source, table: Table) -> Any:
    types: dict[Type, Any] = {
        "text": arrow.string(),
        "int": arrow.int64(),
        "float": arrow.float64(),
        "bool": arrow.bool_(),
        "time": arrow.timestamp("ns", tz="UTC"),
    }
    fields = [
        arrow.field(
            it.name,
            types[it.type],
            metadata={"unit": it.unit, "meaning": it.meaning, "source": it.source},
        )
        for it in table.columns
    ]
    metadata = {
        "devicelog": msgspec.json.encode(told(source.history)),
        "columns": msgspec.json.encode(table.columns),
    }
    return arrow.schema(fields, metadata=metadata)


def _batches(arrow: Any, schema: Any, rows: Iterator[Row]) -> Iterator[Any]:
    while piece := [*islice(rows, _PIECE)]:
        arrays = [
            arrow.array(cells, it.type)
            for cells, it in zip(zip(*piece, strict=True), schema, strict=True)
        ]
        yield arrow.RecordBatch.from_arrays(arrays, schema=schema)
