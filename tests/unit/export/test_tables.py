"""What was exported, read back, is what the journal holds, field by field."""

import csv
import io
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from journals import entries
from unit.export.clinic import source
from unit.export.reading import (
    from_csv,
    from_ndjson,
    from_objects,
    ns_of,
    wanted,
    written,
)

from devicelog.export.columns import Column
from devicelog.export.history import Wanted
from devicelog.export.rows import Table
from devicelog.export.tables import csv_table, ndjson_table
from devicelog.export.text import guarded, moment, unguarded
from devicelog.model import codec

SECOND = 1_000_000_000
READ = {"csv": from_csv, "ndjson": from_ndjson}


@pytest.fixture
def told(reader):
    return source(reader)


@pytest.fixture
def hour(reader):
    """The first sessions of the day, on each of the devices."""
    first = next(source(reader).treatments()).started_ns
    return source(reader, Wanted(to_ns=first + 2400 * SECOND))


@pytest.mark.parametrize("form", READ)
@pytest.mark.parametrize("name", ["sessions", "readings"])
def test_read_back_it_is_what_was_told(told, hour, form, name):
    told = hour if name == "readings" else told
    data, counts = written(told, form, readings=name == "readings")
    found = READ[form](data, name)
    assert counts == {name: len(found)}
    assert {it["device"] for it in found} == {"us-1", "us-2", "if-1", "combo-1"}
    assert found == wanted(told, name)


@pytest.mark.parametrize("form", READ)
def test_readings_read_back_are_the_entries_of_the_journal(hour, day, form):
    """Against the journal itself, not against what the export makes of it."""
    data, _ = written(hour, form, readings=True)
    found = READ[form](data, "readings")
    names = {it.session_id for it in hour.treatments()}
    kept = {it.seq: it for it in entries(day) if it.kind == "reading"}
    kept = {seq: it for seq, it in kept.items() if it.subject in names}
    assert {it["seq"] for it in found} == kept.keys()
    for row in found:
        entry = kept[row["seq"]]
        body = codec.decode("reading", entry.body)
        assert row["at"] == entry.at_ns
        assert (row["session_id"], row["device"]) == (entry.subject, entry.device)
        assert {it: row[it] for it in body.values} == body.values
        assert (row["state"], row["frame"]) == (body.state, body.frame)
        assert (row["mono_ns"], row["thinned"]) == (body.mono_ns, body.thinned)


def test_sessions_read_back_are_those_of_the_journal(told, reader):
    data, _ = written(told, "csv")
    found = {it["session_id"]: it for it in from_csv(data, "sessions")}
    for row in reader.sessions():
        it = found[row.session_id]
        assert (it["started_at"], it.get("ended_at")) == (row.started_ns, row.ended_ns)
        assert it["end_reason"] == row.reason
        assert it.get("pseudonym", "") == row.pseudonym
        assert it.get("flags", "").split() == [*row.flags]
        told = {name: it[name] for name in {**row.settings, **row.totals}}
        assert told == row.settings | row.totals


def test_the_document_holds_everything(hour):
    told = hour
    data, counts = written(told, "json", readings=True)
    document = json.loads(data)
    assert document["history"]["simulated"] is True
    assert document["history"]["schema"] == 1
    assert document["history"]["site"] == "sim-test"
    sessions = document["sessions"]
    parts = {"events": "events", "readings": "series"}
    inner = {name: [it.pop(key) for it in sessions] for name, key in parts.items()}
    assert from_objects(sessions, "sessions") == wanted(told, "sessions")
    for name, lists in inner.items():
        rows = [row for some in lists for row in some]
        assert from_objects(rows, name) == wanted(told, name)
        assert counts[name] == len(rows)
    book = document["columns"]["readings"]
    assert {"name": "intensity_w_cm2", "unit": "W/cm2", "type": "float"}.items() <= (
        next(it for it in book if it["name"] == "intensity_w_cm2").items()
    )


def test_manual_treatments_are_in_the_document(small):
    code = small.add()
    small.ask("add_treatment", pseudonym=code, treatment="massage", minutes=12.5)
    with small.reader() as reader:
        told = source(reader)
        document = json.loads(written(told, "json")[0])
        assert from_objects(document["manual"], "manual") == wanted(told, "manual")
    (it,) = document["manual"]
    assert (it["treatment"], it["minutes"], it["pseudonym"]) == ("massage", 12.5, code)


# --- One column of anything -----------------------------------------------------------


def column(type_, cells):
    """What a column of these cells looks like in CSV, read by the csv module."""
    table = Table("sessions", "", (Column("it", "1", type_, "", ""),), lambda: ())
    out = io.BytesIO()
    assert csv_table(out, table, [(cell,) for cell in cells]) == len(cells)
    name, *lines = csv.reader(io.StringIO(out.getvalue().decode(), newline=""))
    assert name == ["it"]
    return [(line or [""])[0] for line in lines]


FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(FLOATS, min_size=1))
@example([0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 1e16, 123456789.123456789])
def test_numbers_are_read_back_as_they_were(numbers):
    assert [*map(float, column("float", numbers))] == numbers
    assert [*map(repr, map(float, column("float", numbers)))] == [*map(repr, numbers)]
    table = Table("sessions", "", (Column("it", "1", "float", "", ""),), lambda: ())
    out = io.BytesIO()
    ndjson_table(out, table, [(it,) for it in numbers])
    found = [json.loads(it)["it"] for it in out.getvalue().splitlines()]
    assert [*map(repr, map(float, found))] == [*map(repr, numbers)]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_whole_numbers_too(numbers):
    assert [*map(int, column("int", numbers))] == numbers


def test_a_negative_number_stays_a_number():
    assert column("float", [-1.5, -0.25]) == ["-1.5", "-0.25"]
    assert column("int", [-7]) == ["-7"]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\n=1", "'\n'=1"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("x;=1+1", "x;'=1+1"),  # a programme may split at it
        ("＝1", "'＝1"),  # noqa: RUF001
        ("'=1", "''=1"),
        ("O'Brien", "O'Brien"),
        ("'quoted'", "'quoted'"),
        ("a=1", "a=1"),
        ("5-6", "5-6"),
        ("", ""),
    ],
)
def test_a_text_cannot_become_a_formula(text, cell):
    assert column("text", [text]) == [cell]
    assert unguarded(cell) == text


HOSTILE = st.text(st.sampled_from("=+-@\t\r\n;,'\"aé1＝"), max_size=12)  # noqa: RUF001


@settings(max_examples=500)
@given(HOSTILE | st.text(max_size=12).filter(lambda it: "\x00" not in it))
def test_no_text_begins_as_a_formula_and_all_are_read_back(text):
    cell = guarded(text)
    assert unguarded(cell) == text
    for split in ("\x00", ";", "\t", "\n", "\r"):
        for part in cell.split(split):
            assert part[:1] not in tuple("=+-@＝＋－＠")  # noqa: RUF001
    assert cell[:1] not in ("\t", "\r", "\n")


@given(st.integers(-(2**62), 2**62))
def test_times_are_read_back_to_the_nanosecond(at_ns):
    assert ns_of(moment(at_ns)) == at_ns
