"""Prescriptions R1-R4 and the negative cases around them, read at many intervals."""

from typing import Any

import pytest
from unit.sessions.therapy import (
    clock,
    end_of,
    play,
    rules,
    script,
    told,
    tracker,
)

WAYS = [
    pytest.param(interval, jitter, seed, id=f"{interval}s-{jitter}-{seed}")
    for interval, jitter, seed in [
        (1.0, 0.0, 0),
        (0.2, 0.0, 0),
        (0.5, 0.0, 0),
        (2.0, 0.0, 0),
        (0.7, 0.3, 1),
        (1.0, 0.4, 2),
        (1.0, 0.4, 3),
        (1.5, 0.2, 4),
    ]
]
every_way = pytest.mark.parametrize(("interval", "jitter", "seed"), WAYS)


def recorded(look, until, interval, jitter, seed, **changes: Any):
    it = tracker(rules(interval_s=interval, **changes))
    return play(it, *map(look, clock(until, interval, jitter, seed)))


def edge(interval, jitter, edges=1):
    """How far a time may be off that lies between so many edges."""
    return edges * interval * (1 + jitter) + 1e-6


R1_SOUND = {
    "frequency_mhz": 3.0,
    "duty_pct": 20.0,
    "era_cm2": 0.8,
    "intensity_w_cm2": 0.5,
}
R1 = script(
    (0, "running", R1_SOUND),
    (41, "hold_contact", {"intensity_w_cm2": 0.0}),
    (47, "running", {"intensity_w_cm2": 0.5}),
    (178, "hold_contact", {"intensity_w_cm2": 0.0}),
    (189, "running", {"intensity_w_cm2": 0.5}),
    (317, "finished", {"intensity_w_cm2": 0.0}),
    (330, "idle", {}),
    set_s=300.0,
    until=400,
)


@every_way
def test_r1_gives_24_joule_and_lost_contact_twice(interval, jitter, seed):
    end = end_of(recorded(R1, 340, interval, jitter, seed))
    totals, off = end.totals, edge(interval, jitter)

    assert end.reason == "completed"
    assert end.flags == ()
    assert totals["wall_s"] == pytest.approx(317, abs=2 * off)
    assert totals["emission_s"] == pytest.approx(300, abs=6 * off)
    assert totals["output_s"] == totals["emission_s"]
    assert totals["contacts_lost"] == 2
    assert totals["contact_lost_s"] == pytest.approx(17, abs=4 * off)
    assert totals["energy_j"] == pytest.approx(24, rel=max(0.01, 6 * off / 300))
    assert totals["dose_planned_j"] == 24
    assert totals["setting_changes"] == 0
    assert totals["coverage_pct"] == 100
    assert totals["device_s"] == pytest.approx(300, abs=off)
    assert totals["timer_error_pct"] == pytest.approx(0, abs=0.5)


def test_r1_read_each_second_is_exact():
    end = end_of(recorded(R1, 340, 1.0, 0.0, 0))

    assert end.totals["energy_j"] == pytest.approx(24, rel=0.01)
    assert (end.totals["wall_s"], end.totals["contact_lost_s"]) == (317, 17)


def test_r1_in_the_other_convention_is_120_joule():
    end = end_of(recorded(R1, 340, 1.0, 0.0, 0, convention="SATA"))

    assert end.totals["energy_j"] == pytest.approx(120, rel=0.01)


def test_r1_in_an_unknown_convention_has_both_energies_and_never_one():
    end = end_of(recorded(R1, 340, 1.0, 0.0, 0, convention="unknown"))

    assert end.flags == ("convention_unknown",)
    assert end.totals["energy_if_satp_j"] == pytest.approx(24, rel=0.01)
    assert end.totals["energy_if_sata_j"] == pytest.approx(120, rel=0.01)
    assert "energy_j" not in end.totals
    assert "dose_planned_j" not in end.totals


R2_SOUND = {
    "frequency_mhz": 1.0,
    "duty_pct": 100.0,
    "era_cm2": 5.0,
    "intensity_w_cm2": 1.0,
}
R2 = script(
    (0, "running", R2_SOUND | {"head_temp_c": 30.0}),
    (210, "running", {"head_temp_c": 40.6}),
    (240, "running", {"intensity_w_cm2": 0.8, "head_temp_c": 39.0}),
    (480, "finished", {"intensity_w_cm2": 0.0}),
    set_s=480.0,
    until=500,
)


@every_way
def test_r2_gives_2160_joule_with_one_change(interval, jitter, seed):
    events = recorded(R2, 490, interval, jitter, seed)
    end = end_of(events)

    assert told(events) == ["start", "setting", "end completed"]
    assert (events[1].old, events[1].new) == (1.0, 0.8)
    assert events[1].began_ns is not None
    assert end.totals["setting_changes"] == 1
    assert end.totals["energy_j"] == pytest.approx(2160, rel=0.01)
    assert end.totals["head_temp_max_c"] == 40.6


R3 = script(
    (0, "running", R2_SOUND | {"duty_pct": 50.0, "intensity_w_cm2": 0.8}),
    (95, "paused", {"intensity_w_cm2": 0.0}),
    (130, "running", {"intensity_w_cm2": 0.8}),
    (255, "aborted", {"intensity_w_cm2": 0.0}),
    set_s=360.0,
    until=270,
)


