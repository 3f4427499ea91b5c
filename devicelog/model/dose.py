"""Dose as arithmetic: pure accumulators, fed with values and the seconds they held.

Ultrasound: P = I_SATA x ERA, E = sum of P dt while emitting with contact;
I_SATA = I_SATP x duty / 100 (21 CFR 1050.10 indicates the pulse, IEC 60601-2-5 the
mean). Interferential current: mean and maximum in mA, mA-minutes, current density.
An indicated dose is a setting integrated over time, not a measurement.
"""

from typing import Final, Protocol

from devicelog.model.fields import FIELDS, Value
from devicelog.model.states import Modality

Values = dict[str, Value]
Totals = dict[str, float | int]

_CIRCUITS: Final = (1, 2)


def number(values: Values, *names: str) -> float | None:
    """The first of these fields that carries a number; None if none does."""
    for name in names:
        value = values.get(name)
        if value is not None and not isinstance(value, str):
            return float(value)
    return None


def mean_over_time(values: Values, convention: str) -> float | None:
    """I_SATA in W/cm2 if the indicated intensity is in this convention (SATP, SATA).

    None where intensity is missing, or duty is missing and needed.
    """
    intensity = number(values, "intensity_actual_w_cm2", "intensity_w_cm2")
    if intensity is None or convention == "SATA":
        return intensity
    duty = number(values, "duty_pct")
    return None if duty is None else intensity * duty / 100


def output(modality: Modality, values: Values) -> float | None:
    """The amplitude that stands for output: the highest of the channel's circuits.

    W/cm2 for ultrasound, mA (or V) for currents; None where the wire does not say.
    """
    if modality == "us":
        return number(values, "intensity_actual_w_cm2", "intensity_w_cm2", "power_w")
    circuits = [
        level
        for n in _CIRCUITS
        if (
            level := number(
                values,
                f"amplitude_actual_{n}_ma",
                f"amplitude_{n}_ma",
                f"amplitude_{n}_v",
            )
        )
        is not None
    ]
    return max(circuits) if circuits else None


class Dose(Protocol):
    """What one session's readings add up to."""

    def add(self, values: Values, seconds: float) -> None:
        """These values held for so long while the channel was emitting."""

    def totals(self) -> Totals:
        """Catalogue totals known so far; a total that cannot be known is absent."""


class UltrasoundDose:
    """Energy of one session, summed over segments with their own head."""

    def __init__(self) -> None:
        self._seconds = 0.0  # emitting with contact, intensity known
        self._weighted = 0.0  # intensity x seconds
        self._highest = 0.0
        self._hottest: float | None = None
        # Energy by convention assumed; None once it cannot be known.
        self._energy: dict[str, float | None] = {"SATP": 0.0, "SATA": 0.0}
        self._density: dict[str, float | None] = {"SATP": 0.0, "SATA": 0.0}
        self._conventions: set[str] = set()

    def add(self, values: Values, seconds: float) -> None:
        """See `Dose`. Without contact no energy reaches the patient."""
        temperature = number(values, "head_temp_c")
        if temperature is not None:
            self._hottest = max(temperature, self._hottest or temperature)
        if values.get("contact_ok") is False:
            return
        intensity = number(values, "intensity_actual_w_cm2", "intensity_w_cm2")
        if intensity is None:
            return
        self._seconds += seconds
        self._weighted += intensity * seconds
        self._highest = max(self._highest, intensity)
        self._conventions.add(str(values.get("intensity_convention", "unknown")))
        era = number(values, "era_cm2")
        for convention in ("SATP", "SATA"):
            mean = mean_over_time(values, convention)
            self._sum(self._density, convention, mean, seconds)
            power = None if mean is None or era is None else mean * era
            self._sum(self._energy, convention, power, seconds)

    @staticmethod
    def _sum(
        sums: dict[str, float | None], key: str, rate: float | None, seconds: float
    ) -> None:
        before = sums[key]
        sums[key] = None if before is None or rate is None else before + rate * seconds

    def totals(self) -> Totals:
        """See `Dose`. Where the convention is unknown, energy is given for both."""
        totals: Totals = {}
        if self._hottest is not None:
            totals["head_temp_max_c"] = self._hottest
        if not self._seconds:
            return totals
        totals["intensity_mean_w_cm2"] = self._weighted / self._seconds
        totals["intensity_max_w_cm2"] = self._highest
        if len(self._conventions) == 1 and self._conventions <= {"SATP", "SATA"}:
            (convention,) = self._conventions
            self._put(totals, "energy_j", self._energy[convention])
            self._put(totals, "energy_density_j_cm2", self._density[convention])
            energy = self._energy[convention]
            self._put(
                totals,
                "power_mean_w",
                None if energy is None else energy / self._seconds,
            )
        else:
            self._put(totals, "energy_if_satp_j", self._energy["SATP"])
            self._put(totals, "energy_if_sata_j", self._energy["SATA"])
        return totals

    @staticmethod
    def _put(totals: Totals, name: str, value: float | None) -> None:
        if value is not None:
            totals[name] = value


class CurrentDose:
    """Mean, maximum and mA-minutes of each circuit of one session."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(_CIRCUITS, 0.0)
        self._weighted = dict.fromkeys(_CIRCUITS, 0.0)
        self._highest = dict.fromkeys(_CIRCUITS, 0.0)
        self._area: float | None = None

    def add(self, values: Values, seconds: float) -> None:
        """See `Dose`."""
        self._area = number(values, "electrode_area_cm2") or self._area
        for n in _CIRCUITS:
            level = number(values, f"amplitude_actual_{n}_ma", f"amplitude_{n}_ma")
            if level is not None:
                self._seconds[n] += seconds
                self._weighted[n] += level * seconds
                self._highest[n] = max(self._highest[n], level)

    def totals(self) -> Totals:
        """See `Dose`. Density only where the electrode area is known."""
        totals: Totals = {}
        for n in _CIRCUITS:
            if not self._seconds[n]:
                continue
            mean = self._weighted[n] / self._seconds[n]
            totals[f"amplitude_{n}_mean_ma"] = mean
            totals[f"amplitude_{n}_max_ma"] = self._highest[n]
            totals[f"charge_{n}_ma_min"] = self._weighted[n] / 60
            if self._area:
                totals[f"density_{n}_ma_cm2"] = mean / self._area
        return totals


def accumulator(modality: Modality) -> Dose:
    """A new dose for a channel of this modality."""
    return UltrasoundDose() if modality == "us" else CurrentDose()


def planned(modality: Modality, values: Values) -> Totals:
    """The dose as set: these settings over the whole set time. Empty if unknown."""
    dose = accumulator(modality)
    seconds = number(values, "time_set_s")
    if not seconds or modality != "us":
        return {}
    dose.add({**values, "contact_ok": True}, seconds)
    energy = dose.totals().get("energy_j")
    return {} if energy is None else {"dose_planned_j": energy}


def rounded(totals: Totals) -> Totals:
    """Totals as they are recorded: 6 decimals, integers whole, catalogue order."""
    return {
        name: int(totals[name]) if field.type == "int" else round(totals[name], 6)
        for name, field in FIELDS.items()
        if name in totals
    }
