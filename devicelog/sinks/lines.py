"""Rows of the store, and their line protocol, from the catalogue.

Four measurements and a marker. A field never changes its type; what is not finite, not
of its type or not declared here never becomes a line. Identity is measurement, tags and
time: writing a row again changes nothing. A person stands in no tag, and what
was typed into a device in no field.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from math import isfinite
from operator import ne
from typing import Final

import msgspec

from devicelog.errors import SinkRejected
from devicelog.model.fields import FIELDS, TYPED, FieldType, Value

_TAG: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LONGEST: Final = 60_000  # bytes of a text; the store's own limit is 64 KiB
_SERIES: Final = 1_000  # remembered
_UNTOLD: Final = object()
_INT_MAX: Final = 2**63 - 1
_INT_MIN: Final = -_INT_MAX
# The first and the last ns that the store can number.
_FIRST_NS: Final = -9_223_372_036_854_775_806
_LAST_NS: Final = 9_223_372_036_854_775_806


class Measurement(msgspec.Struct, frozen=True):
    """Names of the tags in order, and the type of each field."""

    tags: tuple[str, ...]
    fields: Mapping[str, FieldType]


def _of(*kinds: str) -> dict[str, FieldType]:
    return {
        name: it.type
        for name, it in FIELDS.items()
        if it.kind in kinds and name not in TYPED
    }


_WHERE: Final = ("site", "device", "channel")
_COUNTS: Final = ("receipt_decoded", "receipt_kept", "receipt_published")
_EVENT: Final[dict[str, FieldType]] = {
    "text": "text",
    "ended_at": "int",  # ms, for what lasts
    "session_id": "text",
    "seq": "int",
}
_SESSION: Final[dict[str, FieldType]] = {
    "session_id": "text",
    "treatment_id": "text",
    "pseudonym": "text",  # blanked by "", for a field cannot be deleted
    "head": "text",
    "head_source": "text",  # wire or register
    "uncorrected": "text",  # why the corrected dose does not count; empty: it does
    "started_at": "int",  # ms
    "ended_at": "int",  # ms
    "end_reason": "text",
    "purpose": "text",
    "flags": "text",
    "local_hour": "int",
    "local_weekday": "int",  # Monday is 1
    **dict.fromkeys((*_COUNTS, "receipt_stored"), "int"),
    "receipt_state": "text",
}
# No field can be deleted: these stay when a check is withdrawn, with `uncorrected`.
LEFT_OVER: Final = frozenset(
    it for it in FIELDS if "_corrected_" in it or it == "output_error_pct"
)
_HEALTH: Final[dict[str, FieldType]] = {
    "noise_bytes": "int",
    "frames": "int",
    "readings": "int",
    "kept": "int",
    "gap_s": "float",
    "line_state": "text",
    "clock_ok": "bool",
    "backlog_s_mqtt": "float",
    "backlog_s_influx": "float",
    "rejects_mqtt": "int",
    "rejects_influx": "int",
    "disk_free": "int",  # bytes, where the journal is
}
MEASUREMENTS: Final[dict[str, Measurement]] = {
    "therapy_reading": Measurement(
        (*_WHERE, "modality"),
        _of("setting", "measurement")
        | {"state": "text", "session_id": "text", "elapsed_ms": "int"}
        | {"seq": "int", "flags": "text"},
    ),
    "therapy_session": Measurement(
        (*_WHERE, "modality"), _of("setting", "total") | _SESSION
    ),
    "therapy_event": Measurement((*_WHERE, "kind"), _EVENT),
    "devicelog_health": Measurement(("site", "device"), _HEALTH),
    "devicelog_marker": Measurement(
        ("site",), {"simulated": "bool", "installation": "text"}
    ),
}


class Row(msgspec.Struct, frozen=True, gc=False):
    """One point. `tags` hold values in the measurement's order, empty: none."""

    measurement: str
    tags: tuple[str, ...]
    at_ns: int
    fields: dict[str, Value]

    @property
    def key(self) -> tuple[str, tuple[str, ...], int]:
        """What makes two rows the same point."""
        return (self.measurement, tuple(it or "-" for it in self.tags), self.at_ns)


