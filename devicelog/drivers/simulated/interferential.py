"""The physics of a virtual channel of interferential current: two circuits, or one.

The current of each circuit is held constant while the voltage that drives it suffices;
an electrode that dries out takes less. In the first minutes of current the skin lets
more through. An electrode that comes off stops output and timer; as after a pause, the
current rises anew when it is back.
"""

import math
import random
from typing import ClassVar, Final, Literal

import msgspec

from devicelog.drivers.simulated import channel
from devicelog.drivers.simulated.channel import Action, VirtualChannel
from devicelog.drivers.simulated.equipment import TWO_POLE, Current
from devicelog.model.fields import Value
from devicelog.model.states import EMITTING, Modality, State

Circuit = Literal[1, 2]

ELECTRODE_OPEN: Final = "1"
OVERCURRENT: Final = "2"

_DRIVEN_BY_V: Final = 100.0  # r.m.s.; 100 mA through 1 kOhm
_DRY_KOHM: Final = (0.7, 1.3)  # of two moist pads of 50 cm2 on skin, at 4 kHz
_FALLS_TO: Final = 0.7
_FALLS_IN_S: Final = 180.0
_BOTH: Final[tuple[Circuit, Circuit]] = (1, 2)

# In which states an action does anything.
ACTS: Final[dict[Action, frozenset[State]]] = channel.ACTS | {
    "dry": channel.ACTS["uncouple"]
}


class Interferential(VirtualChannel[Current]):
    """See the module, and `VirtualChannel`. `seed` decides the skin's impedance."""

    modality: ClassVar[Modality] = "if"
    acts = ACTS

    def __init__(
        self,
        *,
        seed: int = 1,
        timer_error_pct: float = 0.0,
        selftest_s: float = 3.0,
    ) -> None:
        super().__init__(timer_error_pct=timer_error_pct, selftest_s=selftest_s)
        dice = random.Random(seed)  # noqa: S311  plausible, not secret
        self._skin_kohm = {n: dice.uniform(*_DRY_KOHM) for n in _BOTH}
        self._dryness = dict.fromkeys(_BOTH, 1.0)
        self._attached = dict.fromkeys(_BOTH, True)
        self._flowed_s = 0.0  # since the pads were put on

    @property
    def ramp_s(self) -> float:
        """See `VirtualChannel`."""
        return self._set.ramp_s if self._set else 0.0

    @property
    def circuits(self) -> tuple[Circuit, ...]:
        """Those that carry current."""
        return (1,) if self._set and self._set.waveform == TWO_POLE else _BOTH

    def impedance_kohm(self, circuit: Circuit) -> float:
        """Of the pads of a circuit and what lies between them."""
        fallen = 1 - math.exp(-self._flowed_s / _FALLS_IN_S)
        moist = 1 - (1 - _FALLS_TO) * fallen
        return self._skin_kohm[circuit] * self._dryness[circuit] * moist

    def actual_ma(self, circuit: Circuit) -> float:
        """The current through this circuit now."""
        if self.state not in EMITTING or self._set is None:
            return 0.0
        level = self._shares(self._set)[circuit]
        if self.state == "ramping":
            level *= (self._now - self._since) / self._set.ramp_s
        return min(level, _DRIVEN_BY_V / self.impedance_kohm(circuit))

    def senses_contact(self) -> bool:
        """See `VirtualChannel`."""
        return all(self._attached[it] for it in self.circuits)

    def values(self) -> dict[str, Value]:
        """See `VirtualChannel`. A circuit that is not used has nothing to say."""
        said = super().values() | {"regulation": "CC"}
        for n in self.circuits:
            said[f"electrode_{n}_ok"] = self._attached[n]
            said[f"amplitude_{n}_ma"] = 0.0
            said[f"amplitude_actual_{n}_ma"] = actual = round(self.actual_ma(n), 3)
            if actual:
                said[f"impedance_{n}_kohm"] = round(self.impedance_kohm(n), 2)
        if self._set is not None:
            said |= {
                "waveform": self._set.waveform,
                "carrier_hz": self._set.carrier_hz,
                "beat_low_hz": self._set.beat_low_hz,
                "beat_high_hz": self._set.beat_high_hz,
                "sweep_program": self._set.sweep_program,
                "vector_mode": "off",
                "balance_pct": self._set.balance_pct,
                "ramp_s": self._set.ramp_s,
            }
            levels = (self._set.amplitude_1_ma, self._set.amplitude_2_ma)
            for n in self.circuits:
                said[f"amplitude_{n}_ma"] = levels[n - 1]
        return said

    # --- What time does -----------------------------------------------------------

    def _flow(self, seconds: float) -> None:
        if self.state in EMITTING:
            self._flowed_s += seconds

    def _go_on(self) -> None:
        self._rise()

    @staticmethod
    def _shares(current: Current) -> dict[Circuit, float]:
        """The current that is meant for each circuit: the balance moves some over."""
        moved = current.balance_pct / 100
        return {
            1: current.amplitude_1_ma * (1 + moved),
            2: current.amplitude_2_ma * (1 - moved),
        }

    # --- What people do -----------------------------------------------------------

    def _load(self, programme: Current) -> None:
        super()._load(programme)
        self._flowed_s = 0.0

    def _turn(self, amplitude_ma: float | tuple[float, float]) -> None:
        """Both circuits to one amplitude, or each to its own."""
        if isinstance(amplitude_ma, tuple):
            one, other = amplitude_ma
        else:
            one = other = amplitude_ma
        if self._set is not None:
            self._set = msgspec.structs.replace(
                self._set, amplitude_1_ma=one, amplitude_2_ma=other
            )

    def _uncouple(self, circuit: Circuit = 1) -> None:
        self._attached[circuit] = False
        self._hold_without_contact()

    def _couple(self, circuit: Circuit = 1) -> None:
        self._attached[circuit] = True
        if self.state == "hold_contact" and self.senses_contact():
            self._go_on()

    def _dry(self, times: float, circuit: Circuit = 1) -> None:
        self._dryness[circuit] = times
