"""What is told of a session: start, inside, faults, a lost line, ends, times, names."""

from typing import Any

import pytest
from unit.sessions.therapy import (
    AT,
    SOUND,
    at,
    end_of,
    mono,
    ns,
    play,
    reading,
    rules,
    told,
    tracker,
)

from devicelog.model.flow import Reading, SessionEvent

SETTINGS = {name: value for name, value in SOUND.items() if name != "contact_ok"}

# --- Start -----------------------------------------------------------------------


def test_a_session_begins_when_the_device_runs():
    it = tracker()
    (start,) = play(it, reading(0, "ready"), reading(1, "running", 300))

    assert start == SessionEvent(
        session_id="us1.us.20261125T094641Z",
        event="start",
        channel="us",
        at_ns=at(1) + 1,
        mono_ns=mono(1),
        values=SETTINGS,
    )


def test_a_session_is_named_by_its_start_and_a_taken_name_gets_a_number():
    plain = "us1.us.20261125T094641Z"
    it = tracker(taken=[plain, f"{plain}-2"])
    (start,) = play(it, reading(0, "idle"), reading(1, "running", 300))

    assert start.session_id == f"{plain}-3"


def test_two_sessions_in_one_second_have_two_names():
    events = play(
        tracker(),
        reading(0.9, "idle"),
        reading(1.0, "running", 300),
        reading(1.2, "aborted", 300),
        reading(1.4, "running", 300),
    )

    assert events[-1].session_id == f"{events[0].session_id}-2"


def test_a_channel_first_seen_live_is_a_session_whose_start_was_not_seen():
    for state in ("ramping", "running", "paused", "hold_contact"):
        start = tracker().take(reading(0, state, 200))[0]

        assert (start.event, start.flags) == ("start", ("start_unseen",))


def test_the_first_live_reading_after_a_silent_time_is_a_start_unseen():
    start = play(tracker(), reading(0, "idle"), reading(2.5, "running", 200))[0]

    assert start.flags == ("start_unseen",)


def test_the_first_live_reading_after_a_lost_port_is_a_start_unseen():
    it = tracker()
    it.take(reading(0, "idle"))

    assert it.lost(mono(0.5), at(0.5)) == []
    assert it.take(reading(1, "running", 200))[0].flags == ("start_unseen",)


def test_a_short_rest_of_an_unseen_treatment_is_not_accidental():
    end = end_of(play(tracker(), reading(0, "running", 3), reading(2, "finished", 0)))

    assert end.flags == ("start_unseen",)


def test_an_unknown_device_marks_its_sessions():
    it = tracker(rules(identity_verified=False))
    (start,) = play(it, reading(0, "idle"), reading(1, "running", 300))

    assert start.flags == ("identity_unverified",)


def test_an_untrusted_clock_marks_the_session_and_its_events():
    it = tracker()
    it.take(reading(0, "idle"))
    one = reading(1, "running", 300)
    bad = Reading("us", "running", one.mono_ns, one.at_ns, one.values, clock_ok=False)
    (start,) = it.take(bad)

    assert (start.clock_ok, start.flags) == (False, ("clock_untrusted",))


# --- Inside ----------------------------------------------------------------------


def running(*values: Any, state="running", left=300, **more: Any):
    """Readings a second apart, one for each value of `field`."""
    field = more.pop("field", "intensity_w_cm2")
    return [
        reading(n, state, left - n, **{field: value}, **more)
        for n, value in enumerate(values)
    ]


def changes(*readings: Reading):
    events = play(tracker(), reading(-1, "idle"), *readings)
    return [(e.old, e.new, e.at_ns) for e in events if e.event == "setting"]


def test_a_raised_amplitude_is_told_at_once():
    assert changes(*running(0.5, 0.5, 0.8)) == [(0.5, 0.8, at(2) + 1)]


def test_a_lowered_amplitude_is_told_when_it_stands_again():
    events = play(
        tracker(), reading(-1, "idle"), *running(1.0, 1.0, 0.9, 0.8, 0.8, 0.8)
    )
    (change,) = (e for e in events if e.event == "setting")

    assert (change.old, change.new) == (1.0, 0.8)
    assert (change.began_ns, change.at_ns) == (at(2), at(4) + 1)


