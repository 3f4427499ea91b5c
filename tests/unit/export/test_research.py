"""For research: of those who allow it, no identity, no free text, no true date."""

import io
import re
import subprocess
import zipfile
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from requires import paper, tool
from system.identity.canary import in_bytes
from unit.export.clinic import US, source
from unit.export.reading import from_csv, wanted, written

from devicelog.errors import DevicelogError
from devicelog.export.history import Wanted
from devicelog.export.research import Research
from devicelog.export.rows import tables
from devicelog.export.tables import Options
from devicelog.export.writers import FORMS
from devicelog.records.consent import consenting

NAME = "Canaria Öxebø-Zwölfer"
NOTE = "her sister Canarina Ypsilontis drove"
NUMBER = "CNRY-4711-0815"
STAFF = "kabe-staff-70815"
BORN = "1958-03-09"
TYPED = "Programm Canaria Öxebø"
CANARIES = ("Canaria Öxebø", "Canarina Ypsilontis", NUMBER, STAFF)
BERLIN = ZoneInfo("Europe/Berlin")
MADE = rb'"made_at":\s*"[^"]+"|exported \S+ by'  # when it was exported, truly
DATES = ("%Y%m%d", "%Y-%m-%d")
DAY_NS = 86_400 * 1_000_000_000


