"""Treatments that go another way than prescribed, each in one, with their totals."""

from typing import Final

from devicelog.drivers.simulated.equipment import SMALL, Current, Programme
from devicelog.drivers.simulated.play import Expected, Script, Step

_FIVE_MINUTES: Final = Programme(1.0, 100, 0.5, 300)  # 2.5 W with the large head
_TWENTY_MA: Final = Current(20.0, 20.0, 300, 90.0, 100.0, "6/6", ramp_s=5.0)

MISHAPS: Final[dict[str, Script]] = {
    "lengthened": Script(
        "three minutes more, given while it runs",
        _FIVE_MINUTES,
        480,
        (Step(120, "lengthen", 180.0), Step(490, "clear")),
        expects=(
            Expected(
                ends_s=480,
                edges=((120, "timer_lengthened"), (120, "setting")),
                totals={"wall_s": 480, "emission_s": 480, "time_set_main_s": 480},
                satp_j=1200,
                sata_j=1200,
            ),
        ),
    ),
    "head_swapped": Script(
        "the small head instead of the large one, in a pause",
        _FIVE_MINUTES,
        330,
        (
            Step(120, "pause"),
            Step(135, "swap", SMALL),
            Step(150, "resume"),
            Step(340, "clear"),
        ),
        expects=(
            # 120 s of 2.5 W, 180 s of 0.4.
            Expected(
                ends_s=330,
                edges=((120, "pause"), (150, "resume"), (150, "segment")),
                totals={"wall_s": 330, "emission_s": 300, "segments": 2},
                satp_j=372,
                sata_j=372,
            ),
        ),
    ),
    "weak": Script(
        "below what the coupling sensor can sense; off the skin and not held",
        Programme(1.0, 100, 0.1, 300),
        300,
        (Step(60, "uncouple"), Step(80, "couple"), Step(310, "clear")),
        expects=(
            Expected(
                ends_s=300,
                totals={"wall_s": 300, "emission_s": 300, "contacts_lost": 0},
                satp_j=150,
                sata_j=150,
                flags=("contact_unreliable",),
            ),
        ),
    ),
    "no_output": Script(
        "runs its whole time at intensity 0",
        Programme(1.0, 100, 0.0, 300),
        300,
        (Step(310, "clear"),),
        expects=(
            Expected(
                ends_s=300,
                totals={"wall_s": 300, "emission_s": 300, "output_s": 0},
                satp_j=0,
                sata_j=0,
                flags=("no_output",),
            ),
        ),
    ),
    "no_current": Script(
        "left running at 0 mA",
        Current(0.0, 0.0, 300),
        300,
        (Step(310, "clear"),),
        expects=(
            Expected(
                modality="if",
                ends_s=300,
                totals={
                    "wall_s": 300,
                    "emission_s": 300,
                    "output_s": 0,
                    "amplitude_1_mean_ma": 0,
                },
                flags=("no_output",),
            ),
        ),
    ),
    "accidental": Script(
        "started and stopped within ten seconds",
        _FIVE_MINUTES,
        6,
        (Step(6, "stop"), Step(12, "clear")),
        expects=(
            Expected(
                ends_s=6,
                reason="stopped_early",
                totals={"wall_s": 6, "emission_s": 6},
                satp_j=15,
                sata_j=15,
                flags=("accidental",),
            ),
        ),
    ),
    "electrode_off": Script(
        "an electrode comes off and is put back; the current rises anew",
        _TWENTY_MA,
        312,
        (Step(100, "uncouple", 2), Step(112, "couple", 2), Step(320, "clear")),
        expects=(
            # Two rises of 5 s, 10 mA in the mean, and 290 s of 20.
            Expected(
                modality="if",
                ends_s=312,
                edges=((100, "contact_lost"), (112, "contact_back")),
                totals={
                    "wall_s": 312,
                    "emission_s": 300,
                    "contact_lost_s": 12,
                    "amplitude_1_mean_ma": 19.667,
                    "amplitude_2_mean_ma": 19.667,
                    "setting_changes": 0,
                },
            ),
        ),
    ),
    "patient_switch": Script(
        "the patient presses the switch in the hand",
        _TWENTY_MA,
        130,
        (Step(130, "switch"), Step(140, "clear")),
        expects=(
            # A rise of 5 s, 10 mA in the mean, and 125 s of 20.
            Expected(
                modality="if",
                ends_s=130,
                reason="stopped_early",
                totals={
                    "wall_s": 130,
                    "emission_s": 130,
                    "amplitude_1_mean_ma": 19.615,
                },
            ),
        ),
    ),
    "unbound": Script(
        "a treatment for which no patient was named before",
        _TWENTY_MA,
        300,
        (Step(310, "clear"),),
        expects=(
            Expected(
                modality="if",
                ends_s=300,
                totals={"wall_s": 300, "emission_s": 300, "amplitude_1_max_ma": 20},
            ),
        ),
    ),
    "twice": Script(
        "two treatments in a row",
        Programme(1.0, 50, 0.8, 180),
        405,
        (
            Step(190, "clear"),
            Step(220, "load", Programme(3.0, 20, 0.5, 180)),
            Step(225, "start"),
            Step(420, "clear"),
        ),
        expects=(
            Expected(ends_s=180, totals={"wall_s": 180}, satp_j=360, sata_j=720),
            Expected(
                starts_s=225, ends_s=405, totals={"wall_s": 180}, satp_j=90, sata_j=450
            ),
        ),
    ),
    "two_patients": Script(
        "stopped for the one, started again at once for the next",
        _FIVE_MINUTES,
        406,
        (
            Step(100, "stop"),
            Step(102, "load", _FIVE_MINUTES),
            Step(106, "start"),
            Step(420, "clear"),
        ),
        expects=(
            Expected(
                ends_s=100,
                reason="stopped_early",
                totals={"wall_s": 100},
                satp_j=250,
                sata_j=250,
            ),
            Expected(
                starts_s=106, ends_s=406, totals={"wall_s": 300}, satp_j=750, sata_j=750
            ),
        ),
    ),
    "clock_change": Script(
        "clocks are put back an hour while it runs",
        _FIVE_MINUTES,
        300,
        (Step(310, "clear"),),
        expects=(Expected(ends_s=300, totals={"wall_s": 300}, satp_j=750, sata_j=750),),
        begins_at="2027-10-31T00:58:00Z",  # two minutes before, in Europe
    ),
    "reset": Script(
        "the device restarts in the middle",
        _FIVE_MINUTES,
        100,
        (Step(100, "reset"),),
        expects=(
            Expected(
                ends_s=100,
                reason="device_reset",
                totals={"wall_s": 100, "emission_s": 100},
                satp_j=250,
                sata_j=250,
            ),
        ),
    ),
    "fault_resumed": Script(
        "a fault, seen to within half a minute, then on to the end",
        _FIVE_MINUTES,
        330,
        (
            Step(90, "fail", "3"),
            Step(110, "acknowledge"),
            Step(120, "resume"),
            Step(340, "clear"),
        ),
        expects=(
            Expected(
                ends_s=330,
                edges=((90, "fault"), (110, "segment")),
                totals={"wall_s": 330, "segments": 2, "faults": 1},
                satp_j=750,
                sata_j=750,
            ),
        ),
    ),
    "failed": Script(
        "a fault that ends the treatment",
        _FIVE_MINUTES,
        90,
        (Step(90, "fail", "4"), Step(300, "clear")),
        expects=(
            Expected(
                ends_s=90,
                reason="fault",
                edges=((90, "fault"),),
                totals={"wall_s": 90, "emission_s": 90, "faults": 1},
                satp_j=225,
                sata_j=225,
            ),
        ),
    ),
    "slow_timer": Script(
        "a timer that runs 12 % slow",
        _FIVE_MINUTES,
        300 / 0.88,
        (Step(350, "clear"),),
        timer_error_pct=-12.0,
        expects=(
            Expected(
                ends_s=340.9,
                totals={"wall_s": 340.9, "timer_error_pct": -12},
                satp_j=852.3,
                sata_j=852.3,
            ),
        ),
    ),
    "timer_jump": Script(
        "the timer falls by a minute, by itself",
        _FIVE_MINUTES,
        240,
        (Step(100, "jump", 60.0), Step(250, "clear")),
        expects=(
            Expected(
                ends_s=240,
                edges=((100, "timer_jump"),),
                totals={"wall_s": 240, "emission_s": 240},
                satp_j=600,
                sata_j=600,
            ),
        ),
    ),
}