def test_the_first_rise_and_the_fall_at_the_end_are_no_changes():
    assert changes(*running(0, 0, 0.2, 0.5, 0.9, 0.9, 0.9, 0.5, 0.1, 0, 0)) == []


def test_an_amplitude_that_comes_back_to_where_it_stood_is_no_change():
    assert changes(*running(1.0, 1.0, 0, 0, 1.0, 1.0)) == []


def test_an_amplitude_first_told_later_can_change_too():
    assert changes(*running(None, 1.0, 1.0, 1.2)) == [(1.0, 1.2, at(3) + 1)]


def test_another_setting_is_told_with_old_and_new():
    assert changes(*running(1.0, 3.0, 3.0, field="frequency_mhz")) == [
        (1.0, 3.0, at(1) + 1)
    ]


def test_ramping_readings_and_measurements_are_no_changes():
    assert changes(*running(0.1, 0.5, 1.0, state="ramping")) == []
    assert changes(*running(30.0, 35.0, field="head_temp_c")) == []


def test_a_changed_level_after_a_pause_is_one_change_when_it_stands():
    found = changes(
        *running(1.0, 1.0),
        reading(2, "paused", 298),
        reading(3, "running", 298, intensity_w_cm2=0.4),
        reading(4, "running", 297, intensity_w_cm2=0.7),
        reading(5, "running", 296, intensity_w_cm2=0.7),
    )

    assert found == [(1.0, 0.7, at(5) + 1)]


def test_a_head_exchanged_while_running_is_a_setting():
    assert changes(*running("a", "b", field="head_id")) == [("a", "b", at(1) + 1)]


def test_a_pause_and_lost_contact_are_told_apart():
    events = play(
        tracker(),
        reading(0, "running", 300),
        reading(1, "paused", 299),
        reading(2, "hold_contact", 299),
        reading(4, "running", 299),
        reading(5, "finished", 0, time_left_s=0.0),
    )
    totals = end_of(events).totals

    assert told(events)[1:-1] == ["pause", "resume", "contact_lost", "contact_back"]
    assert [e.began_ns for e in events if e.began_ns] == [at(1), at(2)]
    assert [e.at_ns for e in events[2:4]] == [at(2) + 1, at(2) + 2]
    assert [totals[n] for n in ("paused_s", "contact_lost_s", "emission_s")] == [
        1,
        2,
        2,
    ]


@pytest.mark.parametrize("policy", ["reduce", "none"])
def test_lost_contact_is_counted_where_the_device_goes_on_without_it(policy):
    it = tracker(rules(contact_policy=policy))
    events = play(
        it,
        reading(0, "running", 300),
        reading(1, "running", 299, contact_ok=False, intensity_w_cm2=0.25),
        reading(2, "running", 298, contact_ok=False, intensity_w_cm2=0.25),
        reading(3, "running", 297),
        reading(4, "aborted", 296),
    )
    totals = end_of(events).totals

    assert told(events)[1:-1] == ["contact_lost", "contact_back"]
    assert (totals["contacts_lost"], totals["contact_lost_s"]) == (1, 2)
    assert totals["emission_s"] == 4
    assert totals["energy_j"] == 10


@pytest.mark.parametrize("policy", ["hold", "stop"])
def test_a_device_that_holds_says_so_by_its_state(policy):
    it = tracker(rules(contact_policy=policy))
    events = play(
        it, reading(0, "running", 300), reading(1, "running", 299, contact_ok=False)
    )

    assert told(events) == ["start"]


def test_a_loose_electrode_is_lost_contact():
    it = tracker(rules(modality="if"))
    events = play(
        it,
        reading(0, "running", 300, electrode_1_ok=True, contact_ok=None),
        reading(1, "running", 299, electrode_1_ok=False, contact_ok=None),
    )

    assert told(events) == ["start", "contact_lost"]


