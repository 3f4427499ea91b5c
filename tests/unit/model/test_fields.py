"""The catalogue is whole: units in names, bounds in order, nothing twice."""

import pytest

from devicelog.model.fields import AMPLITUDES, FIELDS, SETTINGS

# What a name must end with, by unit; counts and texts carry none.
SUFFIXES = {
    "s": "_s",
    "Hz": "_hz",
    "MHz": "_mhz",
    "ms": "_ms",
    "%": "_pct",
    "W/cm2": "_w_cm2",
    "W": "_w",
    "cm2": "_cm2",
    "Cel": "_c",
    "deg": "_deg",
    "mA": "_ma",
    "V": "_v",
    "kOhm": "_kohm",
    "kPa": "_kpa",
    "J": "_j",
    "J/cm2": "_j_cm2",
    "mA.min": "_ma_min",
    "mA/cm2": "_ma_cm2",
}


@pytest.mark.parametrize("field", FIELDS.values(), ids=list(FIELDS))
def test_a_field_is_whole(field):
    assert field.meaning
    assert field.source.startswith("[")
    if field.unit in SUFFIXES:
        # peak and mean of one quantity: `intensity_mean_w_cm2`, `head_temp_max_c`
        assert field.name.endswith(SUFFIXES[field.unit])
    else:
        assert field.unit in ("1", "{count}")
    if field.type in ("text", "bool"):
        assert (field.low, field.high) == (None, None)
    else:
        assert field.low is not None
        assert field.high is not None
        assert field.low < field.high


def test_bounds_are_included_and_text_has_none():
    intensity = FIELDS["intensity_w_cm2"]

    assert [intensity.plausible(v) for v in (0, 3, -0.1, 3.1)] == [
        True,
        True,
        False,
        False,
    ]
    assert FIELDS["program"].plausible("anything")
    assert FIELDS["contact_ok"].plausible(value=False)
    assert intensity.plausible("a text is for the profile to refuse")


def test_settings_are_what_a_person_sets():
    assert "intensity_w_cm2" in SETTINGS
    assert not SETTINGS & {"time_left_s", "contact_ok", "energy_j"}


def test_amplitudes_are_in_the_catalogue_under_their_modality():
    for modality, names in AMPLITUDES.items():
        assert {FIELDS[name].modality for name in names} == {modality}
