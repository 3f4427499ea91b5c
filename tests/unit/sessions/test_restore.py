"""An open session is rebuilt from its journal, and nothing is told twice."""

import msgspec
from unit.sessions.therapy import (
    at,
    bodies,
    end_of,
    mono,
    play,
    reading,
    rules,
    told,
    tracker,
)

LIFE = [
    reading(1, "running", 300),
    *(reading(n, "running", 301 - n) for n in range(2, 20)),
    *(reading(n, "paused", 282) for n in range(20, 25)),
    *(reading(n, "running", 306 - n) for n in range(25, 90)),
    reading(90, "fault", 216),
    reading(92, "idle", 0),
    reading(94, "running", 216, intensity_w_cm2=1.5),
    *(reading(n, "running", 310 - n, intensity_w_cm2=1.5) for n in range(95, 100)),
]
REST = [reading(100, "aborted", 210)]


def restored(the_rules, start, inputs):
    it = tracker(the_rules)
    it.restore(start, inputs)
    return it


def test_a_session_rebuilt_at_any_reading_ends_the_same():
    whole = tracker()
    whole.take(reading(0, "idle"))
    events = play(whole, *LIFE, *REST)

    for cut in range(1, len(LIFE) + 1):
        before = tracker()
        before.take(reading(0, "idle"))
        journalled = play(before, *LIFE[:cut])
        it = restored(None, journalled[0], LIFE[:cut])

        assert it.session == before.session, cut
        assert it.deadline == before.deadline
        rest = play(it, *LIFE[cut:], *REST)
        assert bodies(journalled + rest) == bodies(events)


def test_readings_from_before_the_start_are_passed_over():
    before = [reading(0, "idle"), reading(0.5, "paused", 100)]
    first = tracker()
    (start,) = play(first, reading(0, "idle"), LIFE[0])
    it = restored(None, start, [*before, LIFE[0]])

    assert it.session == first.session


def test_a_lost_port_and_a_restart_are_replayed_from_their_events():
    whole = tracker()
    events = play(whole, reading(0, "idle"), reading(1, "running", 300))
    events += whole.lost(mono(1.5), at(1.5))
    inputs = [reading(1, "running", 300), events[-1]]
    events += play(whole, reading(2, "running", 299))
    inputs.append(reading(2, "running", 299))
    events += whole.stopped(mono(3), at(3))
    inputs.append(events[-1])
    events += play(whole, reading(4, "running", 297))
    inputs += [reading(4, "running", 297), events[0]]
    it = restored(None, events[0], inputs)

    assert told(events) == ["start", "line_lost", "gap", "line_lost", "gap"]
    assert it.session == whole.session
    assert it.session is not None
    assert it.session.totals["gaps"] == 2


def test_a_silence_is_found_again_in_the_readings():
    whole = tracker()
    inputs = [reading(1, "running", 300), reading(60, "running", 241)]
    events = play(whole, reading(0, "idle"), *inputs)
    silent = next(e for e in events if e.event == "line_lost")
    it = restored(None, events[0], [inputs[0], silent, inputs[1]])

    assert it.session == whole.session


def test_what_was_recorded_stands_where_newer_rules_would_have_ended_it():
    whole = tracker(rules(resume_window_s=120))
    inputs = [
        reading(1, "running", 300),
        reading(2, "fault", 299),
        reading(3, "idle", 0),
        reading(4, "running", 299),
    ]
    (start, *_) = play(whole, reading(0, "idle"), *inputs)
    for changed in (
        rules(resume_window_s=1),  # too late to resume
        rules(has_timer=False),  # no timer: a fault ends at once
    ):
        it = restored(changed, start, inputs)

        assert it.session is not None
        assert (it.session.id, it.session.started_ns) == (start.session_id, at(1))
        assert "rules_changed" in it.session.flags
        assert told(play(it, reading(5, "aborted", 298))) == ["end stopped_early"]


def test_a_gap_that_newer_rules_would_not_bridge_stands():
    inputs = [reading(1, "running"), reading(100, "running")]
    patient, strict = rules(has_timer=False), rules(has_timer=False, resume_window_s=9)
    (start, *_) = play(tracker(patient), reading(0, "idle"), *inputs)
    it = restored(strict, start, inputs)

    assert it.session is not None
    assert it.session.flags == ("rules_changed", "gap")


def test_a_session_whose_readings_are_gone_is_closed_in_time():
    (start, *_) = play(tracker(), reading(0, "idle"), reading(1, "running", 300))
    it = restored(None, start, [])
    it.stopped(mono(5), at(5))
    (end,) = it.tick(mono(9999))

    assert (end.session_id, end.reason) == (start.session_id, "logger_stopped")
    assert end.ended_ns == at(1)


def test_flags_of_the_journalled_start_stand():
    (start, *_) = play(tracker(), reading(1, "running", 300))
    it = restored(None, start, [reading(1, "running", 300)])
    events = play(it, reading(2, "aborted", 299))

    assert end_of(events).flags == ("start_unseen",)


def test_a_restart_between_two_readings_costs_no_dose():
    (start, *_) = play(tracker(), reading(0, "idle"), LIFE[0])
    it = restored(None, start, LIFE[:10])
    it.stopped(mono(10.5), at(10.5))
    events = play(it, *LIFE[10:], *REST)
    whole = tracker()
    whole.take(reading(0, "idle"))
    plain = end_of(play(whole, *LIFE, *REST))
    end = end_of(events)

    assert end.totals == plain.totals | {"gaps": 1}
    assert end.flags == ("gap",)


def test_a_rebased_boot_is_one_axis():
    """Readings of an old boot, moved onto this boot's axis, go on as if nothing was."""
    shift = 10**15
    (start, *_) = play(tracker(), reading(0, "idle"), *LIFE[:10])
    moved = [
        msgspec.structs.replace(it, mono_ns=it.mono_ns - shift)
        for it in (start, *LIFE[:10])
    ]
    it = restored(None, moved[0], moved[1:])
    rest = [msgspec.structs.replace(one, mono_ns=one.mono_ns - shift) for one in LIFE]
    events = play(it, *rest[10:])

    assert "end" not in told(events)
