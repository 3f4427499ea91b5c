"""Parquet read back by pyarrow and by DuckDB: values, types and units."""

import json
import subprocess
import sys

import duckdb
import pyarrow.parquet
import pytest
from unit.export.clinic import source
from unit.export.reading import columns, known, wanted

from devicelog.export import parquet
from devicelog.export.history import Wanted
from devicelog.export.rows import TABLES
from devicelog.export.tables import Options
from devicelog.export.writers import FORMS
from devicelog.journal.reader import Reader
from devicelog.model.fields import FIELDS

SECOND = 1_000_000_000
TYPES = {
    "text": "VARCHAR",
    "int": "BIGINT",
    "float": "DOUBLE",
    "bool": "BOOLEAN",
    "time": "TIMESTAMPTZ_NS",
}


@pytest.fixture(scope="module")
def hour(day):
    with Reader(str(day)) as journal:
        first = next(source(journal).treatments()).started_ns
        yield source(journal, Wanted(to_ns=first + 2400 * SECOND))


@pytest.fixture(scope="module")
def files(hour, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parquet")
    found = {}
    for name in TABLES:
        found[name] = folder / f"{name}.parquet"
        with found[name].open("wb") as out:
            counts = FORMS["parquet"].write(out, hour, Options(table=name))
        assert counts == {name: len(wanted(hour, name))}
    return found


@pytest.mark.parametrize("name", TABLES)
def test_read_back_it_is_what_was_told(hour, files, name):
    read = pyarrow.parquet.read_table(files[name])
    times = [it.name for it in TABLES[name].columns if it.type == "time"]
    for time in times:
        place = read.schema.get_field_index(time)
        read = read.set_column(place, time, read[time].cast("int64"))
    assert [known(it) for it in read.to_pylist()] == wanted(hour, name)


@pytest.mark.parametrize("name", TABLES)
def test_duckdb_reads_types_and_units_of_the_code_book(files, name):
    book = columns(name)
    path = str(files[name])
    told = duckdb.execute("DESCRIBE SELECT * FROM read_parquet(?)", [path]).fetchall()
    assert {row[0]: row[1] for row in told} == {
        it: TYPES[column.type] for it, column in book.items()
    }
    found = duckdb.execute("SELECT key, value FROM parquet_kv_metadata(?)", [path])
    metadata = dict(found.fetchall())
    units = {it["name"]: it["unit"] for it in json.loads(metadata[b"columns"])}
    assert units == {it: column.unit for it, column in book.items()}
    assert json.loads(metadata[b"devicelog"])["simulated"] is True


def test_duckdb_reads_the_sums_of_the_journal(hour, files):
    path = str(files["sessions"])
    (found,) = duckdb.execute(
        "SELECT count(*), sum(energy_j), min(epoch_ns(started_at)),"
        " count(*) FILTER (WHERE simulated) FROM read_parquet(?)",
        [path],
    ).fetchall()
    rows = wanted(hour, "sessions")
    energy = sum(it.get("energy_j", 0.0) for it in rows)
    first = min(it["started_at"] for it in rows)
    assert found == (len(rows), pytest.approx(energy), first, len(rows))


@pytest.mark.parametrize("name", TABLES)
def test_each_field_carries_its_unit_and_meaning(files, name):
    schema = pyarrow.parquet.read_schema(files[name])
    for column in TABLES[name].columns:
        told = schema.field(column.name).metadata
        assert told[b"unit"].decode() == column.unit
        assert told[b"meaning"].decode() == column.meaning
        if column.name in FIELDS:
            assert told[b"unit"].decode() == FIELDS[column.name].unit


def test_groups_of_rows_bound_what_is_held(hour, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "_GROUP", 500)
    monkeypatch.setattr(parquet, "_PIECE", 100)
    with (tmp_path / "x.parquet").open("wb") as out:
        FORMS["parquet"].write(out, hour, Options(table="readings"))
    told = pyarrow.parquet.ParquetFile(tmp_path / "x.parquet").metadata
    sizes = [told.row_group(n).num_rows for n in range(told.num_row_groups)]
    assert {*sizes[:-1]} == {500}
    assert sum(sizes) == len(wanted(hour, "readings"))


def test_pyarrow_is_imported_by_nobody_else():
    script = (
        "import sys, devicelog.cli.export, devicelog.export.archive\n"
        "assert 'pyarrow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