def test_a_timer_that_jumps_forward_is_told():
    events = play(tracker(), reading(0, "running", 300), reading(1, "running", 200))

    assert told(events) == ["start", "timer_jump"]
    assert (events[1].old, events[1].new) == (300, 200)


def test_a_timer_that_counts_up_is_followed_as_well():
    def up(seconds, state, gone):
        return reading(seconds, state, time_elapsed_s=float(gone))

    events = play(
        tracker(), up(0, "idle", 0), up(1, "running", 0), up(3, "running", 2),
        up(5, "running", 298), up(7, "idle", 300),
    )  # fmt: skip

    assert told(events) == ["start", "timer_jump", "end completed"]
    assert events[-1].totals["device_s"] == 4


def test_a_reading_without_its_timer_is_no_jump():
    events = play(
        tracker(),
        reading(0, "running", 300),
        reading(1, "running"),
        reading(3, "running"),
        reading(5, "running", 295),
        reading(6, "aborted", 294),
    )

    assert told(events) == ["start", "end stopped_early"]
    assert end_of(events).totals["device_s"] == 6


def test_a_timer_first_told_later_is_followed_from_there():
    events = play(
        tracker(),
        reading(0, "running"),
        reading(1, "running", 295),
        reading(2, "aborted", 294),
    )

    assert end_of(events).totals["device_s"] == 1


def test_the_longest_set_time_is_kept():
    events = play(
        tracker(),
        reading(0, "running", 300),
        reading(1, "running", 299, time_set_s=480.0),
        reading(2, "running", 298, time_set_s=360.0),
        reading(3, "aborted", 297, time_set_s=360.0),
    )

    assert end_of(events).totals["time_set_main_s"] == 480


def test_a_set_time_told_late_is_kept_too():
    it = tracker()
    play(it, reading(0, "running", 300, time_set_s=None), reading(1, "running", 299))

    assert it.session is not None
    assert it.session.totals["time_set_main_s"] == 300


# --- Fault -----------------------------------------------------------------------


def test_a_fault_overcome_in_time_goes_on_as_a_new_segment():
    it = tracker()
    events = play(
        it,
        reading(0, "running", 300),
        reading(1, "fault", 299, fault_code="E7"),
        reading(2, "ready", 0),
        reading(4, "running", 299),
        reading(5, "aborted", 298),
    )
    totals = end_of(events).totals

    assert told(events) == ["start", "fault", "segment", "end stopped_early"]
    assert events[1].new == "E7"
    assert (totals["segments"], totals["faults"]) == (2, 1)
    assert (totals["wall_s"], totals["emission_s"]) == (5, 2)
    assert totals["coverage_pct"] == 100


def test_a_fault_not_overcome_ends_the_session_at_its_own_time():
    it = tracker()
    play(it, reading(0, "running", 300), reading(1, "fault", 299))
    for second in range(2, 121):
        assert it.take(reading(second, "idle", 0)) == []

    assert it.deadline == mono(121)
    (end,) = it.tick(mono(500))
    assert (end.reason, end.ended_ns, end.at_ns) == ("fault", at(1), at(121))
    assert end.totals["wall_s"] == 1


def test_a_lost_line_does_not_stop_the_resume_window():
    it = tracker()
    events = play(it, reading(0, "running", 300), reading(1, "fault", 299))
    events += it.lost(mono(2), at(2))
    assert it.deadline == mono(121)

    back = play(it, reading(60, "fault", 299), reading(62, "running", 299))
    assert told(back) == ["gap", "segment"]
    assert it.session is not None
    assert (it.session.totals["gap_s"], it.session.totals["wall_s"]) == (59, 62)


def test_a_line_that_stays_lost_after_a_fault_ends_at_the_fault():
    it = tracker()
    play(it, reading(0, "running", 300), reading(1, "fault", 299))
    events = it.tick(mono(1000))

    assert told(events) == ["line_lost", "end fault"]
    assert [e.at_ns for e in events] == [at(3.5), at(121)]
    assert it.deadline is None