@every_way
def test_r3_is_stopped_early_at_440_joule(interval, jitter, seed):
    end = end_of(recorded(R3, 265, interval, jitter, seed))
    off = edge(interval, jitter)

    assert end.reason == "stopped_early"
    assert end.totals["emission_s"] == pytest.approx(220, abs=4 * off)
    assert end.totals["energy_j"] == pytest.approx(440, rel=max(0.01, 4 * off / 220))
    assert end.totals["pauses"] == 1
    assert end.totals["paused_s"] == pytest.approx(35, abs=2 * off)
    assert end.totals["setting_changes"] == 0


def r4_current(seconds, said):
    rises = 18.0 * min(max(seconds, 0.0) / 30, 1.0)
    level = 22.0 if seconds >= 300 else rises
    return said | {"amplitude_1_ma": level, "amplitude_2_ma": level}


R4 = script(
    (0, "ramping", {"electrode_area_cm2": 50.0, "carrier_hz": 4000.0}),
    (30, "running", {}),
    (1200, "finished", {}),
    set_s=1200.0,
    until=1220,
    values=r4_current,
)


@every_way
def test_r4_has_a_mean_of_20_8_ma_and_one_change(interval, jitter, seed):
    events = recorded(R4, 1210, interval, jitter, seed, modality="if")
    end = end_of(events)

    changes = [(e.field, e.old, e.new) for e in events if e.event == "setting"]
    assert changes == [("amplitude_1_ma", 18, 22), ("amplitude_2_ma", 18, 22)]
    assert end.totals["setting_changes"] == 1
    # 30 s of ramp at 9 mA, 270 s at 18, 900 s at 22: (270 + 4860 + 19800) / 1200.
    assert end.totals["amplitude_1_mean_ma"] == pytest.approx(20.775, rel=0.01)
    assert end.totals["amplitude_2_max_ma"] == 22
    assert end.totals["charge_1_ma_min"] == pytest.approx(415.5, rel=0.01)
    assert end.totals["density_1_ma_cm2"] == pytest.approx(0.4155, rel=0.01)
    assert end.reason == "completed"


def test_a_timer_ten_percent_fast_shows_its_error():
    look = script(
        (0, "running", R2_SOUND),
        (300, "finished", {}),
        set_s=330.0,
        until=310,
        rate=1.1,
    )
    end = end_of(recorded(look, 305, 1.0, 0.0, 0))

    assert end.totals["timer_error_pct"] == pytest.approx(10, abs=0.1)
    assert end.totals["device_s"] == pytest.approx(330, abs=0.1)
    assert end.totals["emission_s"] == 300


def test_intensity_under_the_contact_threshold_is_flagged():
    look = script(
        (0, "running", R2_SOUND | {"intensity_w_cm2": 0.1}),
        (60, "finished", {}),
        set_s=60.0,
        until=70,
    )
    end = end_of(recorded(look, 65, 1.0, 0.0, 0, contact_unreliable_below=0.2))

    assert end.flags == ("contact_unreliable",)


def test_passing_through_low_intensity_at_the_start_is_no_reason_to_flag():
    look = script(
        (0, "running", R2_SOUND | {"intensity_w_cm2": 0.1}),
        (1, "running", {"intensity_w_cm2": 1.0}),
        (60, "finished", {}),
        set_s=60.0,
        until=70,
    )
    end = end_of(recorded(look, 65, 1.0, 0.0, 0, contact_unreliable_below=0.2))

    assert end.flags == ()


def test_running_at_nothing_throughout_is_no_output():
    look = script(
        (0, "running", R2_SOUND | {"intensity_w_cm2": 0.0}),
        (60, "finished", {}),
        set_s=60.0,
        until=70,
    )
    end = end_of(recorded(look, 65, 1.0, 0.0, 0))

    assert end.flags == ("no_output",)
    assert end.totals["output_s"] == 0
    assert end.totals["energy_j"] == 0


def test_a_start_and_stop_within_ten_seconds_is_kept_as_accidental():
    look = script((0, "running", R2_SOUND), (4, "aborted", {}), set_s=60.0, until=70)
    end = end_of(recorded(look, 65, 1.0, 0.0, 0))

    assert (end.reason, end.flags) == ("stopped_early", ("accidental",))


def test_three_minutes_added_while_running_lengthen_the_timer():
    def add(seconds, said):
        longer = said["time_left_s"] + (180 if seconds >= 100 else 0)
        return said | {"time_left_s": longer}

    look = script(
        (0, "running", R2_SOUND),
        (480, "finished", {}),
        set_s=300.0,
        until=481,
        values=add,
    )
    events = recorded(look, 110, 1.0, 0.0, 0)

    assert told(events) == ["start", "timer_lengthened"]
    assert (events[1].field, events[1].old, events[1].new) == ("time_left_s", 201, 380)


def test_a_head_swapped_in_a_pause_is_a_new_segment_with_its_area():
    look = script(
        (0, "running", R2_SOUND | {"head_id": "large"}),
        (60, "paused", {"intensity_w_cm2": 0.0}),
        (80, "paused", {"head_id": "small", "era_cm2": 0.8}),
        (100, "running", {"intensity_w_cm2": 1.0}),
        (160, "finished", {}),
        set_s=120.0,
        until=170,
    )
    events = recorded(look, 165, 1.0, 0.0, 0)
    end = end_of(events)

    assert told(events) == ["start", "pause", "resume", "segment", "end completed"]
    assert events[3].values["era_cm2"] == 0.8
    assert end.totals["segments"] == 2
    assert end.totals["setting_changes"] == 0
    assert end.totals["energy_j"] == pytest.approx(60 * 5 + 60 * 0.8)
    assert end.totals["energy_density_j_cm2"] == pytest.approx(120)
