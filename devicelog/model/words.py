"""A treatment in the words of its notes."""

from collections.abc import Mapping

from devicelog.model.fields import Value

_CONTINUOUS_PCT = 100


def counted(count: int, noun: str) -> str:
    """`1 entry`, `2 entries`: a number and what is counted, named in the singular."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {noun[:-1]}ies" if noun.endswith("y") else f"{count} {noun}s"


def minutes(seconds: float) -> str:
    """`5:00`, as a treatment timer shows it."""
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def settings_in_words(values: Mapping[str, Value]) -> str:
    """`3 MHz, 20 %, 0.5 W/cm2 (SATP), 5:00`, as it is written in the notes."""
    parts = []
    if (frequency := values.get("frequency_mhz")) is not None:
        parts.append(f"{frequency:g} MHz")
    if (carrier := values.get("carrier_hz")) is not None:
        parts.append(f"{float(carrier) / 1000:g} kHz")
    if (duty := values.get("duty_pct")) is not None:
        parts.append("continuous" if duty == _CONTINUOUS_PCT else f"{duty:g} %")
    if (intensity := values.get("intensity_w_cm2")) is not None:
        convention = values.get("intensity_convention", "unknown")
        parts.append(f"{intensity:g} W/cm2 ({convention})")
    if (current := values.get("amplitude_1_ma")) is not None:
        parts.append(f"{current:g} mA")
    if (seconds := values.get("time_set_s")) is not None:
        parts.append(minutes(float(seconds)))
    return ", ".join(parts)


def values_in_words(values: Mapping[str, Value]) -> str:
    """`frequency_mhz=3 duty_pct=20`: fields of the catalogue as they are."""
    return " ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in values.items()
    )


def dose_in_words(totals: Mapping[str, float]) -> str:
    """`24 J in 4:59`: energy or current, and the time of emission."""
    parts = []
    if (energy := totals.get("energy_j")) is not None:
        parts.append(joules(energy))
        if (corrected := totals.get("energy_corrected_j")) is not None:
            parts.append(f"(corrected {joules(corrected)})")
    elif (low := totals.get("energy_if_sata_j")) is not None:
        parts.append(either(totals.get("energy_if_satp_j", low), low))
    if (current := totals.get("amplitude_1_mean_ma")) is not None:
        parts.append(f"mean {current:.1f} mA")
    if (emission := totals.get("emission_s")) is not None:
        parts.append(f"in {minutes(emission)}")
    return " ".join(parts)


def either(satp: float, sata: float) -> str:
    """Energy by both conventions; once where they agree, as of a continuous beam."""
    high, low = joules(satp), joules(sata)
    return high if high == low else f"{high} if SATP, {low} if SATA"


def circuits(values: Mapping[str, Value], name: str) -> dict[int, float]:
    """What each circuit has of this, by its number `n` in the name.

    One at 0 beside one that carries something is not in use, and left out.
    """
    told = {n: values.get(name.format(n=n)) for n in (1, 2)}
    known = {n: float(it) for n, it in told.items() if isinstance(it, int | float)}
    return {n: it for n, it in known.items() if it} or known


def joules(energy: float) -> str:
    """Three figures are what an intensity with two can carry."""
    return f"{energy:.1f} J" if energy < 10 else f"{energy:.0f} J"  # noqa: PLR2004
