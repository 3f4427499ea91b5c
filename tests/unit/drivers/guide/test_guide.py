"""An observer's guide: a device family that nobody knew, added by one file.

`vario-4.toml` beside this test is all that is new. The lines are typed here as such a
device would send them; no driver made them.
"""

from pathlib import Path

import pytest
from unit.drivers.recorded import Recorded

from devicelog.drivers.load import driver, load

FILE = Path(__file__).parent / "vario-4.toml"
BEGAN, LAST = 20, 1300


def lines():
    """One line a second of twenty minutes at 18 mA, then 22; with what goes wrong.

    Ramp of 30 s; a pause of 40 s at 120 s; a pad comes off for 15 s at 400 s; 22 mA
    from 600 s on. Then a half line, garbage, and a line that another device garbled.
    """
    left = 1200
    for second in range(LAST):
        into = second - BEGAN
        if into < 0:
            yield "SET 1200 1200 0.0 0.0 4000 080 150 6/6 11"
            continue
        if 120 <= into < 160:
            state = "WAIT"
        elif 400 <= into < 415:
            state = "PAD"
        elif left:
            state = "UP" if into < 30 else "RUN"
        else:
            state = "END"
        flows = state in ("UP", "RUN")
        full = 18 if into < 600 else 22
        ma = full * min(1, into / 30) if flows else 0
        pads = "01" if state == "PAD" else "11"
        yield f"{state} 1200 {left:04d} {ma:.1f} {ma:.1f} 4000 080 150 6/6 {pads}"
        left = max(0, left - flows)


@pytest.fixture(scope="module")
def line():
    it = Recorded(driver(load(str(FILE))))
    it.hear(b"50 6/6 11\n")  # half a line: the port was opened in its middle
    for second, text in enumerate(lines()):
        it.wait(1, step=0.25)
        if second == 700:
            it.hear(b"\x00\x00RUN 1200 05")  # and the rest never came
        elif second == 800:
            it.hear(b"\x07garbage from a mobile phone")
            it.wait(0.25)
            it.hear(f"{text}\n".encode())
        elif second == 900:
            it.hear(text.replace("22.0", "92.O").encode() + b"\n")
        elif second % 7 == 3:
            it.hear(text[:11].encode())
            it.hear(f"{text[11:]}\n".encode())
        else:
            it.hear(f"{text}\n".encode())
    it.wait(5)
    it.stop()
    return it


def test_a_treatment_comes_out_right(line):
    end = line.events[-1]

    assert [it.event for it in line.events] == [
        "start",
        "pause",
        "resume",
        "contact_lost",
        "contact_back",
        "setting",
        "setting",
        "end",
    ]
    assert (end.reason, end.flags) == ("completed", ("identity_unverified",))
    assert end.totals["emission_s"] == pytest.approx(1200, abs=1)
    assert end.totals["wall_s"] == pytest.approx(1255, abs=1)
    assert end.totals["paused_s"] == pytest.approx(40, abs=1)
    assert end.totals["contact_lost_s"] == pytest.approx(15, abs=1)
    # 30 s of a ramp (a mean of 9 mA), then 18 mA to 600 s of wall time less 55 s that
    # stood still, then 22 mA: 270 + 515 x 18 + 655 x 22 mA s over 1200 s.
    mean = (270 + 515 * 18 + 655 * 22) / 1200
    assert end.totals["amplitude_1_mean_ma"] == pytest.approx(mean, rel=0.01)
    assert end.totals["charge_2_ma_min"] == pytest.approx(mean * 20, rel=0.01)
    assert end.totals["density_1_ma_cm2"] == pytest.approx(mean / 50, rel=0.01)
    assert end.totals["coverage_pct"] == pytest.approx(100, abs=0.5)


def test_its_settings_are_the_ones_on_the_wire(line):
    start = line.events[0]

    assert start.values["carrier_hz"] == 4000
    assert (start.values["beat_low_hz"], start.values["beat_high_hz"]) == (80, 150)
    assert start.values["sweep_program"] == "6/6"
    assert (start.values["waveform"], start.values["regulation"]) == ("4-pole", "CC")
    changes = [(it.field, it.old, it.new) for it in line.events if it.field]
    assert changes == [
        ("amplitude_1_ma", 18.0, 22.0),
        ("amplitude_2_ma", 18.0, 22.0),
    ]


def test_what_was_no_line_is_noise_and_says_why(line):
    assert [it.why for it in line.noise] == [
        "the first line heard may be half of one",
        "half a frame, then silence",
        "half a frame, then silence",
        "amplitude_1_ma: '92.O' is no number as declared",
    ]
    assert line.sent == []
    assert line.conserves()
    counts = line.device.counts
    # Each second one line; that of second 700 was half, that of 900 garbled.
    assert counts.readings == LAST - 2
