"""One treatment as the page tells it: all of it in words, and its curve."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from devicelog.export.axes import clock
from devicelog.export.curves import Chart, chart, sparkline
from devicelog.export.happened import happened
from devicelog.export.history import Manual, Treatment
from devicelog.export.record import assumptions, record
from devicelog.export.words import Words, offset
from devicelog.model.facts import NAMES, Facts
from devicelog.model.fields import FIELDS
from devicelog.model.flow import SessionEvent

Pair = tuple[str, str]

_MINUTE_NS: Final = 60 * 1_000_000_000
_ENERGIES: Final = (
    ("energy_j", ""),
    ("energy_if_satp_j", "if_satp"),
    ("energy_if_sata_j", "if_sata"),
)
_CLOCKS: Final = ("time_set_main_s", "device_s", "emission_s", "output_s", "wall_s")
_COUNTED: Final = (
    ("paused_s", "pauses"),
    ("contact_lost_s", "contacts_lost"),
    ("gap_s", "gaps"),
)
# Said elsewhere on the page, or in other words.
_OTHERWISE: Final = frozenset(
    {"dose_planned_j", "time_set_main_s", "coverage_pct", "output_error_pct"}
)


class Badge(msgspec.Struct, frozen=True):
    """A mark that the numbers need: `name` is that of its meaning in the texts."""

    name: str
    label: str


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """What the page says of one treatment; `at_ns` puts it in order.

    `doses`: name, indicated, corrected. `spark` and `curve` are SVG, empty without
    readings. A manual treatment has no curve, and few of the pairs.
    """

    at_ns: int
    day: str
    hours: str
    zone: str
    what: str
    device: str = ""
    settings: tuple[str, ...] = ()
    emission: str = ""
    dose: tuple[str, ...] = ()
    corrected: tuple[str, ...] = ()
    end: str = ""
    badges: tuple[Badge, ...] = ()
    spark: str = ""
    curve: str = ""
    pairs: tuple[Pair, ...] = ()
    doses: tuple[tuple[str, str, str], ...] = ()
    clocks: tuple[Pair, ...] = ()
    happened: tuple[Pair, ...] = ()
    noted: tuple[Pair, ...] = ()
    notes: tuple[str, ...] = ()
    record: tuple[Pair, ...] = ()
    assumed: tuple[str, ...] = ()
    by_hand: bool = False


def section(
    of: Treatment,
    drawn: Chart | None,
    events: Sequence[SessionEvent],
    words: Words,
    *,
    simulated: bool = False,
) -> Section:
    """A treatment that a device gave."""
    texts = words.texts
    emission = of.numbers.get("emission_s")
    return Section(
        at_ns=of.started_ns,
        day=words.day(of.started_ns, of.start_offset_min),
        hours=_hours(of, words),
        zone=texts("page.utc", offset=offset(of.start_offset_min)),
        what=texts(f"modality.{of.modality or 'unknown'}"),
        device=of.device,
        settings=tuple(words.settings(of.settings)),
        emission="" if emission is None else _bounded(clock(emission), of, words),
        dose=tuple(_bounded(it, of, words) for it in words.dose(of.numbers)),
        corrected=tuple(words.corrected(of.numbers)),
        end=texts(f"end.{of.reason or 'open'}"),
        badges=tuple(_badges(of, words, simulated=simulated)),
        spark=sparkline(drawn) if drawn else "",
        curve=chart(drawn) if drawn else "",
        pairs=tuple(_settings(of, words)),
        doses=tuple(_doses(of, words)),
        clocks=tuple(_clocks(of, words)),
        happened=tuple(happened(of, events, words)),
        noted=tuple(_noted(of.annotations, words)),
        notes=of.notes,
        record=tuple(record(of, words)),
        assumed=tuple(assumptions(of, words)),
    )


def by_hand(it: Manual, words: Words) -> Section:
    """A treatment without a device."""
    texts = words.texts
    end_ns = it.began_ns + round(it.minutes * _MINUTE_NS)
    who = (texts("section.clinician"), it.clinician)
    return Section(
        at_ns=it.began_ns,
        day=words.day(it.began_ns, it.offset_min),
        hours=_span(it.began_ns, it.offset_min, end_ns, it.offset_min, words),
        zone=texts("page.utc", offset=offset(it.offset_min)),
        what=texts(f"value.{it.treatment}"),
        device=texts("modality.by_hand"),
        emission=texts("section.minutes", minutes=words.number(it.minutes)),
        noted=(*((who,) if it.clinician else ()), *_noted(it.facts, words)),
        notes=it.notes,
        by_hand=True,
    )


# --- Its parts --------------------------------------------------------------------


def _badges(of: Treatment, words: Words, *, simulated: bool) -> Iterator[Badge]:
    """What is partial, unsure or made up, the weightiest first."""
    texts = words.texts
    unread = of.receipt is not None and of.receipt.state in ("incomplete", "unread")
    first = {"simulated": simulated, "open": of.open}
    last = {"retired": bool(of.retired), "receipt": unread}
    for name in (
        *(it for it, holds in first.items() if holds),
        *of.flags,
        *(it for it, holds in last.items() if holds),
    ):
        yield Badge(name, texts(f"flag.{name}"))
    if of.purpose != "treatment":
        purpose = texts(f"purpose.{of.purpose}")
        yield Badge("purpose", texts("badge.purpose", purpose=purpose))


def _settings(of: Treatment, words: Words) -> Iterator[Pair]:
    """In the order of the catalogue; highest beat alone only where it differs."""
    for name in FIELDS:
        if name in of.settings:
            yield words.field(name), words.value(name, of.settings[name])


def _doses(of: Treatment, words: Words) -> Iterator[tuple[str, str, str]]:
    """Every total that is a dose: as indicated, and corrected where it can be."""
    numbers, texts = of.numbers, words.texts
    for name, if_ in _ENERGIES:
        if name in numbers:
            label = words.field("energy")
            other = numbers.get(name.replace("energy", "energy_corrected", 1))
            yield (
                texts(f"section.{if_}", value=label) if if_ else label,
                _bounded(words.quantity(numbers[name], "J"), of, words),
                "" if other is None else words.quantity(other, "J"),
            )
    if (planned := numbers.get("dose_planned_j")) is not None:
        yield words.field("dose_planned_j"), words.quantity(planned, "J"), ""
    energies = {name for name, _ in _ENERGIES}
    for name, field in FIELDS.items():
        if field.kind != "total" or field.modality == "any" or name not in numbers:
            continue
        if name in energies or name in _OTHERWISE or "corrected" in name:
            continue
        yield words.field(name), words.quantity(numbers[name], field.unit), ""


def _clocks(of: Treatment, words: Words) -> Iterator[Pair]:
    numbers, texts = of.numbers, words.texts
    for name in _CLOCKS:
        if name in numbers:
            said = clock(numbers[name])
            # What was set and what was not: the set time needs no bound.
            bound = said if name == "time_set_main_s" else _bounded(said, of, words)
            yield texts(f"clock.{name}"), bound
    for name, count in _COUNTED:
        if n := int(numbers.get(count, 0)):
            said = words.quantity(numbers.get(name, 0), "s")
            key = "clock.once" if n == 1 else "clock.times"
            yield texts(f"clock.{name}"), texts(key, value=said, n=n)
    if (error := numbers.get("timer_error_pct")) is not None:
        yield texts("clock.timer_error_pct"), words.signed(round(error, 1), "%")


def _noted(facts: Facts, words: Words) -> Iterator[Pair]:
    for name in NAMES:
        value = getattr(facts, name)
        if value is None:
            continue
        if isinstance(value, str):
            said = words.texts.get(f"value.{value}", value)
        elif name.endswith("_cm2"):
            said = words.quantity(value, "cm2")
        else:
            said = words.value(name, value)
        yield words.texts(f"fact.{name}"), said


# --- How they are said ------------------------------------------------------------


def _bounded(said: str, of: Treatment, words: Words) -> str:
    """`at least 24 J` where the start was not seen, `24 J so far` while it runs."""
    if "start_unseen" in of.flags:
        said = words.texts("section.at_least", value=said)
    return words.texts("section.so_far", value=said) if of.open else said


def _hours(of: Treatment, words: Words) -> str:
    if of.ended_ns is None:
        return words.hour(of.started_ns, of.start_offset_min)
    offset_min = of.end_offset_min
    return _span(
        of.started_ns,
        of.start_offset_min,
        of.ended_ns,
        of.start_offset_min if offset_min is None else offset_min,
        words,
    )


def _span(from_ns: int, from_min: int, to_ns: int, to_min: int, words: Words) -> str:
    return f"{words.hour(from_ns, from_min)}\u2013{words.hour(to_ns, to_min)}"
