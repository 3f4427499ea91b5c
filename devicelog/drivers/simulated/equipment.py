"""What stands in a virtual clinic: heads, and what is set on the device's screen."""

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


class Head(msgspec.Struct, frozen=True):
    """An applicator. Numbers as the device stores them."""

    id: str
    serial: str
    era_cm2: float
    bnr: float


class Programme(msgspec.Struct, frozen=True):
    """What is set before a treatment. Intensity is SATP (in the pulse)."""

    frequency_mhz: float
    duty_pct: int
    intensity_w_cm2: float
    time_s: float


LARGE: Final = Head("1", "50417", 5.0, 4.1)
SMALL: Final = Head("2", "80233", 0.8, 5.2)
