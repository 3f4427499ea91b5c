"""The scripts: what they do second by second, and that their totals are true."""

import math
from datetime import datetime

import pytest

from devicelog.drivers.simulated.disturbances import DISTURBANCES
from devicelog.drivers.simulated.equipment import LARGE, SMALL
from devicelog.drivers.simulated.mishaps import MISHAPS
from devicelog.drivers.simulated.prescriptions import PRESCRIPTIONS
from devicelog.drivers.simulated.script import SCRIPTS, Step
from devicelog.model.fields import FIELDS
from devicelog.model.states import EMITTING

BEGIN = 10
LASTS_S = 1240

# What is seen once a second: the second of the treatment, the state, time left.
SEEN = {
    "R1": [
        (0, "ramping", 300),
        (3, "running", 297),
        (41, "hold_contact", 259),
        (47, "running", 259),
        (178, "hold_contact", 128),
        (189, "running", 128),
        (317, "finished", 0),
        (330, "idle", 0),
    ],
    "R2": [(0, "running", 480), (480, "finished", 0), (490, "idle", 0)],
    "R3": [
        (0, "running", 360),
        (95, "paused", 265),
        (130, "running", 265),
        (255, "aborted", 140),
        (270, "idle", 0),
    ],
    "R4": [
        (0, "ramping", 1200),
        (30, "running", 1170),
        (1200, "finished", 0),
        (1210, "idle", 0),
    ],
    "diagnostic": [
        (0, "running", 300),
        (150, "hold_contact", 150),
        (158, "running", 150),
        (308, "finished", 0),
        (320, "idle", 0),
    ],
    "lengthened": [(0, "running", 300), (480, "finished", 0), (490, "idle", 0)],
    "head_swapped": [
        (0, "running", 300),
        (120, "paused", 180),
        (150, "running", 180),
        (330, "finished", 0),
        (340, "idle", 0),
    ],
    "weak": [(0, "running", 300), (300, "finished", 0), (310, "idle", 0)],
    "no_output": [(0, "running", 300), (300, "finished", 0), (310, "idle", 0)],
    "no_current": [(0, "running", 300), (300, "finished", 0), (310, "idle", 0)],
    "accidental": [(0, "running", 300), (6, "aborted", 294), (12, "idle", 0)],
    "electrode_off": [
        (0, "ramping", 300),
        (5, "running", 295),
        (100, "hold_contact", 200),
        (112, "ramping", 200),
        (117, "running", 195),
        (312, "finished", 0),
        (320, "idle", 0),
    ],
    "patient_switch": [
        (0, "ramping", 300),
        (5, "running", 295),
        (130, "aborted", 170),
        (140, "idle", 0),
    ],
    "unbound": [
        (0, "ramping", 300),
        (5, "running", 295),
        (300, "finished", 0),
        (310, "idle", 0),
    ],
    "twice": [
        (0, "running", 180),
        (180, "finished", 0),
        (190, "idle", 0),
        (220, "ready", 180),
        (225, "running", 180),
        (405, "finished", 0),
        (420, "idle", 0),
    ],
    "two_patients": [
        (0, "running", 300),
        (100, "aborted", 200),
        (102, "ready", 300),
        (106, "running", 300),
        (406, "finished", 0),
        (420, "idle", 0),
    ],
    "clock_change": [(0, "running", 300), (300, "finished", 0), (310, "idle", 0)],
    "reset": [(0, "running", 300), (100, "selftest", 0), (103, "idle", 0)],
    "fault_resumed": [
        (0, "running", 300),
        (90, "fault", 210),
        (110, "paused", 210),
        (120, "running", 210),
        (330, "finished", 0),
        (340, "idle", 0),
    ],
    "failed": [(0, "running", 300), (90, "fault", 210), (300, "idle", 0)],
    "slow_timer": [(0, "running", 300), (341, "finished", 0), (350, "idle", 0)],
    "timer_jump": [(0, "running", 300), (240, "finished", 0), (250, "idle", 0)],
}


def played(name, modality):
    """What the device says each second of this script."""
    script = SCRIPTS[name]
    player = script.player(BEGIN)
    said = []
    for second in range(-9, LASTS_S):
        player.advance(BEGIN + second)
        said.append((second, player.values(modality)))
    assert player.ignored == []
    return said


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_shows_its_states_at_their_seconds(name):
    for modality in SCRIPTS[name].modalities:
        changes, last = [], None
        for second, said in played(name, modality):
            if said["state"] != last:
                last = said["state"]
                changes.append((second, last, math.ceil(said["time_left_s"])))

        assert changes[:3] == [
            (-9, "selftest", 0),
            (-7, "idle", 0),
            (-5, "ready", changes[2][2]),
        ]
        assert changes[3:] == SEEN[name]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_totals_that_a_script_names_are_what_its_device_gives(name):
    for expected in SCRIPTS[name].expects:
        emitting = [
            said
            for second, said in played(name, expected.modality)
            if expected.starts_s <= second < expected.ends_s
            and said["state"] in EMITTING
        ]
        if expected.modality == "us":
            given = [it["intensity_actual_w_cm2"] * it["era_cm2"] for it in emitting]
            mean = [it["duty_pct"] / 100 for it in emitting]
            in_pulse = sum(w * share for w, share in zip(given, mean, strict=True))
            assert in_pulse == pytest.approx(expected.satp_j, rel=0.001)
            assert sum(given) == pytest.approx(expected.sata_j, rel=0.001)
        else:
            current = [it["amplitude_actual_1_ma"] for it in emitting]
            if "amplitude_1_mean_ma" in expected.totals:
                # Seconds are looked at as they begin: half a step of a ramp is lost.
                assert sum(current) / len(current) == pytest.approx(
                    expected.totals["amplitude_1_mean_ma"], abs=0.1
                )
        if "emission_s" in expected.totals:
            assert len(emitting) == expected.totals["emission_s"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_told_whole(name):
    script = SCRIPTS[name]
    ends = max(second for second, state, _ in SEEN[name] if state in EMITTING)

    assert script.expects
    assert script.ends_s == pytest.approx(
        max(it.ends_s for it in script.expects), abs=0.1
    )
    assert ends <= script.ends_s
    assert {it.modality for it in script.expects} == script.modalities
    for it in script.expects:
        assert it.totals.keys() <= FIELDS.keys()
        assert it.totals["wall_s"] == pytest.approx(it.ends_s - it.starts_s, abs=0.1)
        assert (it.satp_j is None) == (it.modality == "if") == (it.sata_j is None)
    if script.begins_at:
        assert datetime.fromisoformat(script.begins_at).tzinfo


def test_each_script_has_one_name():
    assert not SCRIPTS.keys() & DISTURBANCES.keys()
    assert len(SCRIPTS) == len(PRESCRIPTIONS) + len(MISHAPS) == len(SEEN)


def test_a_swapped_head_is_told_with_its_area():
    said = [it for _, it in played("head_swapped", "us")]

    assert list(dict.fromkeys(it["head_serial"] for it in said)) == [
        LARGE.serial,
        SMALL.serial,
    ]
    assert {it["era_cm2"] for it in said} == {5.0, 0.8}


def test_a_lengthened_timer_stands_higher_than_before():
    left = {t: it["time_left_s"] for t, it in played("lengthened", "us")}

    assert (left[119], left[120], left[121]) == (181, 360, 359)


def test_steps_are_data():
    assert SCRIPTS["accidental"].timeline(100)[:3] == [
        Step(95, "load", SCRIPTS["accidental"].programme),
        Step(100, "start"),
        Step(106, "stop"),
    ]
