"""Dose as arithmetic: pure accumulators, fed with values and the seconds they held.

Ultrasound: P = I_SATA x ERA, E = sum of P dt while emitting with contact;
I_SATA = I_SATP x duty / 100 (21 CFR 1050.10 indicates the pulse, IEC 60601-2-5 the
mean). Interferential current: mean and maximum in mA, mA-minutes, current density.
An indicated dose is a setting integrated over time, not a measurement.

An accumulator is a table of outputs and how long each held; totals are made from it
when asked, so that asking changes nothing.
"""

from collections.abc import Callable
from typing import Final, Protocol

from devicelog.model.fields import FIELDS, Value
from devicelog.model.states import Convention, Modality

Values = dict[str, Value]
Totals = dict[str, float | int]

_CIRCUITS: Final = (1, 2)
# Where output is told, by modality; within a group the first that the wire tells.
_LEVELS: Final[dict[Modality, tuple[tuple[str, ...], ...]]] = {
    "us": (("intensity_actual_w_cm2", "intensity_w_cm2", "power_actual_w", "power_w"),),
    "if": tuple(
        (f"amplitude_actual_{n}_ma", f"amplitude_{n}_ma", f"amplitude_{n}_v")
        for n in _CIRCUITS
    ),
}


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
    return _averaged(values, intensity, convention)


def mean_power(values: Values, convention: str) -> float | None:
    """Power in W over time: from intensity and ERA, else as the device tells it."""
    intensity = mean_over_time(values, convention)
    era = number(values, "era_cm2")
    if intensity is not None and era is not None:
        return intensity * era
    return _averaged(values, number(values, "power_actual_w", "power_w"), convention)


def _averaged(values: Values, level: float | None, convention: str) -> float | None:
    if level is None or convention == "SATA":
        return level
    duty = number(values, "duty_pct")
    return None if duty is None else level * duty / 100


def output(modality: Modality, values: Values) -> float | None:
    """The amplitude that stands for output: the highest of the channel's circuits.

    W/cm2 (or W) for ultrasound, mA (or V) for currents; None where the wire does not
    say.
    """
    highest: float | None = None
    for group in _LEVELS[modality]:
        for name in group:
            level = values.get(name)
            if level is not None and not isinstance(level, str):
                if highest is None or level > highest:
                    highest = level
                break
    return highest


class Dose(Protocol):
    """What one session's readings add up to."""

    @property
    def ambiguous(self) -> bool:
        """Whether output was given whose intensity may be SATP or SATA."""

    def add(self, values: Values, seconds: float) -> None:
        """These values held for so long while the channel was emitting."""

    def totals(self) -> Totals:
        """Catalogue totals known so far; a total that cannot be known is absent."""


_SOUND: Final = (
    "intensity_actual_w_cm2",
    "intensity_w_cm2",
    "power_actual_w",
    "power_w",
    "duty_pct",
    "era_cm2",
    "intensity_convention",
)
_Held = list[tuple[Values, float]]


class UltrasoundDose:
    """Energy of one session, whatever heads it was given with.

    `convention` is that of readings which do not carry their own.
    """

    def __init__(self, convention: Convention = "unknown") -> None:
        self._convention = convention
        self._held: dict[tuple[Value | None, ...], float] = {}
        self._hottest: float | None = None

    def add(self, values: Values, seconds: float) -> None:
        """See `Dose`. Without contact no energy reaches the patient."""
        get = values.get
        hot = get("head_temp_c")
        if hot is not None and (self._hottest is None or float(hot) > self._hottest):
            self._hottest = float(hot)
        if get("contact_ok") is False:
            return
        sound = tuple(map(get, _SOUND))
        self._held[sound] = self._held.get(sound, 0.0) + seconds

    @property
    def ambiguous(self) -> bool:
        """See `Dose`."""
        return any(_convention(values) == "unknown" for values, _ in self._outputs())

    def totals(self) -> Totals:
        """See `Dose`. Where the convention is unknown, energy is given for both."""
        totals: Totals = {}
        if self._hottest is not None:
            totals["head_temp_max_c"] = self._hottest
        outputs = [(values, s) for values, s in self._outputs() if s]
        if not outputs:
            return totals
        levels = [
            (level, seconds)
            for values, seconds in outputs
            if (level := mean_over_time(values, "SATA")) is not None
        ]
        if levels:
            weighted = sum(level * seconds for level, seconds in levels)
            totals["intensity_mean_w_cm2"] = weighted / sum(s for _, s in levels)
            totals["intensity_max_w_cm2"] = max(level for level, _ in levels)
        return totals | _energy(outputs)

    def _outputs(self) -> _Held:
        """What held for how long, without what carried no output at all."""
        outputs: _Held = []
        for sound, seconds in self._held.items():
            named = zip(_SOUND, sound, strict=True)
            values = {name: value for name, value in named if value is not None}
            values.setdefault("intensity_convention", self._convention)
            if output("us", values) is not None:
                outputs.append((values, seconds))
        return outputs


