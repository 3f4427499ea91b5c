"""Which readings are believed: strong checks, weak checks, what the next one says."""

from itertools import product

import pytest
from unit.sessions.therapy import mono, reading, rules

from devicelog.model.flow import Reading
from devicelog.model.states import DECODED
from devicelog.sessions import table
from devicelog.sessions.gate import Gate, Verdict


def gate(bits=8, **changes: object):
    return Gate(rules(check_bits=bits, **changes))


def judged(it, *readings: Reading):
    """What became of each reading, by its time in the order of the verdicts."""
    return [
        (round((v.reading.mono_ns - mono(0)) / 1e9), v.believed)
        for one in readings
        for v in it.take(one)
    ]


def test_with_a_crc_16_every_reading_is_believed_at_once():
    it = gate(16)
    odd = [reading(0, "idle"), reading(1, "finished"), reading(2, "running", 9)]

    assert [v for one in odd for v in it.take(one)] == [Verdict(one) for one in odd]
    assert not it.holding
    assert it.deadline is None
    assert it.tick(mono(99)) == []


def test_with_a_weak_check_every_pair_of_states_passes_or_is_held():
    answers = {}
    for was, now in product(DECODED, DECODED):
        it = gate()
        it.take(reading(0, was, 0))
        it.take(reading(1, now, 0))
        answers[was, now] = not it.holding

    assert len(answers) == 100
    assert answers == {(w, n): n in table.FOLLOWS[w] for w, n in answers}


def test_an_impossible_state_is_believed_when_the_next_agrees_with_it_alone():
    it = gate()
    readings = [reading(n, s) for n, s in enumerate(["ready", "paused", "paused"])]

    assert judged(it, *readings) == [(0, True), (1, True), (2, True)]


def test_an_impossible_state_is_noise_when_the_next_goes_on_as_before():
    it = gate()
    it.take(reading(0, "idle"))
    it.take(reading(1, "finished"))
    rejected, believed = it.take(reading(2, "idle"))

    assert not rejected.believed
    assert rejected.why == "finished after idle, then idle: nothing confirmed it"
    assert believed == Verdict(reading(2, "idle"))


def test_two_that_agree_with_nothing_are_judged_one_by_one():
    it = gate()
    it.take(reading(0, "idle"))
    it.take(reading(1, "finished"))
    verdicts = it.take(reading(2, "paused"))

    assert [v.believed for v in verdicts] == [False]
    assert it.holding


@pytest.mark.parametrize(
    ("left", "passes"),
    [
        (102.2, False),
        (102.1, True),
        (100, True),
        (99, True),
        (96.9, True),
        (96.8, False),
    ],
)
def test_a_timer_may_be_off_by_two_seconds_and_fifteen_percent(left, passes):
    it = gate()
    it.take(reading(0, "running", 100))
    it.take(reading(1, "running", left))

    assert it.holding is not passes


def test_a_standing_timer_may_not_run():
    it = gate()
    it.take(reading(0, "paused", 100))
    it.take(reading(1, "paused", 97.5))

    assert it.holding


def test_finished_must_have_run_out():
    early, due = gate(), gate()
    early.take(reading(0, "running", 100))
    early.take(reading(1, "finished", 0))
    due.take(reading(0, "running", 3))
    due.take(reading(1, "finished", 300))

    assert (early.holding, due.holding) == (True, False)


def test_a_timer_that_is_not_told_rejects_nothing():
    it = gate(has_timer=False)

    assert judged(it, reading(0, "running", 100), reading(1, "running", 5)) == [
        (0, True),
        (1, True),
    ]


def test_a_lengthened_timer_counts_once_the_next_reading_confirms_it():
    it = gate()
    readings = [reading(n, "running", left) for n, left in enumerate([100, 279, 278])]

    assert judged(it, *readings) == [(0, True), (1, True), (2, True)]


def test_a_wrong_timer_is_noise_when_the_next_goes_on_as_before():
    it = gate()
    readings = [reading(n, "running", left) for n, left in enumerate([100, 37, 98])]

    assert judged(it, *readings) == [(0, True), (1, False), (2, True)]


def test_after_a_silent_time_there_is_nothing_to_compare_with():
    it = gate()
    readings = [reading(0, "idle"), reading(2.5, "finished")]

    assert len(judged(it, *readings)) == 2


def test_what_nothing_follows_counts_unconfirmed_where_its_state_may_follow():
    it = gate()
    it.take(reading(0, "running", 100))
    it.take(reading(1, "running", 37))

    assert it.deadline == mono(3.5)
    assert it.tick(mono(3.5) - 1) == []
    (verdict,) = it.tick(mono(3.5))
    assert verdict.believed
    assert verdict.reading.flags == ("unconfirmed",)
    assert verdict.reading.values == reading(1, "running", 37).values
    assert not it.holding


def test_what_nothing_follows_is_noise_where_its_state_may_not_follow():
    it = gate()
    it.take(reading(0, "idle"))
    it.take(reading(1, "finished"))
    (verdict,) = it.settle()

    assert (verdict.believed, verdict.why) == (False, "finished after idle")
    assert it.settle() == []


def test_a_reading_after_the_quiet_time_finds_the_held_one_judged():
    it = gate()
    it.take(reading(0, "running", 100))
    it.take(reading(1, "running", 37))
    held, new = it.take(reading(3.5, "running", 36))

    assert (held.reading.flags, new.reading.flags) == (("unconfirmed",), ())
