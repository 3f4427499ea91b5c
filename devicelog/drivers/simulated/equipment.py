"""What stands in a virtual clinic: heads, and what is set on a device's screen."""

from typing import Final

import msgspec

# The label on the device's screen for a duty cycle in percent: on to off.
DUTY_LABELS: Final = {
    100: "cont",
    50: "1:1",
    33: "1:2",
    25: "1:3",
    20: "1:4",
    10: "1:9",
    5: "1:19",
}

FOUR_POLE: Final = "4-pole classic"
TWO_POLE: Final = "2-pole premodulated"


class Head(msgspec.Struct, frozen=True):
    """An applicator. Numbers as the device stores them."""

    id: str
    serial: str
    era_cm2: float
    bnr: float


class Programme(msgspec.Struct, frozen=True):
    """What is set before ultrasound. Intensity is as the device shows it."""

    frequency_mhz: float
    duty_pct: int
    intensity_w_cm2: float
    time_s: float


class Current(msgspec.Struct, frozen=True):
    """What is set before interferential current. Amplitudes in mA, r.m.s.

    In 2-pole the current is modulated in the device, and circuit 1 alone carries it.
    """

    amplitude_1_ma: float
    amplitude_2_ma: float
    time_s: float
    beat_low_hz: float = 100.0
    beat_high_hz: float = 100.0
    sweep_program: str = "none"
    ramp_s: float = 0.0
    waveform: str = FOUR_POLE
    carrier_hz: float = 4000.0
    balance_pct: float = 0.0


class Combined(msgspec.Struct, frozen=True):
    """The head as the moving electrode: one treatment of sound and current."""

    sound: Programme
    current: Current

    @property
    def time_s(self) -> float:
        """Both share one timer."""
        return self.sound.time_s


LARGE: Final = Head("1", "50417", 5.0, 4.1)
SMALL: Final = Head("2", "80233", 0.8, 5.2)
