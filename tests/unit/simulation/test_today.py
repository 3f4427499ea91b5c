"""Treatments that run now get their patients, as on a day of the clinic."""

import msgspec
import pytest

from devicelog.clock import SECOND, ManualClock
from devicelog.simulation.desk import CLINICIAN
from devicelog.simulation.today import Physio

BEGUN_NS = 1_700_000_000 * SECOND


class Row(msgspec.Struct):
    session_id: str
    pseudonym: str = ""
    started_ns: int = BEGUN_NS


class Journal:
    """Open sessions, and patients of the days before."""

    def __init__(self, count):
        self.open = [Row(f"us-{n}.us.20231114T221320Z") for n in range(count)]

    def sessions(self, limit):
        return [Row(f"old-{n}", f"AAAA-{n:04d}") for n in range(400)][:limit]

    def open_sessions(self):
        return self.open


@pytest.fixture
def clock():
    return ManualClock(BEGUN_NS)


def bound(journal, clock):
    told = []
    physio = Physio(journal, clock, lambda *them: told.append(them))
    physio.look()
    assert told == []  # nobody is that quick
    clock.advance(3)
    physio.look()
    physio.look()
    return told


def test_most_are_bound_once_and_some_are_left_for_the_inbox(clock):
    told = bound(Journal(200), clock)
    assert 130 <= len(told) <= 170  # 150 of 200, and three deviations
    assert len({session for session, _, _ in told}) == len(told)
    assert {clinician for _, _, clinician in told} == {CLINICIAN}


def test_nobody_is_treated_twice_at_once(clock):
    told = bound(Journal(200), clock)
    assert len({patient for _, patient, _ in told}) == len(told)


def test_what_a_person_bound_is_left_alone(clock):
    journal = Journal(20)
    for row in journal.open:
        row.pseudonym = "BBBB-0001"
    assert bound(journal, clock) == []
