"""The course of one treatment, as a curve: what was set, given, and in between."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from devicelog.export.axes import clock
from devicelog.export.curves import Band, Chart, Mark
from devicelog.export.history import Sample, Treatment
from devicelog.export.palette import BandKind, MarkKind, Role
from devicelog.export.steps import Line, Points
from devicelog.export.words import Words
from devicelog.model.fields import FIELDS, Value
from devicelog.model.flow import SessionEvent
from devicelog.model.states import EMITTING

_SECOND_NS: Final = 1_000_000_000
_HAIR_S: Final = 0.001  # a line breaks after the last reading before a gap
_TOGETHER_NS: Final = _SECOND_NS // 2  # events so close share a mark
# Of each circuit what is set and what the device reports; the first pair that is told.
_PAIRS: Final[dict[str, tuple[tuple[tuple[str, str], ...], ...]]] = {
    "us": (
        (("intensity_w_cm2", "intensity_actual_w_cm2"),),
        (("power_w", "power_actual_w"),),
    ),
    "if": (
        tuple((f"amplitude_{n}_ma", f"amplitude_actual_{n}_ma") for n in (1, 2)),
        tuple((f"amplitude_{n}_v", "") for n in (1, 2)),
    ),
}
_ROLES: Final[tuple[tuple[Role, Role], ...]] = (
    ("set", "delivered"),
    ("set_2", "delivered_2"),
)
_OVERLAID: Final[tuple[Role, ...]] = ("latest", "previous", "earlier")
# What begins a time of its own kind, and what ends it.
_OPENS: Final[dict[str, BandKind]] = {
    "pause": "paused",
    "contact_lost": "contact_lost",
    "line_lost": "gap",
    "fault": "fault",
}
_CLOSES: Final[dict[str, BandKind]] = {
    "resume": "paused",
    "contact_back": "contact_lost",
    "gap": "gap",
    "segment": "fault",
}
_MARKS: Final[dict[str, MarkKind]] = {
    "setting": "setting",
    "segment": "setting",
    "timer_lengthened": "timer",
    "timer_jump": "timer",
    "fault": "fault",
}


def course(
    of: Treatment,
    samples: Iterable[Sample],
    events: Sequence[SessionEvent],
    words: Words,
) -> Chart | None:
    """The curve of a treatment; None where no reading is left of it."""
    within = [it for it in samples if not it.preroll and not _after(it, of)]
    if not within:
        return None
    end_s = _seconds(of.started_ns, of.ended_ns or within[-1].at_ns)
    zero_ns = began(of, events)
    bands = _bands(zero_ns, events, end_s, words)
    unit, lines = _lines(of, within, words)
    breaks: list[tuple[float, None]] = [
        (it.from_s + _HAIR_S, None) for it in bands if it.kind == "gap"
    ]
    lines = [
        msgspec.structs.replace(it, points=(*it.points, *breaks, (end_s, None)))
        for it in lines
    ]
    what = words.texts(f"modality.{of.modality or 'unknown'}")
    date = words.day(of.started_ns, of.start_offset_min)
    return Chart(
        title=words.texts("course.title", what=what, date=date),
        description=_described(lines, unit, end_s, bands, words),
        unit=words.texts.get(f"unit.{unit}", unit),
        end_s=end_s,
        lines=tuple(lines),
        bands=tuple(bands),
        marks=tuple(_marks(zero_ns, events, words)),
    )


def compared(charts: Sequence[tuple[str, Chart]], words: Words) -> Chart:
    """Up to three treatments over one another, each from its start; the latest first.

    Of those whose curves have the unit of the latest; each with its label.
    """
    unit = charts[0][1].unit
    alike = [(label, it) for label, it in charts if it.unit == unit]
    lines = [
        Line(role, label, _delivered(it).points)
        for role, (label, it) in zip(_OVERLAID, alike, strict=False)
    ]
    return Chart(
        title=words.texts("page.compared"),
        description=words.texts("course.overlay", n=len(lines)),
        unit=unit,
        end_s=max(it.end_s for _, it in alike[: len(lines)]),
        lines=tuple(lines),
    )


def began(of: Treatment, events: Sequence[SessionEvent]) -> int:
    """When it began by the clock of its events: they are not placed anew."""
    return next((it.at_ns for it in events if it.event == "start"), of.started_ns)


# --- Lines ------------------------------------------------------------------------


def _lines(
    of: Treatment, samples: Sequence[Sample], words: Words
) -> tuple[str, list[Line]]:
    """The unit (UCUM), and the lines of all circuits; circuits that agree are one."""
    told = {name for it in samples for name in it.values}
    pairs = next(
        (
            [pair for pair in circuits if told & set(pair)]
            for circuits in _PAIRS.get(of.modality, ())
            if any(told & set(pair) for pair in circuits)
        ),
        [],
    )
    if not pairs:
        on: Points = tuple(
            (_seconds(of.started_ns, it.at_ns), float(it.state in EMITTING))
            for it in samples
        )
        return "", [Line("delivered", words.texts("course.on"), on)]
    circuits = [_points(of, samples, *pair) for pair in pairs]
    alike = len(circuits) > 1 and len(set(circuits)) == 1
    which = "_both" if alike else "_n" if len(circuits) > 1 else ""
    lines = []
    for n, circuit in enumerate(circuits[: 1 if alike else None]):
        for role, points in zip(_ROLES[n], circuit, strict=True):
            key = f"course.{role.removesuffix('_2')}{which}"
            lines.append(Line(role, words.texts(key, n=n + 1), points))
    return FIELDS[pairs[0][0]].unit, lines


def _points(
    of: Treatment, samples: Sequence[Sample], wanted: str, actual: str
) -> tuple[Points, Points]:
    """What was set, and what was given, of one circuit."""
    times = [_seconds(of.started_ns, it.at_ns) for it in samples]
    return (
        tuple(zip(times, (_number(it, wanted) for it in samples), strict=True)),
        tuple(zip(times, (_given(it, wanted, actual) for it in samples), strict=True)),
    )


def _given(it: Sample, wanted: str, actual: str) -> float | None:
    """What reaches the patient: nothing without emission, or contact of the head."""
    if it.state not in EMITTING or it.values.get("contact_ok") is False:
        return 0.0
    level = _number(it, actual)
    return level if level is not None else _number(it, wanted)


def _number(it: Sample, name: str) -> float | None:
    value = it.values.get(name)
    return None if value is None or isinstance(value, str) else float(value)


def _delivered(it: Chart) -> Line:
    return next(line for line in it.lines if line.role == "delivered")


def _described(
    lines: Sequence[Line],
    unit: str,
    end_s: float,
    bands: Sequence[Band],
    words: Words,
) -> str:
    given = [
        value
        for line in lines
        if line.role.startswith("delivered")
        for _, value in line.points
        if value is not None
    ]
    said = ", ".join(it.label for it in bands) or words.texts("course.none")
    return words.texts(
        "course.text",
        duration=clock(end_s),
        highest=words.quantity(max(given, default=0.0), unit),
        interruptions=said,
    )


# --- What happened ----------------------------------------------------------------


def _bands(
    zero_ns: int, events: Sequence[SessionEvent], end_s: float, words: Words
) -> list[Band]:
    """Pauses, lost contact, times without readings, faults until they were overcome."""
    begun: dict[BandKind, float] = {}
    bands = []
    for it in events:
        if kind := _OPENS.get(it.event):
            begun[kind] = _seconds(zero_ns, it.began_ns or it.at_ns)
        elif (kind := _CLOSES.get(it.event)) and kind in begun:
            to_s = _seconds(zero_ns, it.at_ns)
            bands.append(_band(kind, begun.pop(kind), to_s, words))
    bands += [_band(kind, from_s, end_s, words) for kind, from_s in begun.items()]
    return [it for it in bands if it.to_s > it.from_s]


def _band(kind: BandKind, from_s: float, to_s: float, words: Words) -> Band:
    name = words.texts(f"course.{kind}")
    lasted = words.number(round(to_s - from_s))
    label = words.texts("course.lasted", name=name, seconds=lasted)
    return Band(kind, from_s, to_s, name, label)


def _marks(
    zero_ns: int, events: Sequence[SessionEvent], words: Words
) -> Iterator[Mark]:
    """One of each moment; what happened together stands in one label."""
    told = [it for it in events if it.event in _MARKS]
    for n, it in enumerate(told):
        if n and _moment(it) - _moment(told[n - 1]) < _TOGETHER_NS:
            continue
        together = [
            other for other in told[n:] if _moment(other) - _moment(it) < _TOGETHER_NS
        ]
        labels = dict.fromkeys(_said(other, words) for other in together)
        yield Mark(_MARKS[it.event], _seconds(zero_ns, _moment(it)), ", ".join(labels))


def _said(it: SessionEvent, words: Words) -> str:
    """In a few words, for there is little room."""
    if it.event == "setting":
        old, new = (_value(it.field, value, words) for value in (it.old, it.new))
        return words.texts("course.changed", old=old, new=new)
    if it.event in ("timer_lengthened", "timer_jump"):
        by = _level(it.new) - _level(it.old)
        return words.texts(f"course.{it.event}", seconds=words.number(by))
    if it.event == "fault" and it.new is not None:
        return words.texts("course.fault_named", name=it.new)
    return words.texts(f"course.{it.event}")


def _value(name: str, value: Value | None, words: Words) -> str:
    return "-" if value is None else words.value(name, value)


def _level(value: Value | None) -> float:
    return 0.0 if value is None or isinstance(value, str) else float(value)


def _moment(it: SessionEvent) -> int:
    """A change began before it was sure."""
    return it.began_ns or it.at_ns


def _seconds(from_ns: int, at_ns: int) -> float:
    return (at_ns - from_ns) / _SECOND_NS


def _after(it: Sample, of: Treatment) -> bool:
    return of.ended_ns is not None and it.at_ns > of.ended_ns
