"""The store as a source agrees with the journal, column by column, on a real server."""

import io
import json
import re
import shutil
import zipfile
from datetime import date

import pytest
from contract.grafana import days
from journals import SITE, fill, writer
from requires import paper, tool
from servers.influxdb import InfluxDB
from system.commands.site import Site
from system.export.drawing import said
from unit.export.clinic import ANNA, BERND, CARLA, source
from unit.export.r4.shape import faults
from unit.export.reading import from_csv, from_ndjson

from devicelog.clock import ManualClock
from devicelog.export import stored
from devicelog.export.history import Wanted
from devicelog.export.rows import TABLES, tables
from devicelog.export.stored import ABSENT, Stored
from devicelog.export.tables import Options
from devicelog.export.verify import verify
from devicelog.export.writers import FORMS
from devicelog.journal.reader import Reader
from devicelog.sinks.influx import InfluxSink
from devicelog.sinks.influx_server import Server

MS = 1_000_000


@pytest.fixture(scope="module")
def influxdb(tmp_path_factory):
    server = InfluxDB(tmp_path_factory.mktemp("influxdb"))
    try:
        yield server.start().set_up()
    finally:
        server.stop()


@pytest.fixture(scope="module")
def directory(tmp_path_factory, influxdb):
    """Days of a clinic, journalled and sent by the real sink."""
    directory = tmp_path_factory.mktemp("journal")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(days, "PATIENTS", (ANNA, BERND))
        drafts = days.Days(date(2026, 11, 20)).drafts
    with writer(directory) as journal:
        fill(journal, [drafts[n : n + 50] for n in range(0, len(drafts), 50)])
    sink = InfluxSink(
        influxdb.settings(),
        ManualClock(drafts[-1].at_ns),
        site=SITE,
        simulated=True,
        modalities=days.MODALITIES,
    )
    sink.connect()
    with Reader(str(directory)) as view:
        sink.present(view)
        after = 0
        while page := view.entries(after, limit=2000):
            answers = sink.send(page, historical=True, view=view)
            assert {str(it) for it in answers} == {"Said.TAKEN"}
            after = page[-1].seq
    sink.close()
    return directory


@pytest.fixture
def reader(directory):
    with Reader(str(directory)) as journal:
        yield journal


@pytest.fixture
def server(influxdb):
    server = Server(influxdb.settings(), simulated=True)
    server.open()
    yield server
    server.close()


def both(reader, server, wanted=None):
    journal = source(reader, wanted)
    return journal, Stored(server.ask, journal.history)


def read(told, form, name):
    out = io.BytesIO()
    counts = FORMS[form].write(out, told, Options(table=name))
    back = {"csv": from_csv, "ndjson": from_ndjson}[form]
    rows = back(out.getvalue(), name)
    assert counts == {name: len(rows)}
    return rows


@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.parametrize("name", ["sessions", "readings"])
def test_both_sources_agree_column_by_column(reader, server, form, name):
    journal, store = both(reader, server)
    mine, theirs = read(journal, form, name), read(store, form, name)
    there = tables(store.history)[name].names
    assert len(theirs) == len(mine) > 30
    key = (
        (lambda it: it["seq"]) if name == "readings" else (lambda it: it["session_id"])
    )
    for ours, other in zip(sorted(mine, key=key), sorted(theirs, key=key), strict=True):
        assert other == in_ms({it: ours[it] for it in there if it in ours})


def in_ms(row):
    """The store knows ends to the millisecond."""
    if "ended_at" in row:
        row["ended_at"] -= row["ended_at"] % MS
    return row


def test_every_column_that_the_store_has_is_told_somewhere(reader, server):
    """Else an agreement of empty columns would prove nothing."""
    _, store = both(reader, server)
    seen = {it for row in read(store, "csv", "sessions") for it in row}
    assert {"pseudonym", "energy_j", "timer_error_pct", "receipt_stored"} <= seen
    assert {"head_id", "flags", "ended_at", "modality"} <= seen
    seen = {it for row in read(store, "csv", "readings") for it in row}
    assert {"intensity_w_cm2", "amplitude_1_ma", "time_left_s", "elapsed_ms"} <= seen


def test_what_is_not_there_is_said_and_left_out(reader, server):
    _, store = both(reader, server)
    assert store.history.absent == ABSENT
    assert [*store.manual()] == [*store.audit()] == []
    assert {*tables(store.history)} == {"sessions", "readings"}
    for name in ("sessions", "readings"):
        lacking = {it.name for it in TABLES[name].columns if not it.stored}
        assert not lacking & {*tables(store.history)[name].names}


