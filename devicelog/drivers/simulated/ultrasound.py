"""The physics of a virtual ultrasound channel. It knows no wire and no clock.

Below 0.2 W/cm2 the coupling sensor sees nothing and the device lets it run (as Combin8
does). The face of the head warms with the mean power and stops the device at 43 Cel
(IEC 60601-2-5). Heat: a first order, fitted to 40.6 Cel after 210 s at 5 W, the warning
of a textbook treatment.
"""

import math
from collections.abc import Iterator
from typing import ClassVar, Final

import msgspec

from devicelog.drivers.simulated import channel
from devicelog.drivers.simulated.channel import AT_REST, Action, VirtualChannel
from devicelog.drivers.simulated.equipment import DUTY_LABELS, LARGE, Head, Programme
from devicelog.model.fields import Value
from devicelog.model.states import EMITTING, Modality, State

AMBIENT_C: Final = 24.0
LIMIT_C: Final = 43.0
SENSED_FROM_W_CM2: Final = 0.2
OVERHEATED: Final = "1"

_WARMING_S: Final = 90.0
_KELVIN_PER_W: Final = 3.68
_CONTINUOUS_PCT: Final = 100
_PULSES_HZ: Final = 100.0  # whatever the duty: 2 ms of 10 are 20 %

# In which states an action does anything.
ACTS: Final[dict[Action, frozenset[State]]] = channel.ACTS | {"swap": AT_REST}


class Ultrasound(VirtualChannel[Programme]):
    """See the module, and `VirtualChannel`.

    `ramp_s` is how long it says ramping after a start; at once it gives the share
    `ramp_from` of the level, the rest rises evenly.
    """

    modality: ClassVar[Modality] = "us"
    acts = ACTS

    def __init__(
        self,
        head: Head = LARGE,
        *,
        ramp_s: float = 0.0,
        ramp_from: float = 0.0,
        timer_error_pct: float = 0.0,
        selftest_s: float = 3.0,
    ) -> None:
        super().__init__(timer_error_pct=timer_error_pct, selftest_s=selftest_s)
        self.head = head
        self.temperature_c = AMBIENT_C
        self._ramp_s = ramp_s
        self._ramp_from = ramp_from
        self._coupled = True

    @property
    def ramp_s(self) -> float:
        """See `VirtualChannel`."""
        return self._ramp_s

    @property
    def actual_w_cm2(self) -> float:
        """Intensity that leaves the head now, in the pulse."""
        if self.state not in EMITTING or self._set is None:
            return 0.0
        level = self._set.intensity_w_cm2
        if self.state == "running":
            return level
        risen = (self._now - self._since) / self._ramp_s
        return level * (self._ramp_from + (1 - self._ramp_from) * risen)

    def senses_contact(self) -> bool:
        """See `VirtualChannel`."""
        level = self._set.intensity_w_cm2 if self._set else 0.0
        return self._coupled or level < SENSED_FROM_W_CM2

    def values(self) -> dict[str, Value]:
        """See `VirtualChannel`."""
        actual = self.actual_w_cm2
        said = super().values() | {
            "head_id": self.head.id,
            "head_serial": self.head.serial,
            "era_cm2": self.head.era_cm2,
            "bnr": self.head.bnr,
            "contact_ok": self.senses_contact(),
            "head_temp_c": round(self.temperature_c, 1),
            "intensity_actual_w_cm2": actual,
            "power_actual_w": actual * self.head.era_cm2,
            "intensity_w_cm2": 0.0,
        }
        if self._set is not None:
            duty = self._set.duty_pct
            said["frequency_mhz"] = self._set.frequency_mhz
            said["duty_pct"] = float(duty)
            said["duty_raw"] = DUTY_LABELS[duty]
            said["intensity_w_cm2"] = self._set.intensity_w_cm2
            if duty < _CONTINUOUS_PCT:
                said["pulse_repetition_hz"] = _PULSES_HZ
        return said

    # --- What time does -----------------------------------------------------------

    def _ahead(self) -> Iterator[channel.Due]:
        yield from super()._ahead()
        goal = self._settles_at()
        if goal > LIMIT_C:
            way = (goal - self.temperature_c) / (goal - LIMIT_C)
            yield self._now + _WARMING_S * math.log(way), self._overheat

    def _flow(self, seconds: float) -> None:
        goal = self._settles_at()
        decay = math.exp(-seconds / _WARMING_S)
        self.temperature_c = goal + (self.temperature_c - goal) * decay

    def _settles_at(self) -> float:
        """The temperature that the face would reach in the end."""
        if self.state not in EMITTING or self._set is None:
            return AMBIENT_C
        mean = self._set.intensity_w_cm2 * self._set.duty_pct / 100
        return AMBIENT_C + _KELVIN_PER_W * mean * self.head.era_cm2

    def _overheat(self) -> None:
        self.temperature_c = LIMIT_C
        self._fail(OVERHEATED)

    # --- What people do -----------------------------------------------------------

    def _turn(self, intensity_w_cm2: float) -> None:
        if self._set is not None:
            self._set = msgspec.structs.replace(
                self._set, intensity_w_cm2=intensity_w_cm2
            )
        self._hold_without_contact()

    def _swap(self, head: Head) -> None:
        self.head, self.temperature_c = head, AMBIENT_C

    def _uncouple(self) -> None:
        self._coupled = False
        self._hold_without_contact()

    def _couple(self) -> None:
        self._coupled = True
        if self.state == "hold_contact":
            self._go_on()
