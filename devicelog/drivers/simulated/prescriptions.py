"""Textbook prescriptions as scripts, their totals worked out by hand beside them."""

from typing import Final

from devicelog.drivers.simulated.equipment import (
    SMALL,
    TWO_POLE,
    Combined,
    Current,
    Programme,
)
from devicelog.drivers.simulated.play import Expected, Script, Step

PRESCRIPTIONS: Final[dict[str, Script]] = {
    "R1": Script(
        "pulsed, small head, lateral epicondyle; contact lost twice: 24 J",
        Programme(3.0, 20, 0.5, 300),
        317,
        (
            Step(41, "uncouple"),
            Step(47, "couple"),
            Step(178, "uncouple"),
            Step(189, "couple"),
            Step(330, "clear"),
        ),
        head=SMALL,
        ramp_s=3.0,
        expects=(
            Expected(
                ends_s=317,
                edges=(
                    (41, "contact_lost"),
                    (47, "contact_back"),
                    (178, "contact_lost"),
                    (189, "contact_back"),
                ),
                totals={
                    "wall_s": 317,
                    "emission_s": 300,
                    "contacts_lost": 2,
                    "contact_lost_s": 17,
                    "setting_changes": 0,
                },
                satp_j=24,
                sata_j=120,
            ),
        ),
    ),
    "R2": Script(
        "continuous, gluteal; lowered as the head is warm: 2160 J",
        Programme(1.0, 100, 1.0, 480),
        480,
        (Step(240, "turn", 0.8), Step(490, "clear")),
        expects=(
            Expected(
                ends_s=480,
                edges=((240, "setting"),),
                totals={"wall_s": 480, "emission_s": 480, "setting_changes": 1},
                satp_j=2160,
                sata_j=2160,
            ),
        ),
    ),
    "R3": Script(
        "half duty, knee; paused for a telephone, stopped for pain: 440 J",
        Programme(1.0, 50, 0.8, 360),
        255,
        (
            Step(95, "pause"),
            Step(130, "resume"),
            Step(255, "stop"),
            Step(270, "clear"),
        ),
        expects=(
            Expected(
                ends_s=255,
                reason="stopped_early",
                edges=((95, "pause"), (130, "resume")),
                totals={
                    "wall_s": 255,
                    "emission_s": 220,
                    "device_s": 220,
                    "pauses": 1,
                    "paused_s": 35,
                },
                satp_j=440,
                sata_j=880,
            ),
        ),
    ),
    "R4": Script(
        "4-pole, 80 to 150 Hz, low back; raised after five minutes: 20.8 mA",
        Current(18.0, 18.0, 1200, 80.0, 150.0, "6/6", ramp_s=30.0),
        1200,
        (Step(300, "turn", 22.0), Step(1210, "clear")),
        expects=(
            # 30 s of 9 mA in the mean, 270 s of 18, 900 s of 22.
            Expected(
                modality="if",
                ends_s=1200,
                edges=((300, "setting"),),
                totals={
                    "wall_s": 1200,
                    "emission_s": 1200,
                    "amplitude_1_mean_ma": 20.775,
                    "amplitude_2_mean_ma": 20.775,
                    "amplitude_1_max_ma": 22,
                    "setting_changes": 1,
                },
            ),
        ),
    ),
    "diagnostic": Script(
        "the head as moving electrode: 0.5 W/cm2 with 2-pole current, no sweep",
        Combined(
            Programme(1.0, 100, 0.5, 300),
            Current(10.0, 10.0, 300, waveform=TWO_POLE),
        ),
        308,
        (
            Step(100, "turn", 8.0, "if"),
            Step(150, "uncouple"),
            Step(158, "couple"),
            Step(320, "clear"),
        ),
        expects=(
            Expected(
                ends_s=308,
                edges=((150, "contact_lost"), (158, "contact_back")),
                totals={
                    "wall_s": 308,
                    "emission_s": 300,
                    "contacts_lost": 1,
                    "contact_lost_s": 8,
                    "setting_changes": 0,
                },
                satp_j=750,
                sata_j=750,
            ),
            # 100 s of 10 mA, 200 s of 8.
            Expected(
                modality="if",
                ends_s=308,
                edges=(
                    (100, "setting"),
                    (150, "contact_lost"),
                    (158, "contact_back"),
                ),
                totals={
                    "wall_s": 308,
                    "emission_s": 300,
                    "contacts_lost": 1,
                    "contact_lost_s": 8,
                    "amplitude_1_mean_ma": 8.667,
                    "setting_changes": 1,
                },
            ),
        ),
    ),
}
