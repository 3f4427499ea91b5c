"""Scripts of one's own: what they do, and what is wrong with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.drivers.profile import Line
from devicelog.drivers.simulated.equipment import (
    LARGE,
    SMALL,
    Combined,
    Current,
    Programme,
)
from devicelog.drivers.simulated.faults import Trouble
from devicelog.drivers.simulated.script import Step
from devicelog.drivers.simulated.script_file import parse
from devicelog.errors import ConfigError
from devicelog.model.flow import Identity

OWN = """
meaning = "four seconds, lowered, off the skin"
programme = { frequency_mhz = 1, duty_pct = 50, intensity_w_cm2 = 1.0, time_s = 4 }
[[steps]]
at_s = 1
action = "turn"
intensity_w_cm2 = 0.4
[[steps]]
at_s = 2
action = "resume"
"""


def test_a_script_is_what_its_file_says():
    it = parse(OWN, "own.toml")

    assert it.programme == Programme(1.0, 50, 1.0, 4.0)
    assert (it.head, it.ramp_s, it.timer_error_pct) == (LARGE, 0.0, 0.0)
    assert it.steps == (Step(1.0, "turn", 0.4, "us"), Step(2.0, "resume"))


def test_every_action_takes_what_it_needs():
    steps = """
ramp_s = 2
timer_error_pct = -5.0
[programme]
frequency_mhz = 1
duty_pct = 50
intensity_w_cm2 = 1.0
time_s = 4
[head]
id = "2"
serial = "80233"
era_cm2 = 0.8
bnr = 5.2
[[steps]]
at_s = 1
action = "lengthen"
seconds = 60
[[steps]]
at_s = 2
action = "fail"
fault = "3"
[[steps]]
at_s = 3
action = "swap"
head = { id = "1", serial = "50417", era_cm2 = 5, bnr = 4.1 }
[[steps]]
at_s = 3
action = "load"
programme = { frequency_mhz = 3, duty_pct = 20, intensity_w_cm2 = 0.5, time_s = 9 }
"""
    it = parse(steps, "own.toml")

    assert (it.head, it.ramp_s, it.timer_error_pct) == (SMALL, 2.0, -5.0)
    assert [step.value for step in it.steps] == [
        60.0,
        "3",
        LARGE,
        Programme(3.0, 20, 0.5, 9.0),
    ]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("meaning", "meanin"), 'meanin: is not a known key (did you mean "meaning"?)'),
        (("duty_pct = 50", "duty_pct = 51"), "programme.duty_pct: 51 has no label"),
        (("frequency_mhz = 1,", ""), "programme.frequency_mhz: is missing"),
        (("= 1.0, time", "= 99.0, time"), "programme.intensity_w_cm2: 99 is out of bo"),
        (("at_s = 2", "at_s = 0.5"), "steps[1].at_s: 0.5 is before 1"),
        (("at_s = 2", "at_s = nan"), "steps[1].at_s: nan is before 1"),
        (('"resume"', '"resum"'), 'steps[1].action: "resum" is not allowed (did you m'),
        (('"turn"', '"pause"'), 'steps[0].intensity_w_cm2: "pause" takes no intensity'),
        (("intensity_w_cm2 = 0.4", ""), '"turn" needs it (add it or amplitude_ma)'),
        (
            ("intensity_w_cm2 = 0.4", "intensity_w_cm2 = 0.4\namplitude_ma = 4"),
            "steps[0].amplitude_ma: stands beside intensity_w_cm2",
        ),
        (('"resume"', '"dry"\ntimes = 0'), "steps[1].times: 0 is out of bounds"),
        (('"resume"', '"couple"\ncircuit = 3'), "steps[1].circuit: 3 is out of b"),
        (('"resume"', '"swap"'), 'steps[1].head: is missing: "swap" needs it'),
        (('"resume"', '"lengthen"\nseconds = -1'), "steps[1].seconds: -1 is out of b"),
        (('"resume"', '"resume"\nhead = { id = 1 }'), "steps[1].head.serial: is missi"),
        (
            ("programme", "ramp_s = -1\nprogramme"),
            "ramp_s: -1 is out of bounds (0 to 120)",
        ),
    ],
)
def test_what_is_wrong_with_a_script_is_told_with_its_line(change, told):
    assert change[0] in OWN
    with pytest.raises(ConfigError) as caught:
        parse(OWN.replace(*change, 1), "own.toml")

    assert told in caught.value.message
    assert "\n  own.toml:" in caught.value.message


def test_current_and_both_together():
    current = """
current = { amplitude_1_ma = 10, amplitude_2_ma = 12, time_s = 60, ramp_s = 2 }
[[steps]]
at_s = 1
action = "turn"
amplitude_ma = 8
[[steps]]
at_s = 2
action = "uncouple"
circuit = 2
[[steps]]
at_s = 3
action = "couple"
"""
    alone = parse(current, "own.toml")
    both = parse(OWN.replace("[[", f"{current.partition('[[')[0]}[[", 1), "own.toml")

    assert alone.programme == Current(10.0, 12.0, 60.0, ramp_s=2.0)
    assert alone.modalities == {"if"}
    assert alone.steps == (
        Step(1.0, "turn", 8.0, "if"),
        Step(2.0, "uncouple", 2),
        Step(3.0, "couple"),
    )
    assert both.programme == Combined(Programme(1.0, 50, 1.0, 4.0), alone.programme)
    assert both.modalities == {"us", "if"}


TROUBLES = (
    OWN
    + """
[[troubles]]
at_s = 1
for_s = 2.5
fault = "silent"
[[troubles]]
at_s = 2
for_s = 1
fault = "flips"
count = 3
[[troubles]]
at_s = 3
for_s = 1
fault = "line"
line = { baud = 4800, parity = "E" }
[[troubles]]
at_s = 4
for_s = 1
fault = "identity"
serial = "666"
"""
)


def test_what_goes_wrong_with_the_line():
    assert parse(TROUBLES, "own.toml").troubles == (
        Trouble(1.0, 2.5, "silent"),
        Trouble(2.0, 1.0, "flips", 3),
        Trouble(3.0, 1.0, "line", Line(4800, parity="E")),
        Trouble(4.0, 1.0, "identity", Identity("SIM", "666", "1.0")),
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("count = 3", ""), 'troubles[1].count: is missing: "flips" needs it'),
        (('"silent"', '"silent"\ncount = 3'), 'troubles[0].count: "silent" takes no'),
        (("for_s = 2.5", "for_s = 0"), "troubles[0].for_s: 0 is no time"),
        (('"silent"', '"silence"'), 'troubles[0].fault: "silence" is not allowed'),
        (("count = 3", "count = 0"), "troubles[1].count: 0 is out of bounds"),
        (("4800", "1"), "troubles[2].line.baud: 1 is out of bounds"),
    ],
)
def test_what_is_wrong_with_a_trouble_is_told(change, told):
    with pytest.raises(ConfigError) as caught:
        parse(TROUBLES.replace(*change, 1), "own.toml")

    assert told in caught.value.message


def test_a_script_gives_something():
    with pytest.raises(ConfigError, match="programme: is missing: what is given"):
        parse('meaning = "nothing"', "own.toml")


def test_what_is_no_toml_is_told():
    with pytest.raises(ConfigError, match="is not TOML"):
        parse("meaning =", "own.toml")


@given(st.text(max_size=60))
def test_any_line_more_is_taken_or_refused(line):
    try:
        parse(f"{OWN}\n{line}", "own.toml")
    except ConfigError as error:
        assert "own.toml" in error.message  # noqa: PT017  (it may also be taken)
