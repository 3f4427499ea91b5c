"""Numbers, times, settings and doses in the words of a language."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from devicelog.export.axes import clock
from devicelog.export.text import offset_min
from devicelog.export.texts import Texts
from devicelog.model.fields import FIELDS, Value
from devicelog.model.flow import SessionEvent
from devicelog.model.words import circuits

_SECOND_NS: Final = 1_000_000_000
_FIGURES: Final = 3  # what an intensity with two can carry
_CONTINUOUS_PCT: Final = 100
_KILO: Final = 1000
_HOUR_MIN: Final = 60
# Texts of the wire that the page says in its own words elsewhere.
_SECONDS: Final = frozenset({"time_set_s", "time_left_s", "time_elapsed_s"})


class Words:
    """Says values in one language."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    # --- Values -------------------------------------------------------------------

    def number(self, value: float, figures: int = _FIGURES) -> str:
        """With so many figures, and never fewer than stand before the point."""
        if not math.isfinite(value):
            return "-"
        whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
        small = 0 if whole or not value else -math.floor(math.log10(abs(value))) - 1
        places = max(0, figures - whole + small)
        said = f"{value:.{places}f}"
        said = said.rstrip("0").rstrip(".") if "." in said else said
        said = "0" if said == "-0" else said
        return said.replace(".", self.texts("number.point"))

    def quantity(self, value: float, unit: str) -> str:
        """A number and its unit (UCUM), as it is printed."""
        shown = self.texts.get(f"unit.{unit}", unit)
        number = self.number(value)
        return self.texts("number.pair", value=number, unit=shown) if shown else number

    def signed(self, value: float, unit: str) -> str:
        """The same, `+` where it is above 0."""
        return ("+" if value > 0 else "") + self.quantity(value, unit)

    def value(self, name: str, value: Value) -> str:
        """The value of a field of the catalogue; a text stays the device's own."""
        if isinstance(value, bool):
            return self.texts("words.yes" if value else "words.no")
        if isinstance(value, str):
            return value
        if name in _SECONDS:
            return clock(value)
        return self.quantity(value, FIELDS[name].unit if name in FIELDS else "")

    def field(self, name: str) -> str:
        """What a field is called."""
        return self.texts.get(f"field.{name}", name)

    # --- Times --------------------------------------------------------------------

    def day(self, at_ns: int, offset_min: int) -> str:
        """`23 Nov 2026`, by the clinic's clock."""
        local = _local(at_ns, offset_min)
        month = self.texts.lists["number.months"][local.month - 1]
        return self.texts(
            "number.day", day=local.day, month=month, year=f"{local.year:04}"
        )

    def hour(self, at_ns: int, offset_min: int) -> str:
        """`11:15`, by the clinic's clock."""
        return _local(at_ns, offset_min).strftime("%H:%M")

    def moment(self, at_ns: int, zone: ZoneInfo) -> str:
        """`23 Nov 2026, 11:15 UTC+01:00`, by the clock of this zone."""
        minutes = offset_min(at_ns, zone)
        zone_said = self.texts("page.utc", offset=offset(minutes))
        return f"{self.day(at_ns, minutes)}, {self.hour(at_ns, minutes)} {zone_said}"

    # --- Treatments ---------------------------------------------------------------

    def settings(self, values: Mapping[str, Value]) -> list[str]:
        """`3 MHz`, `20 %`, `0.5 W/cm² (SATP)`, `5:00`, as notes have it."""
        parts = [
            self.value(name, values[name])
            for name in ("frequency_mhz",)
            if name in values
        ]
        if (duty := values.get("duty_pct")) is not None:
            whole = duty == _CONTINUOUS_PCT
            said = self.value("duty_pct", duty)
            parts.append(self.texts("words.continuous") if whole else said)
        if "intensity_w_cm2" in values:
            convention = values.get("intensity_convention", "")
            known = f" ({convention})" if convention in ("SATP", "SATA") else ""
            parts.append(self.value("intensity_w_cm2", values["intensity_w_cm2"]))
            parts[-1] += known
        elif "power_w" in values:
            parts.append(self.value("power_w", values["power_w"]))
        parts += self._currents(values)
        if "time_set_s" in values:
            parts.append(self.value("time_set_s", values["time_set_s"]))
        return parts

    def _currents(self, values: Mapping[str, Value]) -> list[str]:
        parts = []
        if (carrier := _number(values, "carrier_hz")) is not None:
            parts.append(self.quantity(carrier / _KILO, "kHz"))
        low, high = _number(values, "beat_low_hz"), _number(values, "beat_high_hz")
        if low is not None and high is not None and low != high:
            parts.append(f"{self.number(low)}\u2013{self.quantity(high, 'Hz')}")
        elif low is not None:
            parts.append(self.quantity(low, "Hz"))
        told = {
            self.value(f"amplitude_1_{unit}", level): None
            for unit in ("ma", "v")
            for level in circuits(values, f"amplitude_{{n}}_{unit}").values()
        }
        return [*parts, " / ".join(told)] if told else parts

    def dose(self, numbers: Mapping[str, float]) -> list[str]:
        """`24 J`, or both where the convention is not known, or mean currents."""
        if (energy := numbers.get("energy_j")) is not None:
            return [self.quantity(energy, "J")]
        both = {
            name: self.quantity(numbers[key], "J")
            for name in ("if_satp", "if_sata")
            if (key := f"energy_{name}_j") in numbers
        }
        if len(both) > 1 and len({*both.values()}) == 1:  # a continuous beam
            return [both["if_sata"]]
        said = [self.texts(f"section.{name}", value=it) for name, it in both.items()]
        return said or self._means(numbers)

    def _means(self, numbers: Mapping[str, float]) -> list[str]:
        """`mean 12.3 and 10.1 mA`: of the circuits, once where they are equal."""
        means = [*circuits(numbers, "amplitude_{n}_mean_ma").values()]
        if not means:
            return []
        first, value = self.number(means[0]), self.quantity(means[-1], "mA")
        if self.number(means[-1]) == first:
            return [self.texts("section.mean", value=value)]
        return [self.texts("section.means", first=first, value=value)]

    def corrected(self, numbers: Mapping[str, float]) -> list[str]:
        """The same by the head's last output check; empty where there is none."""
        renamed = {
            name.replace("_corrected", ""): value
            for name, value in numbers.items()
            if name.startswith("energy_corrected_")
        }
        return self.dose(renamed)

    def event(self, it: SessionEvent) -> str:
        """What happened, in a short sentence."""
        seconds = ""
        if it.began_ns is not None:
            seconds = self.number(round((it.at_ns - it.began_ns) / _SECOND_NS, 1))
        if it.event == "gap" and it.paused_in_gap:
            return self.texts("happened.paused_in_gap", seconds=seconds)
        said = {
            "name": self.field(it.field) if it.field else it.new or "",
            "old": "-" if it.old is None else self.value(it.field, it.old),
            "new": "-" if it.new is None else self.value(it.field, it.new),
            "seconds": seconds,
            "settings": ", ".join(self.settings(it.values)),
        }
        return self.texts(f"happened.{it.event}", **said).strip()


def offset(minutes: int) -> str:
    """`+01:00`, of minutes."""
    hours, rest = divmod(abs(minutes), _HOUR_MIN)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def utc(at_ns: int) -> str:
    """`2026-11-23T10:15:02.123Z`."""
    seconds, rest = divmod(at_ns, _SECOND_NS)
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03}Z"


def _local(at_ns: int, offset_min: int) -> datetime:
    at = datetime.fromtimestamp(at_ns // _SECOND_NS, UTC)
    return at + timedelta(minutes=offset_min)


def _number(values: Mapping[str, Value], name: str) -> float | None:
    value = values.get(name)
    return None if value is None or isinstance(value, str) else float(value)
