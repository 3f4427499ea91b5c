"""`devicelog export PSEUDONYM`: to stdout, to files, recorded before it is written."""

import csv
import io
import itertools
import json
import sqlite3

import msgspec
import pytest
from system.export.conftest import NAME, NOTE, NUMBER, made
from unit.export.clinic import Small

from devicelog.journal import schema
from devicelog.journal.directory import Directory
from devicelog.journal.reader import Reader
from devicelog.operations import master
from devicelog.operations.config import load


def lines(text):
    return [*csv.DictReader(io.StringIO(text))]


def test_a_patients_sessions_come_as_csv(site):
    told = site.export()
    rows = lines(told.stdout)
    assert [it["session_id"] for it in rows] == site.sessions
    assert {it["pseudonym"] for it in rows} == {site.code}
    assert [it["clinician"] for it in rows] == ["kb"] * 3
    assert rows[0]["notes"] == NOTE
    assert (rows[0]["said_site"], rows[0]["energy_j"]) == ("knee", "24.0")
    assert rows[0]["simulated"] == "true"
    assert "SIMULATED" in told.stderr
    assert "3 sessions" in told.stderr


def test_history_is_what_is_meant_without_a_command(site):
    told = site.run("export", "history", site.code, "--format", "ndjson")
    assert len(told.stdout.splitlines()) == 3


def test_the_suffix_says_which_form_it_is(site):
    path = site.folder / "history.json"
    told = site.export("-o", str(path), "--readings")
    assert told.stdout == ""
    document = json.loads(path.read_text())
    assert document["history"]["identity"]["name"] == NAME
    assert document["history"]["identity"]["record_number"] == NUMBER
    assert [len(it["series"]) for it in document["sessions"]] == [5, 5, 5]
    assert document["manual"][0]["notes"] == NOTE
    assert path.stat().st_mode & 0o777 == 0o600
    assert site.left == ["history.json"]


def test_a_span_is_in_the_clinics_own_time(site):
    rows = lines(site.export().stdout)
    day = rows[0]["started_at"][:10]
    assert lines(site.export("--to", day).stdout) == []
    assert len(lines(site.export("--from", day).stdout)) == 3


def test_the_readings_are_a_table_of_their_own(site):
    rows = lines(site.export("--readings").stdout)
    assert len(rows) == 15
    assert [it["time_left_s"] for it in rows[:3]] == ["300.0", "299.0", "298.0"]


def test_an_export_is_recorded_once_and_the_head_is_that_record(site):
    for form in ("csv", "json"):
        before = len(site.audits())
        told = site.export("--format", form)
        (record, *rest) = site.audits()
        assert len(rest) == before
        assert record["subject"] == site.code
        assert f"export {form}" in record["more"]
    with Reader(str(site.data)) as reader:
        seq, mac = reader.head()
    assert json.loads(told.stdout)["history"]["head"] == f"{seq}:{mac.hex()}"
    anchor = f"{seq}:{mac.hex()}"
    assert site.json("audit", "verify", "--anchor", anchor)["state"] == "ok"


def test_what_cannot_be_recorded_is_not_exported(site):
    held = Directory(str(site.data))
    held.take()  # as a recorder that does not answer
    try:
        path = site.folder / "history.csv"
        told = site.export("-o", str(path), code=4)
        assert site.export(code=4).stdout == ""
    finally:
        held.release()
    assert "no recorder answers" in told.stderr
    assert site.left == []


def test_without_the_key_nothing_is_recorded_and_so_nothing_exported(site):
    key = master.path_of(load(site.config).config)
    site.export()  # the chain has begun
    key.rename(key.with_name("away"))
    told = site.export(code=1)
    assert told.stdout == ""
    assert "master key" in told.stderr


def test_a_recorder_without_the_key_records_it_and_nobody_is_named(site):
    key = master.path_of(load(site.config).config)
    key.rename(key.with_name("away"))
    with site.recording():
        told = site.export("--format", "json")
    document = json.loads(told.stdout)
    assert document["history"]["pseudonym"] == site.code
    assert "identity" not in document["history"]
    assert "master key" in document["history"]["unnamed"]
    assert "nobody is named" in told.stderr
    assert len(document["sessions"]) == 3
    assert NAME not in told.stdout
    assert len(site.audits()) == 1


@pytest.mark.parametrize("typed", ["Canaria", "3333-333D"])
def test_who_is_no_patient_has_no_export(site, typed):
    told = site.run("export", typed, code=1)
    assert told.stdout == ""
    assert "no patient" in told.stderr or "no pseudonym" in told.stderr
    assert "Canaria" not in told.stderr
    assert site.audits() == []


def test_a_name_that_says_no_form_is_asked_about(site):
    told = site.export("-o", str(site.folder / "history"), code=1)
    assert "--format" in told.stderr
    assert site.left == []
    assert site.audits() == []


def test_readings_that_were_retired_are_told_and_the_exit_code_says_so(tmp_path):
    site = made(tmp_path)
    clinic = Small(site.data)
    with clinic.writer:
        clinic.clock.advance(1000)
        clinic.run = "run-2"
        clinic._n = itertools.count(1000)
        name = clinic.treat("us-1.us.20261125T101502Z", readings=300)
        clinic.assign(name, site.code, confirm=True)
        clinic.retire(name)
    assert len(lines(site.export().stdout)) == 4  # totals stand
    told = site.export("--readings", code=5)
    assert len(lines(told.stdout)) == 15
    assert "1 session without readings, by age" in told.stderr


def test_what_a_salvage_lost_is_told_and_the_exit_code_says_so(site):
    lose(site.data)
    told = site.export("--format", "json", code=5)
    document = json.loads(told.stdout)
    assert len(document["sessions"]) == 3
    assert document["history"]["absent"] == [
        "entries 7-9 of the journal, which were lost"
    ]
    assert "7-9" in told.stderr


def lose(directory):
    """As a salvage leaves it that could not read entries 7 to 9."""
    with Reader(str(directory)) as reader:
        meta = msgspec.structs.replace(reader.meta(), lost=((7, 9),))
    db = sqlite3.connect(directory / "journal.db")
    with db:
        db.execute("UPDATE meta SET body = ?, crc = ?", schema.meta_row(meta))
    db.close()


def test_the_line_for_the_notes_stands_alone(site):
    told = site.run("sessions", "show", site.sessions[0], "--line")
    assert told.stderr == ""
    assert told.stdout == (
        "US 1 MHz 50 % 0.8 W/cm2 (unknown) 5:00, 24 J, L knee, SIMULATED\n"
    )
