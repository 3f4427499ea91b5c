"""What a history tells is what the journal holds, in order, a page at a time."""

import pytest
from journals import entries
from unit.export.clinic import MASTER, source

from devicelog.export import gather, series
from devicelog.export.history import Wanted
from devicelog.export.rows import TABLES
from devicelog.journal import queries
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.records.keys import Keyring

SECOND = 1_000_000_000


def test_all_sessions_come_once_in_order_of_their_start(reader, monkeypatch):
    monkeypatch.setattr(gather, "_PAGE", 7)
    told = [*source(reader).treatments()]
    wanted = sorted(reader.sessions(), key=lambda it: (it.started_ns, it.session_id))
    assert len(told) > 30
    assert [it.session_id for it in told] == [it.session_id for it in wanted]
    assert source(reader).count() == len(told)


def test_a_patient_has_her_sessions_and_no_others(reader):
    whose = {it.pseudonym for it in reader.sessions()} - {""}
    assert len(whose) > 10
    found = 0
    for code in whose:
        told = [*source(reader, Wanted(pseudonym=code)).treatments()]
        assert {it.pseudonym for it in told} == {code}
        found += len(told)
    assert found == len([it for it in reader.sessions() if it.pseudonym])
    assert not [*source(reader, Wanted(pseudonym="")).treatments()]


def test_a_patients_sessions_are_found_by_an_index(reader):
    page = queries.Page(after_ns=0, after_id="", pseudonym="x")
    asked = {"after_ns": 0, "after_id": "", "pseudonym": "x", "limit": 1}
    for query in (queries.in_order(page), queries.counted(page)):
        plan = reader._rows("EXPLAIN QUERY PLAN " + query, asked)
        steps = [row[3] for row in plan]
        assert not [it for it in steps if it.startswith("SCAN")], steps


def test_the_heads_of_one_session_are_found_by_an_index(reader):
    said = []
    reader._db.set_trace_callback(said.append)
    heads = {it.session_id: reader.heads(it.session_id) for it in reader.sessions()}
    reader._db.set_trace_callback(None)
    asked = {it for it in said if "FROM heads" in it}
    assert sum(map(len, heads.values())) == len(reader.heads()) > 20
    for query in asked:
        (step,) = reader._rows("EXPLAIN QUERY PLAN " + query)
        assert step[3].startswith("SEARCH"), step


def test_a_span_holds_its_first_moment_and_not_its_last(reader):
    starts = [it.started_ns for it in source(reader).treatments()]
    wanted = Wanted(from_ns=starts[3], to_ns=starts[9])
    told = [it.started_ns for it in source(reader, wanted).treatments()]
    assert told == starts[3:9]


def test_readings_are_those_of_the_journal_in_order(reader, day, monkeypatch):
    monkeypatch.setattr(series, "_PAGE", 50)
    of = {}
    for it in entries(day):
        if it.kind == "reading" and it.subject:
            of.setdefault(it.subject, []).append(it)
    told = source(reader)
    for treatment in told.treatments():
        wanted = of[treatment.session_id]
        found = [*told.readings(treatment)]
        assert [it.seq for it in found] == [it.seq for it in wanted]
        bodies = [codec.decode("reading", it.body) for it in wanted]
        assert [it.values for it in found] == [it.values for it in bodies]
        assert [it.frame for it in found] == [it.frame for it in bodies]
        assert {it.profile for it in bodies} == {treatment.profile_hash}


def test_names_of_profiles_and_makers_are_told(reader):
    told = {it.device: it for it in source(reader).treatments()}
    assert told["us-1"].profile == "us-modbus"
    assert told["us-1"].maker.serial == "SIM00001"
    assert told["if-1"].modality == "if"
    assert told["us-2"].modality == "us"