@pytest.fixture
def clinic(small):
    """Three patients, two of whom allow it; a name typed into the device itself."""
    small.codes = [
        small.add(f"{NAME} {n}", birth_date=BORN, record_number=f"{NUMBER}-{n}")
        for n in range(3)
    ]
    small.begin("us-1")
    values = US | {"program": TYPED, "device_clock": "2026-11-23 10:15"}
    for n, code in enumerate(small.codes * 2):
        stamp = datetime.fromtimestamp(small.clock.wall_ns() // 10**9, UTC)
        name = small.treat(f"us-1.us.{stamp:%Y%m%dT%H%M%SZ}", values=values)
        small.assign(name, code, clinician=STAFF, note=NOTE, confirm=True)
        small.receive(name)
        small.event(name, "setting", field="program", old=TYPED, new=TYPED)
        small.ask("annotate", session_id=name, facts={"site": "knee"}, note=NOTE)
        small.clock.advance(86_400.0 * (n + 1))
    for code in small.codes:
        given = {"treatment": "massage", "minutes": 10, "clinician": STAFF}
        small.ask("add_treatment", pseudonym=code, note=NOTE, **given)
    small.treat("us-1.us.20270101T000000Z", values=values)  # nobody's
    for code in small.codes[:2]:
        small.ask("consent", pseudonym=code, allowed=True)
    return small


def research(clinic, reader, *, shifted=False, of=None):
    key = clinic.ring.research_key if shifted else None
    whole = source(reader, of)
    return Research(whole, sorted(consenting(reader)), key=key)


def test_only_who_allows_it_is_in_it(clinic):
    with clinic.reader() as reader:
        told = research(clinic, reader)
        rows = wanted(told, "sessions")
        assert told.count() == len(rows) == 4
        assert {it["pseudonym"] for it in rows} == set(clinic.codes[:2])
        manual = wanted(told, "manual")
        assert {it["pseudonym"] for it in manual} == set(clinic.codes[:2])


def test_consent_is_what_was_said_last(clinic):
    first, second, third = clinic.codes
    clinic.ask("consent", pseudonym=first, allowed=False)
    clinic.ask("consent", pseudonym=third, allowed=True)
    clinic.ask("forget", pseudonym=second, reason="asked", confirm=True)
    with clinic.reader() as reader:
        told = research(clinic, reader)
        assert {it["pseudonym"] for it in wanted(told, "sessions")} == {third}
        assert {it["pseudonym"] for it in wanted(told, "manual")} == {third}
    with pytest.raises(DevicelogError, match="does not allow it already"):
        clinic.ask("consent", pseudonym=first, allowed=False)
    with pytest.raises(DevicelogError, match="allows it already"):
        clinic.ask("consent", pseudonym=third, allowed=True)


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("form", [it for it in FORMS if it not in ("html", "pdf")])
def test_no_byte_of_any_form_names_anybody(clinic, form, shifted):
    with clinic.reader() as reader:
        told = research(clinic, reader, shifted=shifted)
        for image in images(told, form):
            assert in_bytes(image, *CANARIES) == []
            assert BORN.encode() not in image


def test_with_names_the_canaries_are_found_in_every_form(clinic):
    """Else the test above could not fail."""
    paper()
    with clinic.reader() as reader:
        told = source(reader, Wanted(pseudonym=clinic.codes[0]), ring=clinic.ring)
        for form in FORMS:
            found = {
                it
                for image in images(told, form)
                for it, _ in in_bytes(image, *CANARIES)
            }
            assert {"Canaria Öxebø", "Canarina Ypsilontis"} <= found, form


def words(paper):
    """The text of a PDF, whose bytes are packed."""
    tool("pdftotext")
    done = subprocess.run(
        ["pdftotext", "-", "-"],
        input=paper,
        check=True,
        capture_output=True,
        timeout=60,
    )
    return b" ".join(done.stdout.split())


def images(told, form):
    """All bytes of each table of this form, unpacked where they are packed."""
    names = tables(told.history) if FORMS[form].tables else ("sessions",)
    for name in names:
        out = io.BytesIO()
        FORMS[form].write(out, told, Options(table=name, readings=True, key=b"k"))
        yield words(out.getvalue()) if form == "pdf" else out.getvalue()
        if form == "zip":
            with zipfile.ZipFile(out) as archive:
                yield from map(archive.read, archive.namelist())
        if form == "parquet":
            yield unpacked(out)


def unpacked(out):
    import pyarrow.parquet  # noqa: PLC0415

    out.seek(0)
    read = pyarrow.parquet.read_table(out)
    for field in read.schema:
        if str(field.type).startswith("timestamp"):
            read = read.drop_columns(field.name)
    return repr(read.to_pylist()).encode()


def test_without_a_shift_dates_and_ids_are_the_true_ones(clinic):
    with clinic.reader() as reader:
        told = [*research(clinic, reader).treatments()]
        true = {it.session_id: it for it in source(reader).treatments()}
    assert all(it.started_ns == true[it.session_id].started_ns for it in told)


def test_each_patients_dates_are_shifted_by_days_of_its_own(clinic):
    shifts = {}
    with clinic.reader() as reader:
        true = [*research(clinic, reader).treatments()]
        told = research(clinic, reader, shifted=True)
        for was, it in zip(true, told.treatments(), strict=True):
            assert it.pseudonym == was.pseudonym
            before, after = local(was.started_ns), local(it.started_ns)
            assert before.time() == after.time()  # of the clinic's clock
            days = (before.date() - after.date()).days
            assert 1 <= days <= 364
            shifts.setdefault(it.pseudonym, set()).add(days)
            assert it.ended_ns - it.started_ns == was.ended_ns - was.started_ns
            offset = after.utcoffset().total_seconds() / 60
            assert it.start_offset_min == offset
            moved = it.started_ns - was.started_ns
            events = told.events(it)
            assert events[0].at_ns == it.started_ns
            for sample in told.readings(it):
                assert 0 <= sample.at_ns - it.started_ns < DAY_NS
            assert moved < 0
    assert [len(it) for it in shifts.values()] == [1, 1]
    assert len({min(it) for it in shifts.values()}) == 2


def test_the_shift_is_the_same_each_time_and_another_with_another_key(clinic):
    def starts(key):
        with clinic.reader() as reader:
            told = Research(source(reader), clinic.codes[:2], key=key)
            return [(it.session_id, it.started_ns) for it in told.treatments()]

    key = clinic.ring.research_key
    assert starts(key) == starts(key)
    assert {it for it, _ in starts(key)} & {it for it, _ in starts(b"other")} == set()
    assert [at for _, at in starts(key)] != [at for _, at in starts(b"other")]


@pytest.mark.parametrize("form", ["json", "zip", "csv"])
def test_where_dates_are_shifted_no_true_date_and_no_id_is_left(clinic, form):
    with clinic.reader() as reader:
        true = [*source(reader).treatments()]
        told = research(clinic, reader, shifted=True, of=Wanted(from_ns=1))
        days = {local(it.started_ns).date() for it in true}
        # By chance one patient's day is moved to another's: that gives nothing away.
        moved = [it.started_ns for it in told.treatments()]
        moved += [it.began_ns for it in told.manual()]
        days -= {local(it).date() for it in moved}
        days -= {local(it).astimezone(UTC).date() for it in moved}
        assert days
        forbidden = {f"{day:{said}}".encode() for day in days for said in DATES}
        forbidden |= {it.session_id.encode() for it in true}
        forbidden |= {b"mono_ns", b"first_entry", b"readings_sha256", b"frame"}
        for image in images(told, form):
            text = re.sub(MADE, b"", image)
            found = [it for it in forbidden if it in text]
            assert found == []
        shifted = {it.started_ns for it in told.treatments()}
        assert not shifted & {it.started_ns for it in true}


def test_numbers_are_those_of_the_journal(clinic):
    with clinic.reader() as reader:
        true = {it.session_id: it for it in source(reader).treatments()}
        told = research(clinic, reader)
        for it in told.treatments():
            was = true[it.session_id]
            assert it.numbers == was.numbers
            assert it.annotations == was.annotations
            values = [{**one.values} for one in source(reader).readings(was)]
            for one in values:
                del one["program"], one["device_clock"]
            assert [one.values for one in told.readings(it)] == values
        data, _ = written(told, "csv")
        assert len(from_csv(data, "sessions")) == 4


def local(at_ns):
    return datetime.fromtimestamp(at_ns // 1_000_000_000, BERLIN)
