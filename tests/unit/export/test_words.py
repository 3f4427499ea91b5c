"""Settings and doses are said once, and of the circuits that carry something."""

import pytest

from devicelog.export.texts import texts
from devicelog.export.words import Words

WORDS = Words(texts("en"))
BOTH = ("amplitude_1_ma", "amplitude_2_ma")
MEANS = ("amplitude_1_mean_ma", "amplitude_2_mean_ma")


def spoken(parts):
    """Without what keeps a number and its unit on one line."""
    return [it.replace("\u00a0", " ") for it in parts]


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ((20.0, 0.0), ["20 mA"]),
        ((0.0, 20.0), ["20 mA"]),
        ((20.0, 20.0), ["20 mA"]),
        ((20.0, 18.0), ["20 mA / 18 mA"]),
        ((0.0, 0.0), ["0 mA"]),
    ],
)
def test_currents_as_set(levels, said):
    assert spoken(WORDS.settings(dict(zip(BOTH, levels, strict=True)))) == said


@pytest.mark.parametrize(
    ("means", "said"),
    [
        ((12.34, 10.1), ["mean 12.3 and 10.1 mA"]),
        ((12.34, 12.31), ["mean 12.3 mA"]),
        ((12.34, 0.0), ["mean 12.3 mA"]),
        ((0.0, 10.1), ["mean 10.1 mA"]),
        ((0.0, 0.0), ["mean 0 mA"]),
    ],
)
def test_mean_currents(means, said):
    assert spoken(WORDS.dose(dict(zip(MEANS, means, strict=True)))) == said


def test_one_circuit_alone():
    assert spoken(WORDS.settings({"amplitude_1_ma": 20.0})) == ["20 mA"]
    assert spoken(WORDS.dose({"amplitude_1_mean_ma": 20.75})) == ["mean 20.8 mA"]


def test_energy_by_both_conventions_is_said_once_where_it_is_the_same():
    pulsed = {"energy_if_satp_j": 53.8, "energy_if_sata_j": 269.0}
    assert spoken(WORDS.dose(pulsed)) == ["53.8 J if SATP", "269 J if SATA"]
    assert spoken(WORDS.dose(dict.fromkeys(pulsed, 268.9))) == ["269 J"]