def test_the_local_offset_follows_the_clock_change(small):
    """2026-03-29 01:00 UTC: from UTC+1 to UTC+2 in Berlin."""
    small.clock.step_wall(1_774_745_990 - small.clock.wall_ns() / SECOND)
    small.treat(readings=20)
    with small.reader() as reader:
        (told,) = source(reader).treatments()
    assert (told.start_offset_min, told.end_offset_min) == (60, 120)


def test_an_open_session_has_no_end(small):
    small.start()
    with small.reader() as reader:
        (told,) = source(reader).treatments()
    assert (told.ended_ns, told.end_offset_min, told.retired) == (None, None, False)


def test_a_session_without_its_readings_says_that_they_were_retired(small):
    name = small.treat(readings=300)
    small.retire(name)
    with small.reader() as reader:
        (treatment,) = source(reader).treatments()
        assert [*source(reader).readings(treatment)] == []
        row = next(rows("sessions", source(reader)))
    assert treatment.retired == 300
    assert treatment.totals["energy_j"] == 24.0
    cells = dict(zip(TABLES["sessions"].names, row, strict=True))
    assert (cells["readings_retired"], cells["readings"]) == (True, 300)


def test_the_last_receipt_counts(small):
    first, second = small.treat("us-1.us.1"), small.treat("us-1.us.2")
    small.receive(first, kept=4)
    for n in range(30):
        small.ask("annotate", session_id=first, facts={"pain_before": n % 10})
    small.receive(first, kept=5)
    small.ask("annotate", session_id=first, facts={"side": "left"})
    with small.reader() as reader:
        told = {it.session_id: it for it in source(reader).treatments()}
    assert told[first].receipt.kept == 5
    assert told[first].annotations.side == "left"
    assert told[second].receipt is None


def test_notes_are_opened_with_the_keys_alone(small):
    code = small.add()
    name = small.treat()
    small.assign(name, code, note="by her sister")
    small.ask("annotate", session_id=name, note="sore")
    small.ask(
        "add_treatment", pseudonym=code, treatment="massage", minutes=10, note="calf"
    )
    for ring, notes, manual in (
        (Keyring(MASTER), ("by her sister", "sore"), ("calf",)),
        (None, (), ()),
    ):
        with Reader(str(small.directory)) as reader:
            told = source(reader, Wanted(pseudonym=code), ring=ring)
            (treatment,), (given,) = told.treatments(), told.manual()
        assert treatment.notes == notes
        assert given.notes == manual


def test_rows_are_as_long_as_their_tables(reader):
    told = source(reader)
    for treatment in told.treatments():
        row = TABLES["sessions"].row(told.history, treatment)
        assert len(row) == len(TABLES["sessions"].columns)
        for sample in told.readings(treatment):
            row = TABLES["readings"].row(told.history, treatment, sample)
            assert len(row) == len(TABLES["readings"].columns)
        for event in told.events(treatment):
            row = TABLES["events"].row(told.history, treatment, event)
            assert len(row) == len(TABLES["events"].columns)


@pytest.mark.parametrize("name", TABLES)
def test_cells_are_of_their_columns_type(reader, small, name):
    kinds = {"text": str, "int": int, "time": int, "bool": bool, "float": (float, int)}
    code = small.add()
    small.ask("add_treatment", pseudonym=code, treatment="massage", minutes=10)
    table = TABLES[name]
    with small.reader() as other:
        for journal in (reader, other):
            for row in rows(name, source(journal)):
                for column, cell in zip(table.columns, row, strict=True):
                    if cell is not None:
                        assert isinstance(cell, kinds[column.type]), column


def rows(name, told):
    table = TABLES[name]
    if name == "manual":
        yield from (table.row(told.history, it) for it in told.manual())
        return
    for it in told.treatments():
        match name:
            case "sessions":
                yield table.row(told.history, it)
            case "readings":
                yield from (
                    table.row(told.history, it, one) for one in told.readings(it)
                )
            case "events":
                yield from (table.row(told.history, it, one) for one in told.events(it))
