"""The tables of an export: rows made of what a history tells.

A row is a tuple in the order of its table's columns; None stands for what is not known.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, Literal

import msgspec

from devicelog.clock import SECOND
from devicelog.export import columns
from devicelog.export.columns import Column
from devicelog.export.history import History, Manual, Sample, Treatment
from devicelog.model.facts import NAMES as FACTS
from devicelog.model.flow import SessionEvent
from devicelog.model.kinds import ReceiptBody

Cell = str | int | float | bool | None
Row = tuple[Cell, ...]
Name = Literal["sessions", "readings", "events", "manual"]


class Table(msgspec.Struct, frozen=True):
    """Columns, and what makes a row of one thing of a history.

    `row(heading, treatment)` of sessions, `row(treatment, sample)` of readings,
    `row(treatment, event)` of events, `row(manual)` of treatments without a device.
    """

    name: Name
    meaning: str
    columns: tuple[Column, ...]
    row: Callable[..., Row]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns, in order."""
        return tuple(it.name for it in self.columns)

    def only(self, wanted: Callable[[Column], bool]) -> "Table":
        """The same with these columns alone."""
        places = [n for n, it in enumerate(self.columns) if wanted(it)]
        whole = self.row

        def row(*things: Any) -> Row:
            cells = whole(*things)
            return tuple([cells[n] for n in places])

        kept = tuple(self.columns[n] for n in places)
        return msgspec.structs.replace(self, columns=kept, row=row)


def _session(heading: History, it: Treatment) -> Row:
    numbers, settings = it.numbers, it.settings
    return (
        *(it.session_id, it.treatment_id, it.pseudonym),
        *(heading.site, heading.simulated, it.device, it.channel, it.modality),
        *(it.maker.model, it.maker.serial, it.maker.firmware),
        *(it.profile, it.profile_hash),
        *(it.started_ns, it.start_offset_min, it.ended_ns, it.end_offset_min),
        *(it.reason or "", it.purpose, " ".join(it.flags)),
        *[settings.get(name) for name in _SETTINGS],
        *[numbers.get(name) for name in _TOTALS],
        *(it.head, it.head_source, it.check, it.uncorrected),
        *_received(it.receipt),
        *(it.retired, it.readings_sha256, it.clinician, "\n".join(it.notes)),
        *(it.first_seq, it.last_seq),
        *_facts(it.annotations),
    )


def _reading(of: Treatment, it: Sample) -> Row:
    get = it.values.get
    return (
        of.session_id,
        it.seq,
        it.at_ns,
        of.start_offset_min,
        it.elapsed_ms,
        of.device,
        of.channel,
        it.state,
        *map(get, _VALUES),
        " ".join(it.flags),
        it.clock_ok,
        it.mono_ns,
        it.thinned,
        it.preroll,
        it.profile_hash,
        it.frame,
    )


def _event(of: Treatment, it: SessionEvent) -> Row:
    began_ns = it.began_ns
    return (
        of.session_id,
        it.at_ns,
        of.start_offset_min,
        it.event,
        None if began_ns is None else (it.at_ns - began_ns) / SECOND,
        it.field,
        _json(it.old),
        _json(it.new),
        it.cause or "",
        it.reason or "",
    )


def _manual(it: Manual) -> Row:
    return (
        *(it.pseudonym, it.seq, it.began_ns, it.offset_min, it.minutes),
        *(it.treatment, it.clinician, "\n".join(it.notes)),
        *_facts(it.facts),
    )


_STATIONS: Final = ("decoded", "kept", "published", "stored")
_facts: Final[Callable[[Any], tuple[Any, ...]]] = attrgetter(*FACTS)


def _received(receipt: ReceiptBody | None) -> Row:
    if receipt is None:
        return ("", None, None, None, None)
    return (receipt.state, *[getattr(receipt, name) for name in _STATIONS])


def _json(value: object) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()


def _names(some: tuple[Column, ...]) -> tuple[str, ...]:
    return tuple(it.name for it in some)


_SETTINGS: Final = _names(columns.SETTINGS)
_TOTALS: Final = _names(columns.TOTALS)
_VALUES: Final = _names(columns.VALUES)

TABLES: Final[Mapping[Name, Table]] = {
    it.name: it
    for it in (
        Table(
            "sessions",
            "a treatment of one channel of a device, a row each",
            (
                *(*columns.WHOSE, *columns.SETTINGS, *columns.TOTALS),
                *(*columns.BESIDE, *columns.SAID),
            ),
            _session,
        ),
        Table(
            "readings",
            "a decoded state of a channel within a session, a row each",
            (*columns.READING, *columns.VALUES, *columns.BYTES),
            _reading,
        ),
        Table(
            "events",
            "something that happened to a session, a row each",
            columns.EVENT,
            _event,
        ),
        Table(
            "manual",
            "a treatment without a device, a row each",
            (*columns.MANUAL, *columns.SAID),
            _manual,
        ),
    )
}
