"""Rows of the store, and their line protocol, from the catalogue.

Four measurements and a marker. A field never changes its type; what is not finite, not
of its type or not declared here never becomes a line. Identity is measurement, tags and
time: writing a row again changes nothing. A person stands in no tag.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import isfinite
from typing import Final

import msgspec

from devicelog.errors import SinkRejected
from devicelog.model.fields import FIELDS, FieldType, Value

_TAG: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LONGEST: Final = 60_000  # bytes of a text; the store's own limit is 64 KiB
_INT_MAX: Final = 2**63 - 1
# The first and the last ns that the store can number.
_FIRST_NS: Final = -9_223_372_036_854_775_806
_LAST_NS: Final = 9_223_372_036_854_775_806


class Measurement(msgspec.Struct, frozen=True):
    """Names of the tags in order, and the type of each field."""

    tags: tuple[str, ...]
    fields: Mapping[str, FieldType]


def _of(*kinds: str) -> dict[str, FieldType]:
    return {name: it.type for name, it in FIELDS.items() if it.kind in kinds}


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
    "head_source": "text",
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


class Row(msgspec.Struct, frozen=True):
    """One point. `tags` hold values in the measurement's order, empty: none."""

    measurement: str
    tags: tuple[str, ...]
    at_ns: int
    fields: dict[str, Value]

    @property
    def key(self) -> tuple[str, tuple[str, ...], int]:
        """What makes two rows the same point."""
        return (self.measurement, tuple(it or "-" for it in self.tags), self.at_ns)


def line(row: Row) -> str:
    """The row in line protocol. Raises SinkRejected where it cannot be one."""
    head = _head(row.measurement, row.tags)
    forms = _FORMS[row.measurement]
    try:
        fields = ",".join([forms[name](it) for name, it in row.fields.items()])
    except KeyError as error:
        raise SinkRejected(f"{row.measurement} has no field {error}") from error
    if not fields:
        raise SinkRejected(f"{row.measurement}: no field is known")
    if not _FIRST_NS <= row.at_ns <= _LAST_NS:
        raise SinkRejected(f"{row.at_ns} ns is no time of the store")
    return f"{head} {fields} {row.at_ns}"


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


@lru_cache(maxsize=4096)
def _head(measurement: str, tags: tuple[str, ...]) -> str:
    names = MEASUREMENTS[measurement].tags
    pairs = zip(names, map(tag, tags), strict=True)
    return ",".join((measurement, *(f"{name}={value}" for name, value in pairs)))


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
        if value.__class__ is not int or not -_INT_MAX <= int(value) <= _INT_MAX:
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
