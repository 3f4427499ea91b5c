"""Two channels of one modality in one message: each is its own treatment."""

from pathlib import Path

import pytest
from unit.drivers.recorded import Recorded

from devicelog.drivers.load import driver, load
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.script import SCRIPTS
from devicelog.model.flow import Identity

PROFILE = load(str(Path(__file__).parent / "duo-5.toml"))
BEGIN_S, LASTS_S = {"left": 10.0, "right": 60.0}, 400
NAMES = {"left": "R1", "right": "R3"}


@pytest.fixture(scope="module")
def ends():
    """How the treatment of each head ended; they overlap."""
    left, right = (SCRIPTS[NAMES[it]].player(BEGIN_S[it]) for it in NAMES)
    who = Identity("DUO", "0005", "1.0")
    device = VirtualDevice(PROFILE, left, who, beside={"right": right})
    line = Recorded(driver(PROFILE))
    for second in range(LASTS_S):
        line.wait(1, step=0.25)
        line.hear(device.speak(float(second)))
    line.stop()
    assert [it.why for it in line.noise] == ["the first line heard may be half of one"]
    assert line.conserves()
    assert [*left.ignored, *right.ignored] == []
    return {it.channel: it for it in line.events if it.event == "end"}


@pytest.mark.parametrize("channel", NAMES)
def test_each_head_has_the_treatment_that_its_script_gives(ends, channel):
    (wanted,) = SCRIPTS[NAMES[channel]].expects
    end = ends[channel]

    assert end.reason == wanted.reason
    for name, value in wanted.totals.items():
        assert end.totals[name] == pytest.approx(value, abs=1), name
    assert end.totals["energy_j"] == pytest.approx(wanted.satp_j, rel=0.01)


def test_without_a_source_of_its_own_a_head_says_what_its_kind_says():
    who = Identity("DUO", "0005", "1.0")
    device = VirtualDevice(PROFILE, SCRIPTS["R1"].player(), who)
    last = device.speak(100.0).decode().splitlines()[-1].split(" ")

    assert last[:9] == last[9:]
    assert last[0] == "RUN"
