"""The line for the notes, as the domain wants it, for each kind of treatment."""

import pytest
from unit.export.clinic import US

from devicelog.export.line import line
from devicelog.records.derived import Deriver

SOUND = {
    "frequency_mhz": 3.0,
    "duty_pct": 20.0,
    "intensity_w_cm2": 0.5,
    "intensity_convention": "SATP",
    "time_set_s": 300.0,
}
CURRENT = {
    "carrier_hz": 4000.0,
    "beat_low_hz": 80.0,
    "beat_high_hz": 100.0,
    "amplitude_1_ma": 0.0,
    "time_set_s": 720.0,
}
EPICONDYLE = {"side": "left", "site": "lateral_epicondyle"}


def told(small, values, totals, *, facts=None, purpose="", simulated=False, **end):
    name = small.start("us-1.us.1", values=values)
    if totals is not None:
        ended = {"reason": "completed", "ended_ns": small.clock.wall_ns()} | end
        small.event(name, "end", totals=totals, **ended)
    if facts:
        small.ask("annotate", session_id=name, facts=facts)
    if purpose:
        small.ask("purpose", session_id=name, purpose=purpose)
    with small.reader() as reader:
        session = Deriver(reader).session(reader.session(name))
    return line(session, simulated=simulated)


CASES = {
    "the domain's own": (
        (SOUND, {"energy_j": 24.0, "contacts_lost": 2, "contact_lost_s": 17.2}),
        {"facts": EPICONDYLE},
        (
            "US 3 MHz 20 % 0.5 W/cm2 (SATP) 5:00, 24 J, contact lost 2x/17 s,"
            " L lateral epicondyle"
        ),
    ),
    "continuous": (
        (SOUND | {"duty_pct": 100.0}, {"energy_j": 7.54}),
        {},
        "US 3 MHz continuous 0.5 W/cm2 (SATP) 5:00, 7.5 J",
    ),
    "unknown convention": (
        (
            {**SOUND, "intensity_convention": "unknown"},
            {"energy_if_satp_j": 24.0, "energy_if_sata_j": 120.0},
        ),
        {},
        "US 3 MHz 20 % 0.5 W/cm2 (unknown) 5:00, 24 J if SATP, 120 J if SATA",
    ),
    "stopped": (
        (SOUND, {"energy_j": 12.0, "emission_s": 150.4, "pauses": 1, "paused_s": 30}),
        {"reason": "stopped_early"},
        (
            "US 3 MHz 20 % 0.5 W/cm2 (SATP) 5:00, 12 J, paused 1x/30 s,"
            " stopped early at 2:30"
        ),
    ),
    "unknown convention, of a continuous beam": (
        (
            SOUND | {"duty_pct": 100.0, "intensity_convention": "unknown"},
            {"energy_if_satp_j": 268.9, "energy_if_sata_j": 268.9},
        ),
        {},
        "US 3 MHz continuous 0.5 W/cm2 (unknown) 5:00, 269 J",
    ),
    "one circuit of two": (
        (
            CURRENT,
            {
                "amplitude_1_max_ma": 21.0,
                "amplitude_2_max_ma": 0.0,
                "amplitude_1_mean_ma": 20.84,
                "amplitude_2_mean_ma": 0.0,
                "time_set_main_s": 600.0,
            },
        ),
        {},
        "IF 4 kHz 80-100 Hz 21 mA 10:00, mean 20.8 mA",
    ),
    "first seen late": (
        (SOUND, {"energy_j": 12.0, "gaps": 1, "gap_s": 5.4}),
        {"flags": ("start_unseen",)},
        "US 3 MHz 20 % 0.5 W/cm2 (SATP) 5:00, at least 12 J, not recorded 1x/5 s",
    ),
    "current": (
        (
            CURRENT,
            {
                "amplitude_1_max_ma": 21.0,
                "amplitude_2_max_ma": 20.5,
                "amplitude_1_mean_ma": 20.84,
                "amplitude_2_mean_ma": 20.1,
                "time_set_main_s": 600.0,
            },
        ),
        {"facts": {"site": "lumbar_spine", "side": "both"}},
        "IF 4 kHz 80-100 Hz 21 mA 20.5 mA 10:00, mean 20.8/20.1 mA, L+R lumbar spine",
    ),
    "set after the start": (
        (
            SOUND | {"intensity_w_cm2": 0.0},
            {"energy_j": 24.0, "intensity_max_w_cm2": 0.1},
        ),
        {},
        "US 3 MHz 20 % at most 0.1 W/cm2 (SATA) 5:00, 24 J",
    ),
    "a check": (
        (SOUND, {"energy_j": 24.0}),
        {"purpose": "output_check"},
        "output check: US 3 MHz 20 % 0.5 W/cm2 (SATP) 5:00, 24 J",
    ),
    "made up": (
        (SOUND, {"energy_j": 24.0}),
        {"simulated": True},
        "US 3 MHz 20 % 0.5 W/cm2 (SATP) 5:00, 24 J, SIMULATED",
    ),
    "open": (
        (US, None),
        {},
        "US 1 MHz 50 % 0.8 W/cm2 (unknown) 5:00, runs still",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_session_is_one_line(small, name):
    given, more, wanted = CASES[name]
    assert told(small, *given, **more) == wanted