def test_of_one_patient_and_one_span(reader, server):
    code = next(it.pseudonym for it in reader.sessions() if it.pseudonym)
    starts = sorted(it.started_ns for it in reader.sessions(pseudonym=code))
    wanted = Wanted(pseudonym=code, from_ns=starts[1], to_ns=starts[-1])
    journal, store = both(reader, server, wanted)
    names = [it.session_id for it in store.treatments()]
    assert names == [it.session_id for it in journal.treatments()]
    assert len(names) == store.count() == len(starts) - 2


def test_pages_lose_and_double_nothing(reader, server, monkeypatch):
    journal, store = both(reader, server)
    whole = [it.session_id for it in store.treatments()]
    monkeypatch.setattr(stored, "_PAGE", 3)
    assert [it.session_id for it in store.treatments()] == whole
    first = next(store.treatments())
    ours = [it.seq for it in journal.readings(first)]
    assert [it.seq for it in store.readings(first)] == ours


def test_nobody_there_is_an_empty_history(reader, server):
    _, store = both(reader, server, Wanted(pseudonym=CARLA))
    assert store.count() == 0
    assert [*store.treatments()] == []


@pytest.fixture
def site(tmp_path, directory, influxdb):
    site = Site(tmp_path)
    shutil.copytree(directory, site.data)
    it = influxdb.settings()
    site.blocks = (
        f'[influx]\nurl = "{it.url}"\nbucket = "{it.bucket}"\n'
        f'token_file = "{it.token_file}"\n'
    )
    return site


def test_the_command_says_what_is_not_there(site, reader):
    site.write()
    asked = (ANNA, "--source", "influx", "--format", "json", "--readings")
    told = site.run("export", *asked)
    document = json.loads(told.stdout)
    assert document["history"]["source"] == "influx"
    assert document["history"]["absent"] == [*ABSENT]
    assert len(document["sessions"]) == len(reader.sessions(pseudonym=ANNA))
    assert all(it["series"] for it in document["sessions"])
    assert "treatments without a device" in told.stderr


def made(site, form):
    """The export of one patient's history in the store; the file."""
    site.write()
    path = site.folder / f"history.{form}"
    told = site.run("export", ANNA, "--source", "influx", "-o", str(path))
    for it in ABSENT:
        assert f"not in the store: {it}" in told.stderr
    return path


def test_a_page_of_it_has_its_curves_and_says_what_it_lacks(site, reader):
    page = made(site, "html").read_text()
    count = len(reader.sessions(pseudonym=ANNA))
    assert page.count("<article") == count > 10
    figures = re.findall(r"<figure><svg.*?</svg></figure>", page, re.DOTALL)
    assert len(figures) == count
    assert all("dl-line" in it for it in figures)
    assert f"{count} by devices<" in page  # and nothing of what was given by hand
    for it in ABSENT:
        assert it in page


def test_paper_of_it_says_the_same(site, reader, tmp_path):
    paper()
    tool("pdftotext")
    path = made(site, "pdf")
    text = " ".join(said(path.read_bytes(), tmp_path).split())
    assert f"{len(reader.sessions(pseudonym=ANNA))} by devices" in text
    assert "heads, corrected doses" in text


def test_a_bundle_of_it_is_r4_and_tells_each_session(site, reader):
    bundle = json.loads(made(site, "fhir.json").read_text())
    assert faults(bundle) == []
    told = [
        it["resource"]["identifier"][0]["value"]
        for it in bundle["entry"]
        if it["resource"]["resourceType"] == "Procedure"
    ]
    ours = {it.session_id for it in reader.sessions(pseudonym=ANNA)}
    assert (len(told), {*told}) == (len(ours), ours)


def test_an_archive_of_it_says_whence_and_is_as_it_was_exported(site, reader):
    path = made(site, "zip")
    assert verify(path).changed == ()
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read("manifest.json"))
        readme = archive.read("README.txt").decode()
    assert {"sessions.csv", "readings.csv", "history.html", "history.fhir.json"} < {
        *names
    }
    assert not {"events.csv", "manual.csv", "audit.csv"} & {*names}
    assert manifest["history"]["source"] == "influx"
    count = len(reader.sessions(pseudonym=ANNA))
    assert manifest["rows"]["sessions"] == count
    assert "from the store (InfluxDB)" in readme
    assert "It lacks what people added" in readme


def test_without_a_store_it_is_said_before_anything_is_recorded(site):
    site.blocks = ""
    site.write()
    told = site.run("export", ANNA, "--source", "influx", code=3)
    assert "names no store" in told.stderr
    told = site.json("audit", "show", "--limit", "1000")
    assert not [it for it in told if it["kind"] == "audit"]
