"""Which readings are believed: strong checks, weak checks, what the next one says."""

from itertools import product

import pytest
from unit.sessions.therapy import mono, reading, rules

from devicelog.model.fields import FIELDS, SETTINGS
from devicelog.model.flow import Reading
from devicelog.model.states import DECODED
from devicelog.sessions.doubts import STEPS, doubts
from devicelog.sessions.gate import RESTLESS_NS, Gate, Verdict


def gate(bits=8, **changes: object):
    return Gate(rules(check_bits=bits, **changes))


def judged(it, *readings: Reading):
    """What became of each reading, by its time in the order of the verdicts."""
    return [
        (round((v.reading.mono_ns - mono(0)) / 1e9), v.believed)
        for one in readings
        for v in it.take(one)
    ]


def test_with_a_crc_16_every_state_and_timer_is_believed_at_once():
    it = gate(16)
    odd = [reading(0, "idle"), reading(1, "finished"), reading(2, "running", 9)]
    odd += [reading(3, "running", 300), reading(4, "running", 299, contact_ok=False)]

    assert [v for one in odd for v in it.take(one)] == [Verdict(one) for one in odd]
    assert not it.holding
    assert it.deadline is None
    assert it.tick(mono(99)) == []


def test_with_a_weak_check_only_the_same_state_passes_at_once():
    answers = {}
    for was, now in product(DECODED, DECODED):
        it = gate()
        it.take(reading(0, was, 0))
        it.take(reading(1, now, 0))
        answers[was, now] = not it.holding

    assert len(answers) == 100
    assert answers == {(was, now): was == now for was, now in answers}


def test_with_a_weak_check_every_state_that_may_follow_needs_one_more_reading():
    for was, now in product(DECODED, DECODED):
        it = gate()
        times = judged(it, *(reading(n, s, 0) for n, s in enumerate([was, now, now])))
        # What the next reading agrees with is believed, whatever it followed.
        assert times == [(0, True), (1, True), (2, True)], (was, now)


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
    def doubted(left: float, then: float) -> frozenset[str]:
        last, now = reading(0, "running", left), reading(1, "finished", then)
        return doubts(rules(check_bits=8), last, now)

    # Its output fell to 0, as it does at an end.
    assert doubted(100, 0) == {"state", "timer", "intensity_w_cm2"}
    assert doubted(3, 300) == {"state", "intensity_w_cm2"}


def test_a_treatment_begins_with_its_timer_near_the_set_time():
    def doubted(left: float) -> frozenset[str]:
        last, now = reading(0, "ready", 0), reading(1, "running", left)
        return doubts(rules(check_bits=8), last, now)

    assert "timer" in doubted(240)
    assert "timer" not in doubted(299)


def test_a_timer_at_rest_stands():
    last = reading(0, "ready", 300)

    assert doubts(rules(check_bits=8), last, reading(1, "ready", 290)) == {"timer"}
    assert not doubts(rules(check_bits=8), last, reading(1, "ready", 300))


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


# --- Settings, words, measurements ------------------------------------------------

STRENGTHS = pytest.mark.parametrize("bits", [0, 8, 16])


def course(bits: int, name: str, *said: object, state="running"):
    """Readings a second apart that differ in one field; what became of each."""
    it = gate(bits)
    first = 100 if state == "running" else 300
    steps = [
        reading(n, state, first - (n if state == "running" else 0), **{name: value})
        for n, value in enumerate(said)
    ]
    return [believed for _, believed in judged(it, *steps)]


@STRENGTHS
@pytest.mark.parametrize("name", ["frequency_mhz", "head_id", "era_cm2", "time_set_s"])
def test_a_setting_that_one_reading_alone_tells_is_noise(bits, name):
    old, odd = ("A", "Q") if name == "head_id" else (1.0, 3.0)

    assert course(bits, name, old, odd, old) == [True, False, True]
    assert course(bits, name, None, odd, None) == [True, False, True]


@STRENGTHS
def test_a_setting_that_the_next_reading_tells_too_counts_from_its_first(bits):
    assert course(bits, "duty_pct", 20.0, 50.0, 50.0) == [True, True, True]


@STRENGTHS
def test_a_knob_that_is_turned_on_confirms_what_it_passed(bits):
    it = gate(bits)
    levels = [0.5, 0.6, 0.7, 0.8, 0.8]
    readings = [
        reading(n, "running", 100 - n, intensity_w_cm2=level)
        for n, level in enumerate(levels)
    ]

    assert judged(it, *readings[:3]) == [(0, True), (1, True)]
    assert judged(it, *readings[3:]) == [(2, True), (3, True), (4, True)]


@STRENGTHS
@pytest.mark.parametrize("odd", [40.0, 51.0, 90.0])
def test_a_setting_is_as_the_next_has_it_or_on_its_way_there(bits, odd):
    passes = 20 < odd < 50

    assert course(bits, "duty_pct", 20.0, odd, 50.0, 50.0) == [True, passes, True, True]
    assert course(bits, "duty_pct", 50.0, odd, 20.0, 20.0) == [True, passes, True, True]


@STRENGTHS
def test_a_word_is_on_its_way_to_none(bits):
    assert course(bits, "head_id", "A", "Q", "B", "B") == [True, False, True, True]