def _convention(values: Values) -> str:
    return str(values["intensity_convention"])


def _energy(outputs: _Held) -> Totals:
    conventions = {_convention(values) for values, _ in outputs}
    sums: dict[str, float | None]
    if len(conventions) == 1 and conventions <= {"SATP", "SATA"}:
        (convention,) = conventions
        energy = _integral(outputs, convention, mean_power)
        seconds = sum(s for _, s in outputs)
        sums = {
            "energy_j": energy,
            "energy_density_j_cm2": _integral(outputs, convention, mean_over_time),
            "power_mean_w": None if energy is None else energy / seconds,
        }
    else:
        sums = {
            "energy_if_satp_j": _integral(outputs, "SATP", mean_power),
            "energy_if_sata_j": _integral(outputs, "SATA", mean_power),
        }
    return {name: value for name, value in sums.items() if value is not None}


def _integral(
    outputs: _Held, convention: str, rate: Callable[[Values, str], float | None]
) -> float | None:
    """The sum over time; None once a part of it cannot be known."""
    total = 0.0
    for values, seconds in outputs:
        level = rate(values, convention)
        if level is None:
            return None
        total += level * seconds
    return total


class CurrentDose:
    """Mean, maximum and mA-minutes of each circuit of one session."""

    ambiguous = False

    def __init__(self) -> None:
        self._held: dict[tuple[Value | None, Value | None], float] = {}
        self._area: float | None = None

    def add(self, values: Values, seconds: float) -> None:
        """See `Dose`."""
        get = values.get
        area = get("electrode_area_cm2")
        if area is not None:
            self._area = float(area)
        levels = (
            get("amplitude_actual_1_ma", get("amplitude_1_ma")),
            get("amplitude_actual_2_ma", get("amplitude_2_ma")),
        )
        self._held[levels] = self._held.get(levels, 0.0) + seconds

    def totals(self) -> Totals:
        """See `Dose`. Density only where the electrode area is known."""
        totals: Totals = {}
        for n in _CIRCUITS:
            held = [
                (float(level), seconds)
                for levels, seconds in self._held.items()
                if seconds and (level := levels[n - 1]) is not None
            ]
            if not held:
                continue
            weighted = sum(level * seconds for level, seconds in held)
            mean = weighted / sum(seconds for _, seconds in held)
            totals[f"amplitude_{n}_mean_ma"] = mean
            totals[f"amplitude_{n}_max_ma"] = max(level for level, _ in held)
            totals[f"charge_{n}_ma_min"] = weighted / 60
            if self._area:
                totals[f"density_{n}_ma_cm2"] = mean / self._area
        return totals


def accumulator(modality: Modality, convention: Convention = "unknown") -> Dose:
    """A new dose for a channel of this modality."""
    return UltrasoundDose(convention) if modality == "us" else CurrentDose()


def planned(
    modality: Modality, values: Values, convention: Convention = "unknown"
) -> Totals:
    """The dose as set: these settings over the whole set time. Empty if unknown."""
    seconds = number(values, "time_set_s")
    if not seconds or modality != "us":
        return {}
    dose = accumulator(modality, convention)
    # What is set, not what was measured at that moment.
    measured = {"intensity_actual_w_cm2", "power_actual_w", "contact_ok"}
    dose.add({n: v for n, v in values.items() if n not in measured}, seconds)
    energy = dose.totals().get("energy_j")
    return {} if energy is None else {"dose_planned_j": energy}


def rounded(totals: Totals) -> Totals:
    """Totals as they are recorded: 6 decimals, integers whole, catalogue order."""
    return {
        name: int(totals[name]) if field.type == "int" else round(totals[name], 6)
        for name, field in FIELDS.items()
        if name in totals
    }