def test_a_fault_that_cleared_the_timer_resumes_where_it_stood():
    events = play(
        tracker(),
        reading(0, "running", 300),
        reading(1, "fault", 0),
        reading(2, "running", 299),
    )

    assert told(events) == ["start", "fault", "segment"]


def test_without_a_timer_a_fault_ends_at_once():
    it = tracker(rules(has_timer=False))
    events = play(it, reading(0, "running"), reading(2, "fault", fault_code="E7"))

    assert told(events) == ["start", "fault", "end fault"]
    assert events[-1].ended_ns == at(2)
    assert events[-1].totals["faults"] == 1


def test_a_resumed_timer_that_is_not_told_is_not_the_same():
    events = play(
        tracker(),
        reading(0, "running", 300),
        reading(1, "fault", 299),
        reading(2, "running"),
    )

    assert told(events) == ["start", "fault", "end fault", "start"]


# --- A lost line -----------------------------------------------------------------


def test_silence_loses_the_line_at_its_own_time():
    it = tracker()
    play(it, reading(0, "idle"), reading(1, "running", 300))

    assert it.deadline == mono(3.5)
    assert it.tick(mono(3.5) - 1) == []
    (lost,) = it.tick(mono(3.5))
    assert (lost.event, lost.cause, lost.began_ns) == ("line_lost", "silence", at(1))
    assert lost.at_ns == at(3.5)
    assert it.session is not None
    assert it.session.state == "offline"


def test_a_line_is_lost_only_once():
    it = tracker()
    play(it, reading(0, "idle"), reading(1, "running", 300))

    assert told(it.lost(mono(2), at(2))) == ["line_lost"]
    assert it.lost(mono(2.1), at(2.1)) == []
    assert it.tick(mono(4)) == []


def test_a_lost_line_ends_the_session_two_minutes_after_its_timer():
    it = tracker()
    play(it, reading(0, "idle"), reading(1, "running", 30))
    lost, end = it.tick(mono(10_000))

    assert told([lost, end]) == ["line_lost", "end link_lost"]
    assert (end.at_ns, end.ended_ns) == (at(151), at(1))
    assert it.deadline is None


def test_without_a_timer_a_lost_line_waits_for_the_resume_window():
    it = tracker(rules(has_timer=False))
    play(it, reading(0, "idle"), reading(1, "running"))

    assert [e.at_ns for e in it.tick(mono(10_000))] == [at(3.5), at(121)]


def test_a_measured_slow_timer_fits_by_its_own_rate():
    it = tracker()
    play(it, reading(-1, "idle"))
    play(it, *(reading(n, "running", 300 - 0.85 * n) for n in range(101)))
    # 100 s on: 300 - 0.85 x 200 = 130, where a true timer would stand at 115.
    _, gap = it.take(reading(200, "running", 130))

    assert (gap.event, gap.paused_in_gap) == ("gap", False)


def test_a_gap_is_neither_filled_nor_dosed():
    it = tracker()
    events = play(
        it,
        reading(-1, "idle"),
        *(reading(n, "running", 300 - n) for n in range(11)),
        *(reading(n, "running", 300 - n) for n in range(30, 41)),
        reading(41, "aborted", 259),
    )
    totals = end_of(events).totals

    assert told(events) == ["start", "line_lost", "gap", "end stopped_early"]
    assert end_of(events).flags == ("gap",)
    assert [totals[n] for n in ("wall_s", "gap_s", "emission_s")] == [41, 20, 21]
    assert totals["energy_j"] == 105
    assert totals["coverage_pct"] == pytest.approx(100 * 21 / 41)
    assert totals["device_s"] == 21


def test_an_interval_of_just_the_quiet_time_counts_whole():
    events = play(
        tracker(),
        reading(-1, "idle"),
        reading(0, "running", 300),
        reading(2.5, "running", 297.5),
        reading(3.5, "aborted", 296.5),
    )

    assert told(events) == ["start", "line_lost", "gap", "end stopped_early"]
    assert end_of(events).totals["emission_s"] == 3.5
    assert [e.at_ns for e in events[1:3]] == [at(2.5), at(2.5) + 1]


