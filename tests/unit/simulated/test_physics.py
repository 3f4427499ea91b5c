"""The physics of virtual channels and of the devices that they stand in."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicelog.drivers.simulated import channel
from devicelog.drivers.simulated.channel import VirtualChannel
from devicelog.drivers.simulated.clinic import clinic
from devicelog.drivers.simulated.equipment import (
    LARGE,
    SMALL,
    TWO_POLE,
    Combined,
    Current,
    Programme,
)
from devicelog.drivers.simulated.interferential import Interferential
from devicelog.drivers.simulated.machine import Machine
from devicelog.drivers.simulated.play import Player
from devicelog.drivers.simulated.ultrasound import LIMIT_C, Ultrasound
from devicelog.model.fields import FIELDS
from devicelog.model.states import DECODED, LIVE

SOUND = Programme(1.0, 50, 0.5, 300)
CURRENT = Current(20.0, 16.0, 300, 80.0, 100.0, "6/6", ramp_s=10.0)
DEVICES = {
    "us": lambda: Machine(Ultrasound(ramp_s=2.0)),
    "if": lambda: Machine(Interferential()),
    "both": lambda: Machine(Ultrasound(), Interferential()),
}


def running(programme, one, *others: VirtualChannel):
    """A device with this programme, at the second after its start (5 + 1)."""
    it = Machine(one, *others)
    it.advance(5)
    assert it.press("load", programme)
    assert it.press("start")
    it.advance(6)
    return it


# --- What all channels share ------------------------------------------------------


@settings(max_examples=30)
@given(
    st.sampled_from([*DEVICES]),
    st.integers(0, 10**6),
    st.lists(st.floats(0.01, 300), min_size=1, max_size=40),
)
def test_it_does_not_matter_how_often_one_looks(kind, seed, pauses):
    rare, often = DEVICES[kind](), DEVICES[kind]()
    modalities = frozenset(rare.channels)
    rarely, oftener = (
        Player(it, clinic(seed, modalities=modalities)) for it in (rare, often)
    )
    to_s = 0.0
    for pause in pauses:
        for n in range(1, 8):
            oftener.advance(to_s + pause * n / 8)
        to_s += pause
        rarely.advance(to_s)
        oftener.advance(to_s)
        for modality in modalities:
            one, other = rarely.values(modality), oftener.values(modality)
            assert one.keys() == other.keys()
            for name, value in one.items():
                # Read just before, just after: the same but for the last digit.
                if isinstance(value, float):
                    assert value == pytest.approx(other[name], abs=0.11), name
                else:
                    assert value == other[name], name


@pytest.mark.parametrize("state", DECODED)
@pytest.mark.parametrize("kind", [Ultrasound, Interferential])
def test_every_action_in_every_state_does_something_or_nothing(kind, state):
    programme, other = (
        (SOUND, Programme(1.0, 100, 0.4, 60))
        if kind is Ultrasound
        else (CURRENT, Current(4.0, 5.0, 60))
    )
    values = {"load": other, "turn": 0.3, "lengthen": 60.0, "jump": 20.0}
    values |= {"swap": SMALL, "fail": "3", "dry": 3.0}
    for action, where in kind.acts.items():
        it = kind(ramp_s=2.0) if kind is Ultrasound else kind()
        it.advance(5)
        it.press("load", programme)
        it.state = state
        before = it.values()

        assert it.press(action, values.get(action)) == (state in where)
        if state not in where:
            assert it.values() == before
        it.advance(1000)
        assert it.values()["state"] in DECODED


@pytest.mark.parametrize("kind", DEVICES)
def test_all_that_is_said_is_in_the_catalogue_and_plausible(kind):
    device = DEVICES[kind]()
    modalities = frozenset(device.channels)
    player = Player(device, clinic(3, modalities=modalities))
    for second in range(0, 20_000, 7):
        player.advance(second)
        for modality in modalities:
            said = dict(player.values(modality))
            assert said.pop("state") in DECODED
            for name, value in said.items():
                assert FIELDS[name].modality in (modality, "any")
                assert FIELDS[name].plausible(value), (name, value)


def test_actions_that_are_declared_are_those_that_exist():
    known = {*Ultrasound.acts, *Interferential.acts, "clock"}

    assert known == {*channel.Action.__args__}


def test_what_falls_due_is_known_before():
    it = Machine(Ultrasound(ramp_s=2.0))
    seen = [it.due_s]
    it.advance(3)
    seen.append(it.due_s)
    it.press("load", SOUND)
    it.press("start")
    seen.append(it.due_s)
    it.advance(5)
    seen.append(it.due_s)

    assert seen == [3.0, inf, 5.0, 303.0]


def test_a_treatment_of_no_time_is_over_at_once():
    it = running(Programme(1.0, 50, 0.5, 0), Ultrasound())

    assert it.values("us")["state"] == "finished"


# --- Ultrasound -------------------------------------------------------------------


def test_the_warning_of_a_textbook_treatment():
    it = running(Programme(1.0, 100, 1.0, 480), Ultrasound())
    it.advance(5 + 210)

    assert it.values("us")["head_temp_c"] == pytest.approx(40.6, abs=0.1)


def test_an_overheated_head_stops_the_device():
    it = Ultrasound()
    it.advance(5)
    it.press("load", Programme(1.0, 100, 2.0, 600))
    it.press("start")
    it.advance(600)

    assert it.state == "fault"
    assert it.values()["fault_code"] == "1"
    assert it.left_s > 500
    assert it.temperature_c < LIMIT_C
    it.advance(1200)
    assert it.temperature_c == pytest.approx(24, abs=0.1)


def test_pulses_are_told_only_where_there_are_any():
    pulsed = running(SOUND, Ultrasound()).values("us")
    continuous = running(Programme(1.0, 100, 0.5, 300), Ultrasound()).values("us")

    assert pulsed["pulse_repetition_hz"] == 100.0
    assert "pulse_repetition_hz" not in continuous


# --- Interferential current -------------------------------------------------------


def test_current_rises_evenly_to_what_is_set_in_each_circuit():
    it = running(CURRENT, Interferential())
    risen = []
    for second in (5, 7.5, 10, 15, 16):
        it.advance(second)
        said = it.values("if")
        risen.append(
            (said["state"], said["amplitude_actual_1_ma"], said["amplitude_1_ma"])
        )

    # The start was at second 5, seen from second 6 on.
    assert risen[:3] == [
        ("ramping", 2.0, 20.0),
        ("ramping", 5.0, 20.0),
        ("ramping", 10.0, 20.0),
    ]
    assert risen[3:] == [("running", 20.0, 20.0)] * 2
    assert it.values("if")["amplitude_actual_2_ma"] == 16.0


def test_a_new_amplitude_holds_at_once_for_both_circuits_or_each():
    it = running(Current(20.0, 16.0, 300), Interferential())
    seen = []
    for value in (12.0, (14.0, 9.0)):
        it.press("turn", value)
        said = it.values("if")
        seen.append((said["amplitude_actual_1_ma"], said["amplitude_actual_2_ma"]))

    assert seen == [(12.0, 12.0), (14.0, 9.0)]


def test_the_balance_moves_current_from_one_circuit_to_the_other():
    it = running(Current(20.0, 20.0, 300, balance_pct=10.0), Interferential())
    said = it.values("if")

    assert said["amplitude_actual_1_ma"] == 22.0
    assert said["amplitude_actual_2_ma"] == 18.0


def test_two_poles_have_one_circuit():
    it = running(Current(20.0, 20.0, 300, waveform=TWO_POLE), Interferential())
    said = it.values("if")

    assert said["amplitude_actual_1_ma"] == 20.0
    assert not [name for name in said if "_2_" in name]
    it.press("uncouple", 2)
    assert it.values("if")["state"] == "running"


def test_an_electrode_that_is_off_stops_output_and_timer_until_it_is_back():
    it = running(CURRENT, Interferential())
    it.advance(35)
    left = it.values("if")["time_left_s"]
    it.press("uncouple", 2)
    it.press("uncouple", 1)
    it.advance(65)
    said = it.values("if")

    assert (said["state"], said["time_left_s"]) == ("hold_contact", left)
    assert (said["electrode_1_ok"], said["electrode_2_ok"]) == (False, False)
    assert said["amplitude_actual_1_ma"] == 0
    assert "impedance_1_kohm" not in said
    it.press("couple", 2)
    assert it.values("if")["state"] == "hold_contact"
    it.press("couple", 1)
    it.advance(70)
    said = it.values("if")
    assert (said["state"], said["amplitude_actual_1_ma"]) == ("ramping", 10.0)


def test_the_skin_lets_more_through_after_some_minutes():
    it = running(CURRENT, Interferential(seed=3))
    first = it.values("if")["impedance_1_kohm"]
    it.advance(300)

    assert 0.7 <= first <= 1.3
    assert it.values("if")["impedance_1_kohm"] < 0.85 * first


def test_a_dry_electrode_takes_less_than_is_set():
    it = running(Current(20.0, 20.0, 300), Interferential())
    it.press("dry", 10.0)
    said = it.values("if")

    assert said["state"] == "running"
    assert said["amplitude_actual_1_ma"] < 15 < said["amplitude_1_ma"]
    assert said["amplitude_actual_2_ma"] == 20.0
    assert said["impedance_1_kohm"] * said["amplitude_actual_1_ma"] == pytest.approx(
        100, rel=0.01
    )


def test_the_same_seed_has_the_same_skin():
    one, same, other = (
        running(CURRENT, Interferential(seed=seed)).values("if") for seed in (1, 1, 2)
    )

    assert one == same != other


# --- Both in one device -----------------------------------------------------------


def combined(sound=0.5, **current):
    return running(
        Combined(
            Programme(1.0, 100, sound, 300),
            Current(10.0, 10.0, 300, waveform=TWO_POLE, **current),
        ),
        Ultrasound(),
        Interferential(),
    )


def states(it):
    return it.values("us")["state"], it.values("if")["state"]


def test_one_key_acts_on_both_channels_of_a_combined_treatment():
    it = combined()
    seen = [states(it)]
    for action in ("pause", "resume", "stop", "clear"):
        it.press(action)
        seen.append(states(it))

    assert seen == [
        ("running", "running"),
        ("paused", "paused"),
        ("running", "running"),
        ("aborted", "aborted"),
        ("idle", "idle"),
    ]


@pytest.mark.parametrize("sound", [0.5, 0.1])
def test_the_head_off_the_skin_stops_both_and_their_timers(sound):
    # At 0.1 W/cm2 the head senses nothing; the open circuit of the current tells.
    it = combined(sound)
    it.press("uncouple")
    it.advance(66)
    held = states(it)
    left = [it.values(modality)["time_left_s"] for modality in ("us", "if")]
    it.press("couple")

    assert held == ("hold_contact", "hold_contact")
    assert left == [299.0, 299.0]
    assert states(it) == ("running", "running")
    it.advance(66 + 299)
    assert states(it) == ("finished", "finished")


def test_a_fault_of_one_is_a_fault_of_both():
    it = combined(2.0)
    it.advance(290)

    assert states(it) == ("fault", "fault")
    assert it.values("if")["fault_code"] == "1"


def test_what_is_not_combined_does_not_concern_the_other_channel():
    it = running(SOUND, Ultrasound(), Interferential())
    assert states(it) == ("running", "idle")
    it.press("load", CURRENT)
    it.press("start")
    assert states(it) == ("running", "ramping")
    it.press("stop", to="us")
    assert states(it) == ("aborted", "ramping")
    it.press("uncouple", 1)
    assert states(it) == ("aborted", "hold_contact")
    it.press("reset")
    assert states(it) == ("selftest", "selftest")


def test_a_head_is_swapped_whatever_was_loaded():
    it = Machine(Ultrasound(), Interferential())
    it.advance(5)
    it.press("load", CURRENT)

    assert it.press("swap", SMALL)
    assert it.values("us")["head_serial"] == SMALL.serial != LARGE.serial


def test_a_device_says_of_its_own_clock_what_it_likes():
    it = Machine(Ultrasound())
    assert "device_clock" not in it.values("us")
    it.press("clock", "2001-01-01 00:00")

    assert it.values("us")["device_clock"] == "2001-01-01 00:00"


def test_live_states_are_those_that_can_be_stopped():
    assert channel.ACTS["stop"] == LIVE
