"""What disturbs a treatment is seen in its curve, and nothing is drawn across a gap."""

import msgspec
import pytest
from unit.export.clinic import source as source_of
from unit.export.patient import US, Patient

from devicelog.export.course import course
from devicelog.export.curves import chart
from devicelog.export.history import Wanted
from devicelog.export.page import document, rendered
from devicelog.export.texts import texts
from devicelog.export.words import Words
from devicelog.journal.reader import Reader

WORDS = Words(texts())
WHEN = "2026-11-20T09:00"


@pytest.fixture
def drawn(tmp_path):
    """The curve of a treatment that is disturbed so."""

    def curve(name):
        patient = Patient(tmp_path / "journal")
        with patient.writer:
            patient.come()
            patient.record(US, name, WHEN)
            with patient.reader() as reader:
                source = patient.history(reader)
                (of,) = source.treatments()
                return course(of, source.readings(of), source.events(of), WORDS)

    return curve


def levels(line):
    return [value for _, value in line.points]


@pytest.mark.parametrize(
    ("name", "bands", "marks"),
    [
        ("nothing", [], []),
        ("unplug", ["gap"], []),
        ("silence", ["gap"], []),
        ("contact_lost", ["contact_lost"], []),
        ("other_head", ["paused"], ["another part"]),
        ("timer_falls", [], ["timer jumped -21 s"]),
    ],
)
def test_a_disturbance_has_its_band_or_mark(drawn, name, bands, marks):
    it = drawn(name)
    assert [band.kind for band in it.bands] == bands
    assert [mark.label for mark in it.marks] == marks
    for band in it.bands:
        # At second 60, seen an interval later; a gap begins with the reading before.
        assert 58.5 <= band.from_s <= 61.5
        assert band.label in it.description


def test_a_fault_that_nothing_ended_lasts_to_the_end(drawn):
    it = drawn("fault")
    (band,) = it.bands
    assert (band.kind, band.to_s) == ("fault", it.end_s)
    assert [mark.kind for mark in it.marks] == ["fault"]


def test_both_lines_break_at_a_gap_and_at_the_end(drawn):
    it = drawn("unplug")
    (band,) = it.bands
    for line in it.lines:
        assert levels(line).count(None) == 2
        # An event is told some ns after its reading.
        first, last = band.from_s + 1e-6, band.to_s - 1e-6
        within = [v for s, v in line.points if first < s < last]
        assert within == [None]


def test_nothing_reaches_the_patient_without_contact(drawn):
    it = drawn("contact_lost")
    (band,) = it.bands
    wanted, given = it.lines
    within = [v for s, v in given.points if band.from_s < s < band.to_s - 0.001]
    assert {*within} == {0.0}
    assert {v for s, v in wanted.points if band.from_s < s < band.to_s} == {0.5}


def test_a_whole_day_of_the_clinic_is_drawn(day):
    """Every session, of every device, also those of nobody."""
    with Reader(str(day)) as reader:
        source = source_of(reader)
        told = document(source, WORDS)
        count = source.count()
        page = rendered(told, texts())
    assert len(told.sections) == count > 30
    assert page.count("<figure><svg") == count


def test_a_device_that_tells_no_level_is_on_or_off(day):
    with Reader(str(day)) as reader:
        whose = next(it.pseudonym for it in reader.sessions() if it.pseudonym)
        source = source_of(reader, Wanted(pseudonym=whose))
        of = next(source.treatments())
        bare = [msgspec.structs.replace(it, values={}) for it in source.readings(of)]
        it = course(of, bare, source.events(of), WORDS)
    (line,) = it.lines
    assert ({*levels(line)}, line.label, it.unit) == ({0.0, 1.0, None}, "on", "")
    assert "dl-delivered" in chart(it)