def test_what_emits_after_a_split_is_a_new_session_at_once():
    it = tracker()
    play(it, reading(0, "idle"), reading(1, "running", 200))
    events = it.take(reading(60, "running", 290))

    assert told(events) == ["line_lost", "end link_lost", "start"]
    assert events[1].ended_ns == at(1)
    assert events[2].flags == ("start_unseen",)
    assert it.owner == events[2].session_id


def test_the_recorder_was_away_and_nothing_came_back():
    it = tracker()
    play(it, reading(0, "idle"), reading(1, "running", 30))
    lost = it.stopped(mono(5000), at(5000))
    end = it.tick(mono(5000))

    assert told(lost + end) == ["line_lost", "end logger_stopped"]
    assert [e.at_ns for e in lost + end] == [at(5000), at(5000) + 1]
    assert end[0].ended_ns == at(1)


def test_after_an_unknown_time_patience_begins_anew():
    it = tracker()
    play(it, reading(0, "idle"), reading(1, "running", 30))
    it.stopped(mono(5000), at(5000), gap_known=False)

    assert it.deadline == mono(5150)
    (end,) = it.tick(mono(9999))
    assert (end.reason, end.at_ns) == ("logger_stopped", at(5150))


def test_after_an_unknown_time_the_resume_window_begins_anew():
    it = tracker()
    play(it, reading(0, "running", 300), reading(1, "fault", 299))
    it.stopped(mono(5000), at(5000), gap_known=False)

    assert it.deadline == mono(5120)


def test_a_fault_after_an_unknown_time_resumes_where_the_fault_shows_the_timer():
    it = tracker()
    play(it, reading(0, "idle"), reading(1, "running", 300))
    it.stopped(mono(5000), at(5000), gap_known=False)
    events = play(it, reading(5001, "fault", 120), reading(5002, "running", 120))

    assert told(events) == ["gap", "fault", "segment"]


def test_an_unknown_gap_is_in_no_clock():
    it = tracker()
    play(it, reading(0, "idle"), reading(1, "running", 300))
    it.stopped(mono(5000), at(5000), gap_known=False)
    events = play(it, reading(5001, "running", 200), reading(5002, "aborted", 199))

    assert told(events) == ["gap", "end stopped_early"]
    assert events[1].totals["wall_s"] == 1


def test_a_channel_at_rest_has_nothing_to_lose():
    it = tracker()
    it.take(reading(0, "idle"))

    assert it.stopped(mono(9), at(9)) == []
    assert it.tick(mono(99)) == []
    assert it.deadline is None


# --- Ends ------------------------------------------------------------------------


def test_an_end_within_two_readings_of_the_timers_is_completed():
    ends = {}
    for left in (4.0, 4.1):
        events = play(
            tracker(), reading(-60, "running", left + 60),
            reading(0, "running", left), reading(1, "idle", 0),
        )  # fmt: skip
        ends[left] = told(events)[-1]

    assert ends == {4.0: "end completed", 4.1: "end stopped_early"}


def test_back_at_its_set_time_after_a_pause_is_the_next_patient():
    events = play(
        tracker(),
        reading(0, "running", 300),
        reading(2, "running", 200),
        reading(3, "paused", 200),
        reading(4, "running", 300),
    )

    assert told(events)[-2:] == ["end stopped_early", "start"]
    assert events[-2].ended_ns == at(3)
    assert events[-1].flags == ()


def test_a_pause_on_a_device_without_set_time_is_never_the_next_patient():
    events = play(
        tracker(),
        reading(0, "running", 300, time_set_s=None),
        reading(2, "paused", 200, time_set_s=None),
        reading(4, "running", 300, time_set_s=None),
        reading(6, "aborted", 298, time_set_s=None),
    )

    assert told(events)[-2:] == ["timer_lengthened", "end stopped_early"]
    assert "time_set_main_s" not in end_of(events).totals


def test_a_pause_right_after_the_start_is_not_the_next_patient():
    events = play(
        tracker(),
        reading(0, "running", 300),
        reading(1, "paused", 299),
        reading(2, "running", 299),
    )

    assert told(events) == ["start", "pause", "resume"]


