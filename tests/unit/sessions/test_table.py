"""Every combination that the rules can meet, walked through the tracker itself."""

from itertools import product

import pytest
from unit.sessions.therapy import mono, play, reading, rules, told, tracker

from devicelog.model.states import DECODED, EMITTING, LIVE, STATES
from devicelog.sessions import table
from devicelog.sessions.rules import Rules

HELD = LIVE - EMITTING


def test_every_table_is_total():
    assert set(table.OPENS) == set(product(STATES, DECODED))
    assert set(table.CHANGES) == {
        (was, now, timer) for was, now, timer in product(LIVE, DECODED, table.TIMER_AT)
    }
    assert set(table.WINDOW) == set(product(DECODED, table.STANDS))
    assert set(table.RETURNS) == set(product(DECODED, table.CLUES))
    assert set(table.FOLLOWS) == set(STATES)
    sizes = [len(t) for t in (table.OPENS, table.CHANGES, table.WINDOW, table.RETURNS)]
    assert sizes == [110, 160, 20, 50]


def test_every_meaning_that_ends_is_in_the_table_of_ends_and_is_used():
    tables = (table.OPENS, table.CHANGES, table.WINDOW, table.RETURNS)
    meant = {meaning for t in tables for meaning in t.values()}

    assert set(table.ENDINGS) - meant == {"closed"}
    assert meant - set(table.ENDINGS) == {
        "nothing",
        "starts",
        "starts_unseen",
        "goes_on",
        "goes_on_paused",
        "faulted",
        "waits",
        "resumed",
    }


def test_a_table_with_two_answers_refuses_to_be_built():
    row = table.Row((("idle",), ("ready", "idle")), "nothing")

    with pytest.raises(ValueError, match="two answers for"):
        table.table(row, table.Row((("idle",), ("idle",)), "starts"))


# --- Pairs of states -------------------------------------------------------------

# What is told when the state changes: by hand, from the rules in words.


def expected_change(was, now, timer):
    if was not in LIVE:
        if now in EMITTING:
            return ["start"]
        held = {"paused": ["start", "pause"], "hold_contact": ["start", "contact_lost"]}
        return held.get(now, [])
    over = {"paused": ["resume"], "hold_contact": ["contact_back"]}.get(was, [])
    begins = {"paused": ["pause"], "hold_contact": ["contact_lost"]}.get(now, [])
    ends = {
        "finished": ["end completed"],
        "aborted": ["end stopped_early"],
        "selftest": ["end device_reset"],
        "fault": ["fault"] if timer != "none" else ["fault", "end fault"],
        "idle": ["end completed" if timer == "end" else "end stopped_early"],
        "ready": ["end completed" if timer == "end" else "end stopped_early"],
    }
    if now in ends:
        return ends[now]
    if was in HELD and now in EMITTING and timer == "full":
        return ["end stopped_early", "start"]
    jumps = ["timer_jump"] if timer == "full" and was in HELD else []
    return jumps if was == now else over + begins + jumps


LEFT = {"end": 3.5, "inside": 150.0, "full": 150.0, "none": None}
PAIRS = list(product(DECODED, DECODED, table.TIMER_AT))


def walk(was, now, timer):
    """A channel in `was`, its timer as told, then a reading in `now`."""
    it = tracker(rules(has_timer=timer != "none"))
    left = LEFT[timer]
    if was in LIVE:
        play(it, reading(0, "idle"), reading(1, "running", left))
        if was != "running":
            play(it, reading(2, was, left))
    else:
        play(it, reading(0, "idle"), reading(2, was, left))
    back = timer == "full" and was in HELD
    return it, it.take(reading(3, now, 300.0 if back else left))


def test_every_pair_of_states_has_one_answer_whatever_the_timer():
    answers = {pair: told(walk(*pair)[1]) for pair in PAIRS}

    assert len(answers) == 400
    assert answers == {pair: expected_change(*pair) for pair in PAIRS}


@pytest.mark.parametrize("now", ["idle", "ready"])
def test_without_a_timer_an_end_is_unsure(now):
    assert walk("running", now, "none")[1][-1].flags == ("accidental", "end_unsure")