class _Last:
    """The last row of a series: its fields' names, values and texts, in order."""

    def __init__(self, row: Row) -> None:
        measurement = MEASUREMENTS[row.measurement]
        forms = _FORMS[row.measurement]
        tags = zip(measurement.tags, map(tag, row.tags), strict=True)
        self.head = ",".join((row.measurement, *(f"{name}={it}" for name, it in tags)))
        self.names = [*row.fields]
        try:
            self.forms = [forms[name] for name in self.names]
        except KeyError as error:
            raise SinkRejected(f"{row.measurement} has no field {error}") from error
        if not self.names:
            raise SinkRejected(f"{row.measurement}: no field is known")
        self.values: Sequence[object] = [_UNTOLD] * len(self.names)
        self.texts = [""] * len(self.names)
        self.places = range(len(self.names))


class Printer:
    """Makes lines, for one thread.

    Most of a reading stands as in the one before it; that is not formatted again.
    """

    def __init__(self) -> None:
        self._series: dict[tuple[str, tuple[str, ...]], _Last] = {}

    def line(self, row: Row) -> str:
        """The row in line protocol. Raises SinkRejected where it cannot be one."""
        at_ns = row.at_ns
        if not _FIRST_NS <= at_ns <= _LAST_NS:
            raise SinkRejected(f"{at_ns} ns is no time of the store")
        series = (row.measurement, row.tags)
        last = self._series.get(series)
        if last is None or last.names != [*row.fields]:
            if len(self._series) > _SERIES:
                self._series.clear()
            last = self._series[series] = _Last(row)
        texts, forms = last.texts, last.forms
        values = [*row.fields.values()]
        try:
            for n in compress(last.places, map(ne, values, last.values)):
                texts[n] = forms[n](values[n])
        except SinkRejected:
            del self._series[series]  # half of its texts are new
            raise
        last.values = values
        return f"{last.head} {','.join(texts)} {at_ns}"


def line(row: Row) -> str:
    """One row alone; see `Printer`."""
    return Printer().line(row)


def stored(row: Row) -> dict[str, Value]:
    """The fields as the store gives them back."""
    types = MEASUREMENTS[row.measurement].fields
    return {name: _AS_STORED[types[name]](it) for name, it in row.fields.items()}


def tag(value: str) -> str:
    """A tag's value, safe in lines and queries. Raises SinkRejected."""
    if not _TAG.fullmatch(value or "-"):
        raise SinkRejected(f"{value!r} cannot be a tag: letters, digits, _ . - only")
    return value or "-"


# --- Private ----------------------------------------------------------------------


def _clean(text: str) -> str:
    """Without control characters: what ends a line must not stand in one."""
    if text.isprintable():
        return text
    return "".join(" " if it < " " or it == "\x7f" else it for it in text)


def _float(name: str) -> Callable[[Value], str]:
    def form(value: Value) -> str:
        if value.__class__ is not float:
            if value.__class__ is not int:
                raise SinkRejected(f"{name}: {value!r} is no number")
            value = float(value)
        if not isfinite(value):
            raise SinkRejected(f"{name}: {value!r} is not finite")
        return f"{name}={value!r}"

    return form


def _int(name: str) -> Callable[[Value], str]:
    def form(value: Value) -> str:
        if type(value) is not int or not _INT_MIN <= value <= _INT_MAX:
            raise SinkRejected(f"{name}: {value!r} is no whole number of 64 bits")
        return f"{name}={value}i"

    return form


def _bool(name: str) -> Callable[[Value], str]:
    def form(value: Value) -> str:
        if value.__class__ is not bool:
            raise SinkRejected(f"{name}: {value!r} is neither true nor false")
        return f"{name}=true" if value else f"{name}=false"

    return form


def _text(name: str) -> Callable[[Value], str]:
    def form(value: Value) -> str:
        if not isinstance(value, str):
            raise SinkRejected(f"{name}: {value!r} is no text")
        text = _clean(value).replace("\\", "\\\\").replace('"', '\\"')
        if len(text) > _LONGEST // 4 and len(text.encode()) > _LONGEST:
            raise SinkRejected(f"{name}: a text of {len(text)} characters is too long")
        return f'{name}="{text}"'

    return form


_MAKERS: Final = {"float": _float, "int": _int, "bool": _bool, "text": _text}
_AS_STORED: Final[dict[FieldType, Callable[[Value], Value]]] = {
    "float": float,
    "int": lambda value: value,
    "bool": lambda value: value,
    "text": lambda value: _clean(str(value)),
}
_FORMS: Final = {
    name: {field: _MAKERS[kind](field) for field, kind in it.fields.items()}
    for name, it in MEASUREMENTS.items()
}