def test_a_person_may_close_a_session():
    it = tracker()
    play(it, reading(0, "idle"), reading(1, "paused", 200), reading(2, "paused", 200))
    (end,) = it.close(mono(2.2), at(2.2))

    assert (end.reason, end.ended_ns, end.at_ns) == ("manual", at(2), at(2.2))
    assert it.close(mono(2.3), at(2.3)) == []
    assert it.take(reading(3, "paused", 200)) == []
    assert told(it.take(reading(4, "running", 200))) == ["start"]


def test_a_device_that_runs_on_after_a_close_is_a_session_again():
    it = tracker()
    play(it, reading(0, "idle"), reading(1, "running", 200))
    it.close(mono(1.2), at(1.2))

    assert it.take(reading(2, "running", 199))[0].flags == ("start_unseen",)


# --- Times, and who owns a reading -----------------------------------------------


def test_a_lost_line_is_never_told_before_what_was_told_already():
    it = tracker()
    play(it, reading(0, "idle"), reading(1, "running", 300))
    (lost,) = it.lost(mono(0.5), at(0.5))

    assert (lost.at_ns, lost.mono_ns) == (at(1) + 2, mono(1))


def test_a_reading_late_by_its_own_clock_costs_nothing():
    it = tracker()
    play(it, reading(0, "idle"), reading(1, "running", 300))
    it.take(reading(0.9, "running", 300))

    assert it.session is not None
    assert it.session.totals["wall_s"] == 0


@pytest.mark.parametrize("step_s", [-3600, 86400])
def test_durations_do_not_follow_a_clock_that_steps_in_a_pause(step_s):
    steps = [(0, "running", 300), (60, "paused", 240), (90, "running", 240)]
    steps += [(150, "finished", 0)]
    events, state, left = [], "idle", 300.0
    it = tracker(rules(interval_s=1.0))
    for second in range(-1, 151):
        for begin, now, _ in steps:
            state = now if second >= begin else state
        stepped = at(second + (step_s if second >= 75 else 0))
        one = reading(second, state, left)
        events += it.take(Reading("us", one.state, one.mono_ns, stepped, one.values))
        left -= state == "running"
    totals = end_of(events).totals

    assert [totals[n] for n in ("wall_s", "paused_s", "emission_s")] == [150, 30, 120]
    assert end_of(events).at_ns == at(150 + step_s) + 1


def test_the_open_sessions_id_is_told_without_its_view():
    it = tracker()
    assert it.session_id == ""

    (start,) = play(it, reading(0, "idle"), reading(1, "running", 300))
    assert it.session_id == start.session_id


def test_an_unconfirmed_reading_marks_its_session():
    one = reading(1, "running", 300)
    doubtful = Reading(
        "us", "running", one.mono_ns, one.at_ns, one.values, flags=("unconfirmed",)
    )
    it = tracker()
    play(it, reading(0, "idle"), doubtful, reading(2, "running", 299))

    assert it.session is not None
    assert it.session.flags == ("unconfirmed",)


def test_each_reading_has_one_owner():
    it = tracker()
    owners = []
    for one in [
        reading(0, "idle"),
        reading(1, "running", 300),
        reading(3, "running", 200),
        reading(4, "paused", 200),
        reading(5, "running", 300),
        reading(6, "aborted", 299),
        reading(7, "idle"),
    ]:
        it.take(one)
        owners.append(it.owner[-3:])

    assert owners == ["", "41Z", "41Z", "41Z", "45Z", "45Z", ""]


def test_the_view_of_an_open_session_shows_what_it_is_now():
    it = tracker()
    play(it, reading(0, "idle"), reading(1, "running", 300), reading(3, "running", 298))
    view = it.session

    assert view is not None
    assert (view.id, view.started_ns) == ("us1.us.20261125T094641Z", AT + ns(1))
    assert (view.state, view.left_s, view.flags) == ("running", 298, ())
    assert view.settings == SETTINGS
    assert view.totals["energy_j"] == 10
    assert not view.fault