@STRENGTHS
def test_what_was_set_is_not_lost_to_a_damaged_reading_behind_it(bits):
    it = gate(bits)
    readings = [
        reading(0, "ready", 300, duty_pct=20.0, head_id="A"),
        reading(1, "ready", 300, duty_pct=50.0, head_id="A"),
        reading(2, "ready", 300, duty_pct=50.0, head_id="Q"),
        reading(3, "ready", 300, duty_pct=50.0, head_id="A"),
    ]

    assert judged(it, *readings) == [(0, True), (1, True), (2, False), (3, True)]


@STRENGTHS
def test_what_was_set_is_not_lost_to_a_damaged_reading_before_it(bits):
    it = gate(bits)
    readings = [
        reading(0, "ready", 300, duty_pct=20.0, head_id="A"),
        reading(1, "ready", 300, duty_pct=20.0, head_id="Q"),
        reading(2, "ready", 300, duty_pct=50.0, head_id="A"),
        reading(3, "ready", 300, duty_pct=50.0, head_id="A"),
    ]

    assert judged(it, *readings) == [(0, True), (1, False), (2, True), (3, True)]


def test_a_setting_that_nothing_follows_counts_unconfirmed():
    it = gate(16)
    it.take(reading(0, "ready", 300))
    assert it.take(reading(1, "ready", 300, duty_pct=20.0)) == []
    (verdict,) = it.tick(mono(3.5))

    assert verdict.believed
    assert verdict.reading.flags == ("unconfirmed",)
    assert verdict.reading.mono_ns == mono(1)


def test_a_state_that_changes_brings_its_settings_at_once_on_a_crc_16():
    it = gate(16)
    assert judged(it, reading(0, "ready", 300), reading(1, "running", 300)) == [
        (0, True),
        (1, True),
    ]


@STRENGTHS
def test_why_a_reading_is_noise_names_what_changed_and_no_value(bits):
    it = gate(bits)
    it.take(reading(0, "running", 100, bnr=4.0))
    it.take(reading(1, "running", 99, bnr=6.0, era_cm2=1.0))
    rejected, _ = it.take(reading(2, "running", 98, bnr=4.0))

    why = "bnr, era_cm2 changed, then running: nothing confirmed it"
    assert rejected.why == why


def test_a_word_is_doubted_on_a_weak_check_alone():
    for name, *said in (
        ("fault_code", None, "E09", None),
        ("contact_ok", True, False, True),
    ):
        assert course(8, name, *said) == [True, False, True]
        assert course(16, name, *said) == [True, True, True]


@pytest.mark.parametrize("name", STEPS)
def test_a_measurement_may_move_by_its_step(name):
    step, output = STEPS[name], "actual" in name
    for bits, passes in ((8, False), (16, output)):
        assert course(bits, name, 10.0, 10.0 + 0.9 * step, 10.0) == [True] * 3
        said = course(bits, name, 10.0, 10.0 + 1.1 * step, 10.0)
        assert said == [True, passes, True], (name, bits)
        came = course(bits, name, None, 10.0, None)
        assert came == [True, passes, True], (name, bits)


def test_every_field_is_a_setting_a_measurement_with_a_step_or_told_here():
    # The timer is compared by its own rule, a device's clock by none.
    others = {"time_left_s", "time_elapsed_s", "device_clock", "fault_code"}
    others |= {"contact_ok", "electrode_1_ok", "electrode_2_ok"}
    measured = {name for name, it in FIELDS.items() if it.kind == "measurement"}

    assert measured == others | STEPS.keys()
    assert not STEPS.keys() & SETTINGS


@pytest.mark.parametrize(
    ("name", "rest", "flicker"),
    [("contact_ok", True, False), ("intensity_actual_w_cm2", 0.5, 0.2)],
)
def test_what_flickers_is_lost_twice_and_then_believed(name, rest, flicker):
    said = [rest, flicker, rest, flicker, rest, flicker, rest, rest, flicker, flicker]

    assert course(8, name, *said) == [n not in (1, 3) for n in range(10)]


def test_no_value_of_a_setting_flickers():
    assert course(8, "bnr", *[4.0, 6.0] * 4, 4.0) == [True, False] * 4 + [True]


def test_a_flicker_is_forgotten_when_it_has_stood_still():
    still = [True] * (RESTLESS_NS // 1_000_000_000 + 1)
    said = [True, False, True, False, True, False, *still, False, True]
    lost = [n for n, ok in enumerate(course(8, "contact_ok", *said)) if not ok]

    assert lost == [1, 3, len(said) - 2]


def test_two_that_come_and_go_far_apart_are_no_flicker():
    still = [True] * (RESTLESS_NS // 1_000_000_000)
    said = [False, *still] * 4
    lost = [n for n, ok in enumerate(course(8, "contact_ok", *still, *said)) if not ok]

    assert lost == [10, 21, 32, 43]


def test_a_reading_that_does_not_tell_all_is_lost_twice():
    """What comes and goes is no lie; it may stand in every other frame."""
    it = gate(16)
    said = [{"head_serial": None}, {"head_serial": "7"}] * 4
    readings = [reading(n, "ready", 300, **one) for n, one in enumerate(said)]

    assert [ok for _, ok in judged(it, *readings)] == [
        n not in (1, 3) for n in range(8)
    ]


def test_without_a_check_a_timer_may_be_off_by_its_whole_seconds():
    last = reading(0, "running", 100)

    assert "timer" not in doubts(rules(check_bits=0), last, reading(1, "running", 98))
    assert "timer" in doubts(rules(check_bits=0), last, reading(1, "running", 97))
    assert "timer" not in doubts(rules(check_bits=8), last, reading(1, "running", 97))