def test_whatever_the_pair_no_session_outlives_its_last_reading_for_ever():
    for pair in PAIRS:
        it, _ = walk(*pair)
        for _ in range(3):
            it.tick(it.deadline or 0)

        assert it.session is None, pair


# --- Returns of a lost line ------------------------------------------------------

# left seen last: 200; gap: 100 s from the last reading. Fits: 100 +- 17 unmeasured.
TIMES_LEFT = {"in": 100.0, "stood": 190.0, "over": 230.0, "under": 60.0}
LOSSES = ["short", "unknown", "untimed"]
BEFORE = ["running", "paused"]
SET_TIMES = [300.0, 600.0]
CASES = list(product(DECODED, TIMES_LEFT, SET_TIMES, BEFORE, LOSSES))


def expected_return(now, where, set_s, before, loss):
    if loss == "untimed":
        back = ["gap"] if now in LIVE else ["end logger_stopped"]
        if now in LIVE and set_s == 600.0:
            back = ["end logger_stopped", "start"]
    elif now in LIVE:
        near = {
            ("short", "running"): ("in", "stood"),
            ("short", "paused"): (),  # it stood at 200 and may not have moved
            ("unknown", "running"): ("in", "stood", "under"),
            ("unknown", "paused"): ("in", "stood", "under"),
        }
        fits = where in near[loss, before] and set_s == 300.0
        back = ["gap"] if fits else ["end logger_stopped", "start"]
    elif now == "fault":
        return ["gap", "fault"]
    else:
        early = now in ("finished", "aborted")
        return ["end stopped_early" if early else "end logger_stopped"]
    if now not in LIVE:
        return back
    if back == ["gap"] and before == "paused" and now != "paused":
        back = [*back, "resume"]
    if now == "hold_contact":
        back = [*back, "contact_lost"]
    if now == "paused" and (before != "paused" or "start" in back):
        back = [*back, "pause"]
    return back


def come_back(now, where, set_s, before, loss):
    it = tracker(rules(has_timer=loss != "untimed"))
    play(it, reading(0, "idle"), reading(1, "running", 201))
    play(it, reading(2, before, 200))
    it.stopped(mono(50), reading(50, "idle").at_ns, gap_known=loss != "unknown")
    left = None if loss == "untimed" else TIMES_LEFT[where]
    return it.take(reading(102, now, left, time_set_s=set_s))


def test_every_return_of_a_lost_line_has_one_answer():
    answers = {case: told(come_back(*case)) for case in CASES}

    assert len(answers) == 10 * 4 * 2 * 2 * 3
    assert answers == {case: expected_return(*case) for case in CASES}


def test_a_gap_in_which_the_timer_stood_still_says_so():
    ran = come_back("running", "in", 300.0, "running", "short")
    stood = come_back("running", "stood", 300.0, "running", "short")

    assert [e.paused_in_gap for e in (ran[0], stood[0])] == [False, True]


def test_finished_after_the_time_that_was_left_is_completed_by_estimate():
    it = tracker()
    play(it, reading(0, "idle"), reading(1, "running", 31), reading(2, "running", 30))
    it.lost(mono(3), reading(3, "idle").at_ns)
    (end,) = it.take(reading(60, "finished", 0))

    assert (end.reason, end.flags) == ("completed", ("end_estimated", "gap"))
    assert end.ended_ns == reading(32, "idle").at_ns
    assert end.totals["wall_s"] == 31
    assert end.totals["gap_s"] == 30


# --- What follows a fault --------------------------------------------------------


def expected_in_window(now, there):
    if now in ("fault", "idle", "ready"):
        return []
    if now not in LIVE:
        return ["end fault"]
    more = {"paused": ["pause"], "hold_contact": ["contact_lost"]}.get(now, [])
    return (["segment"] if there else ["end fault", "start"]) + more


def test_every_state_after_a_fault_has_one_answer():
    cases = list(product(DECODED, [True, False]))
    answers = {}
    for now, there in cases:
        it = tracker()
        play(it, reading(0, "idle"), reading(1, "running", 200))
        play(it, reading(2, "fault", 199))
        answers[now, there] = told(it.take(reading(3, now, 199 if there else 180)))

    assert answers == {case: expected_in_window(*case) for case in cases}


def test_rules_of_a_channel_need_only_its_modality():
    assert Rules(modality="us").quiet_ns == 2_500_000_000
