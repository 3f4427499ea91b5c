"""A day of the made-up clinic, once for all tests of exports; a small one by hand."""

from datetime import date

import pytest
from journals import writer
from sharing import made_once
from unit.export.clinic import Small
from unit.export.patient import Patient, fortnight

from devicelog.journal.reader import Reader
from devicelog.simulation.month import Month


@pytest.fixture(scope="session")
def day(tmp_path_factory):
    """A journal's directory: forty sessions by the whole pipeline; nobody writes."""

    def make(directory):
        month = Month(date(2026, 11, 20), 1)
        with writer(directory, clock=month.clock) as journal:
            month.write(journal)

    return made_once(tmp_path_factory, "day", make)


@pytest.fixture
def reader(day):
    with Reader(str(day)) as journal:
        yield journal


@pytest.fixture
def small(tmp_path):
    clinic = Small(tmp_path / "small")
    with clinic.writer:
        yield clinic


@pytest.fixture(scope="session")
def weeks(tmp_path_factory):
    """Two weeks of one patient, with all that people said; nobody writes any more."""
    patient = Patient(tmp_path_factory.mktemp("weeks") / "journal")
    with patient.writer:
        return fortnight(patient)


@pytest.fixture
def hers(weeks):
    """The source of her history."""
    with weeks.reader() as reader:
        yield weeks.history(reader)
