"""Dose by hand: the formulas of the domain, with numbers that a person can check."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicelog.model.dose import (
    Values,
    accumulator,
    mean_over_time,
    mean_power,
    number,
    output,
    planned,
    rounded,
)

PULSED = {
    "intensity_w_cm2": 0.5,
    "duty_pct": 20.0,
    "era_cm2": 5.0,
    "intensity_convention": "SATP",
}


def given_for(seconds, *parts: Values, modality="us", convention="unknown"):
    dose = accumulator(modality, convention)
    for values in parts:
        dose.add(values, seconds)
    return dose.totals()


def test_a_number_is_the_first_field_that_carries_one():
    values = {"a": "18", "b": 2, "c": 3.0}

    assert number(values, "x", "a", "b", "c") == 2.0
    assert number(values, "x", "a") is None


def test_satp_needs_the_duty_and_sata_does_not():
    assert mean_over_time(PULSED, "SATP") == pytest.approx(0.1)
    assert mean_over_time(PULSED, "SATA") == 0.5
    assert mean_over_time({"intensity_w_cm2": 0.5}, "SATP") is None
    assert mean_over_time({"duty_pct": 20.0}, "SATP") is None


def test_power_comes_from_intensity_and_area_else_from_the_device():
    assert mean_power(PULSED, "SATP") == pytest.approx(0.5)
    assert mean_power({"power_w": 10.0, "duty_pct": 20.0}, "SATP") == 2.0
    assert mean_power({"intensity_w_cm2": 0.5, "power_w": 3.0}, "SATA") == 3.0
    assert mean_power({"intensity_w_cm2": 0.5}, "SATA") is None


@pytest.mark.parametrize(("convention", "joule"), [("SATP", 150), ("SATA", 750)])
def test_the_check_of_the_domain_150_joule_or_750(convention, joule):
    totals = given_for(300, PULSED | {"intensity_convention": convention})

    assert totals["energy_j"] == pytest.approx(joule)
    assert totals["energy_density_j_cm2"] == pytest.approx(joule / 5)
    assert totals["power_mean_w"] == pytest.approx(joule / 300)
    assert totals["intensity_mean_w_cm2"] == 0.5


def test_an_unknown_convention_gives_both_energies_and_no_single_one():
    values = PULSED | {"intensity_convention": "unknown"}
    dose = accumulator("us")
    dose.add(values, 300)
    totals = dose.totals()

    assert dose.ambiguous
    assert totals["energy_if_satp_j"] == pytest.approx(150)
    assert totals["energy_if_sata_j"] == pytest.approx(750)
    assert not {"energy_j", "energy_density_j_cm2", "power_mean_w"} & set(totals)


def test_two_conventions_in_one_session_are_as_good_as_none():
    totals = given_for(100, PULSED, PULSED | {"intensity_convention": "SATA"})

    assert "energy_j" not in totals
    assert totals["energy_if_satp_j"] == pytest.approx(100)


def test_a_reading_without_convention_has_that_of_its_profile():
    values = {n: v for n, v in PULSED.items() if n != "intensity_convention"}

    assert given_for(300, values, convention="SATP")["energy_j"] == pytest.approx(150)
    assert "energy_j" not in given_for(300, values)


def test_a_missing_duty_or_area_leaves_the_energy_out_not_at_zero():
    no_duty = {n: v for n, v in PULSED.items() if n != "duty_pct"}
    no_area = {n: v for n, v in PULSED.items() if n != "era_cm2"}

    assert set(given_for(60, PULSED, no_duty)) == {
        "intensity_mean_w_cm2",
        "intensity_max_w_cm2",
    }
    assert "energy_j" not in given_for(60, no_area)
    assert given_for(60, no_area)["energy_density_j_cm2"] == pytest.approx(6)


def test_without_contact_no_energy_reaches_the_patient():
    totals = given_for(60, PULSED, PULSED | {"contact_ok": False})

    assert totals["energy_j"] == pytest.approx(30)


def test_two_heads_add_up_by_their_own_areas():
    totals = given_for(60, PULSED, PULSED | {"era_cm2": 0.8})

    assert totals["energy_j"] == pytest.approx(30 + 4.8)
    assert totals["energy_density_j_cm2"] == pytest.approx(12)


def test_what_the_device_measures_stands_before_what_it_was_set_to():
    totals = given_for(60, PULSED | {"intensity_actual_w_cm2": 0.4})

    assert totals["intensity_max_w_cm2"] == 0.4
    assert totals["energy_j"] == pytest.approx(24)


def test_power_in_watts_alone_is_energy_too():
    totals = given_for(60, {"power_w": 5.0}, convention="SATA")

    assert totals == {"energy_j": 300, "power_mean_w": 5}


def test_a_head_that_only_tells_its_temperature_has_no_energy():
    totals = given_for(60, {"head_temp_c": 30.0}, {"head_temp_c": 29.0})

    assert totals == {"head_temp_max_c": 30.0}


def test_an_output_that_never_held_is_no_dose():
    assert given_for(0.0, PULSED) == {}
    assert given_for(0.0, {"amplitude_1_ma": 18.0}, modality="if") == {}


def test_a_current_has_mean_maximum_charge_and_density():
    dose = accumulator("if")
    dose.add({"amplitude_1_ma": 18.0, "electrode_area_cm2": 50.0}, 300)
    dose.add({"amplitude_1_ma": 22.0}, 900)

    assert not dose.ambiguous
    assert dose.totals() == {
        "amplitude_1_mean_ma": pytest.approx(21),
        "amplitude_1_max_ma": 22,
        "charge_1_ma_min": pytest.approx(420),
        "density_1_ma_cm2": pytest.approx(0.42),
    }


def test_each_circuit_counts_by_itself_and_measured_before_set():
    totals = given_for(
        60,
        {"amplitude_1_ma": 10.0, "amplitude_actual_2_ma": 7.0, "amplitude_2_ma": 8.0},
        modality="if",
    )

    assert totals == {
        "amplitude_1_mean_ma": 10,
        "amplitude_1_max_ma": 10,
        "charge_1_ma_min": 10,
        "amplitude_2_mean_ma": 7,
        "amplitude_2_max_ma": 7,
        "charge_2_ma_min": 7,
    }


@pytest.mark.parametrize(
    ("modality", "values", "level"),
    [
        ("us", {"intensity_actual_w_cm2": 0.0, "intensity_w_cm2": 1.0}, 0.0),
        ("us", {"power_w": 4.0}, 4.0),
        ("us", {"duty_pct": 20.0}, None),
        ("us", {"intensity_w_cm2": "high"}, None),
        ("if", {"amplitude_1_ma": 5.0, "amplitude_actual_2_ma": 9.0}, 9.0),
        ("if", {"amplitude_1_ma": 9.0, "amplitude_2_ma": 5.0}, 9.0),
        ("if", {"amplitude_2_v": 30.0}, 30.0),
        ("if", {}, None),
    ],
)
def test_output_is_the_highest_of_the_circuits(modality, values, level):
    assert output(modality, values) == level


def test_the_dose_as_set_is_the_settings_over_the_set_time():
    values = PULSED | {
        "time_set_s": 300.0,
        "intensity_actual_w_cm2": 0.1,
        "contact_ok": False,
    }

    assert planned("us", values) == {"dose_planned_j": pytest.approx(150)}
    assert planned("us", values, "SATA") == planned("us", values)


def test_a_dose_as_set_that_cannot_be_known_is_absent():
    assert planned("us", PULSED) == {}
    assert planned("us", PULSED | {"time_set_s": 0.0}) == {}
    assert planned("us", {"time_set_s": 300.0}) == {}
    assert planned("if", {"time_set_s": 300.0, "amplitude_1_ma": 18.0}) == {}


def test_totals_are_recorded_in_the_order_of_the_catalogue():
    totals = rounded({"energy_j": 1.23456789, "pauses": 2.0, "wall_s": 3})

    assert list(totals) == ["wall_s", "pauses", "energy_j"]
    assert list(totals.values()) == [3, 2, 1.234568]
    assert isinstance(totals["pauses"], int)


LEVELS = st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0])


@settings(deadline=None)
@given(st.lists(st.tuples(LEVELS, st.floats(0.01, 2.5)), min_size=1), st.data())
def test_asking_in_between_changes_nothing_and_cutting_changes_little(parts, data):
    asked, plain, cut = (accumulator("us") for _ in range(3))
    for level, seconds in parts:
        values = PULSED | {"intensity_w_cm2": level}
        asked.add(values, seconds)
        asked.totals()
        plain.add(values, seconds)
        share = data.draw(st.floats(0, 1))
        cut.add(values, seconds * share)
        cut.add(values, seconds * (1 - share))
    by_hand = sum(level * 0.2 * 5 * seconds for level, seconds in parts)

    assert asked.totals() == plain.totals()
    assert cut.totals()["energy_j"] == pytest.approx(plain.totals()["energy_j"])
    assert plain.totals()["energy_j"] == pytest.approx(by_hand)
