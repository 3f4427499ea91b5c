"""A session in one line, to be pasted into the notes of a treatment.

`US 3 MHz 20 % 0.5 W/cm2 (SATP) 5:00, 24 J, contact lost 2x/17 s, L lateral epicondyle`
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from devicelog.model.facts import Facts
from devicelog.model.words import circuits, either, joules
from devicelog.records.derived import Session

_CONTINUOUS: Final = 100
_SIDES: Final = {"left": "L", "right": "R", "both": "L+R", "middle": "midline"}
# What a treatment may lack, in the words of the notes.
_TOLD: Final = (
    ("contact lost", "contacts_lost", "contact_lost_s"),
    ("paused", "pauses", "paused_s"),
    ("not recorded", "gaps", "gap_s"),
)


def line(session: Session, *, simulated: bool) -> str:
    """Of a session, whether it runs or is over; no person is in it."""
    parts = [
        " ".join(_settings(session)),
        *_dose(session),
        *_course(session),
        _where(session.annotations),
        "SIMULATED" if simulated else "",
    ]
    return ", ".join(part for part in parts if part)


# --- Private ----------------------------------------------------------------------


def _settings(session: Session) -> Iterator[str]:
    get, totals = session.settings.get, session.totals
    if session.purpose != "treatment":
        yield session.purpose.replace("_", " ") + ":"
    yield "US" if _sound(session) else "IF"
    if (frequency := get("frequency_mhz")) is not None:
        yield f"{frequency:g} MHz"
    if (carrier := get("carrier_hz")) is not None:
        yield f"{float(carrier) / 1000:g} kHz"
    if (low := get("beat_low_hz")) is not None:
        high = get("beat_high_hz", low)
        yield f"{low:g} Hz" if high == low else f"{low:g}-{high:g} Hz"
    if (duty := get("duty_pct")) is not None:
        yield "continuous" if duty == _CONTINUOUS else f"{duty:g} %"
    yield from _level(get("intensity_w_cm2"), get("intensity_convention"), totals)
    seconds = totals.get("time_set_main_s", get("time_set_s"))
    if seconds is not None:
        yield _minutes(float(seconds))


def _level(
    intensity: Any, convention: Any, totals: Mapping[str, float]
) -> Iterator[str]:
    """As set; where it was set only after the start, as it was given at most."""
    if intensity:
        yield f"{intensity:g} W/cm2 ({convention or 'unknown'})"
    elif highest := totals.get("intensity_max_w_cm2"):
        yield f"at most {highest:g} W/cm2 (SATA)"
    for n in (1, 2):
        if highest := totals.get(f"amplitude_{n}_max_ma"):
            yield f"{highest:g} mA"


def _sound(session: Session) -> bool:
    names = session.settings.keys() | session.totals.keys()
    return not any(it.startswith(("carrier", "beat_", "amplitude_")) for it in names)


def _dose(session: Session) -> Iterator[str]:
    numbers = session.totals | session.derived
    least = "at least " if "start_unseen" in session.flags else ""
    if (energy := numbers.get("energy_j")) is not None:
        corrected = numbers.get("energy_corrected_j")
        more = "" if corrected is None else f" (corrected {joules(corrected)})"
        yield f"{least}{joules(energy)}{more}"
    elif (satp := numbers.get("energy_if_satp_j")) is not None:
        yield f"{least}{either(satp, numbers.get('energy_if_sata_j', satp))}"
    if means := circuits(numbers, "amplitude_{n}_mean_ma"):
        yield f"mean {'/'.join(f'{it:.1f}' for it in means.values())} mA"


def _course(session: Session) -> Iterator[str]:
    totals = session.totals
    for words, count, seconds in _TOLD:
        if times := totals.get(count):
            yield f"{words} {times}x/{totals.get(seconds, 0):.0f} s"
    if session.open:
        yield "runs still"
    elif session.reason != "completed":
        emission = totals.get("emission_s")
        at = "" if emission is None else f" at {_minutes(emission)}"
        yield f"{(session.reason or '').replace('_', ' ')}{at}"


def _where(said: Facts) -> str:
    side = _SIDES[said.side] if said.side else ""
    return f"{side} {(said.site or '').replace('_', ' ')}".strip()


def _minutes(seconds: float) -> str:
    """`5:00`: minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"
