"""The tables of an export: rows made of what a history tells.

A row is a tuple in the order of its table's columns; None stands for what is not known.
"""

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final, Literal

import msgspec

from devicelog.clock import SECOND
from devicelog.export import columns
from devicelog.export.columns import Column
from devicelog.export.history import History, Manual, Sample, Source, Treatment
from devicelog.model.facts import NAMES as FACTS
from devicelog.model.flow import SessionEvent
from devicelog.model.kinds import ReceiptBody
from devicelog.records.audit import Row as Record

Cell = str | int | float | bool | None
Row = tuple[Cell, ...]
Name = Literal["sessions", "readings", "events", "manual", "audit"]


class Table(msgspec.Struct, frozen=True):
    """Columns, and what makes a row of one thing of a history.

    `row(history, treatment)` of sessions, `row(history, treatment, sample)` of
    readings, `row(history, treatment, event)` of events, `row(history, manual)` of
    treatments without a device, `row(history, record)` of the audit extract.
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
        if len(places) == len(self.columns):
            return self
        whole = self.row

        def row(*things: Any) -> Row:
            cells = whole(*things)
            return tuple([cells[n] for n in places])

        kept = tuple(self.columns[n] for n in places)
        return msgspec.structs.replace(self, columns=kept, row=row)


_STORED: Final[tuple[Name, ...]] = ("sessions", "readings")


def tables(history: History) -> Mapping[Name, Table]:
    """What this history can tell: no hidden columns, none that its source lacks."""

    def told(column: Column) -> bool:
        stored = column.stored or history.source == "journal"
        return stored and not (history.pseudonymous and column.hidden)

    names = _STORED if history.source == "influx" else (*TABLES,)
    found = {name: TABLES[name].only(told) for name in names}
    return {name: it for name, it in found.items() if it.columns}


def each(source: Source, table: Table) -> Iterator[Row]:
    """All rows of one table, in order."""
    if table.name == "manual":
        yield from (table.row(source.history, it) for it in source.manual())
        return
    if table.name == "audit":
        yield from (table.row(source.history, it) for it in source.audit())
        return
    for treatment in source.treatments():
        yield from of(source, table, treatment)


def of(source: Source, table: Table, treatment: Treatment) -> Iterator[Row]:
    """Rows of one table that belong to this treatment."""
    history, row = source.history, table.row
    match table.name:
        case "sessions":
            yield row(history, treatment)
        case "readings":
            for sample in source.readings(treatment):
                yield row(history, treatment, sample)
        case "events":
            for event in source.events(treatment):
                yield row(history, treatment, event)


def _session(history: History, it: Treatment) -> Row:
    numbers, settings = it.numbers, it.settings
    return (
        *(history.site, history.simulated),
        *(it.session_id, it.treatment_id, it.pseudonym),
        *(it.device, it.channel, it.modality),
        *(it.maker.model, it.maker.serial, it.maker.firmware),
        *(it.profile, it.profile_hash),
        *(it.started_ns, it.start_offset_min, it.ended_ns, it.end_offset_min),
        *(it.reason or "", it.purpose, " ".join(it.flags)),
        *[settings.get(name) for name in _SETTINGS],
        *[numbers.get(name) for name in _TOTALS],
        *(it.head, it.head_source, it.check, it.uncorrected),
        *_received(it.receipt),
        *(bool(it.retired), it.readings_sha256, it.clinician, "\n".join(it.notes)),
        *(it.first_seq, it.last_seq),
        *_facts(it.annotations),
    )


def _reading(history: History, of: Treatment, it: Sample) -> Row:
    get = it.values.get
    return (
        history.site,
        history.simulated,
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


def _event(history: History, of: Treatment, it: SessionEvent) -> Row:
    began_ns = it.began_ns
    return (
        history.site,
        history.simulated,
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


def _manual(history: History, it: Manual) -> Row:
    return (
        *(history.site, history.simulated),
        *(it.pseudonym, it.seq, it.began_ns, it.offset_min, it.minutes),
        *(it.treatment, it.clinician, "\n".join(it.notes)),
        *_facts(it.facts),
    )


def _audit(history: History, it: Record) -> Row:
    del history  # the same in every record
    return (it.seq, it.at_ns, it.kind, it.by, it.what, it.subject, it.more)


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
                *(*columns.FROM, *columns.WHOSE, *columns.SETTINGS, *columns.TOTALS),
                *(*columns.BESIDE, *columns.SAID),
            ),
            _session,
        ),
        Table(
            "readings",
            "a decoded state of a channel within a session, a row each",
            (*columns.FROM, *columns.READING, *columns.VALUES, *columns.BYTES),
            _reading,
        ),
        Table(
            "events",
            "something that happened to a session, a row each",
            (*columns.FROM, *columns.EVENT),
            _event,
        ),
        Table(
            "manual",
            "a treatment without a device, a row each",
            (*columns.FROM, *columns.MANUAL, *columns.SAID),
            _manual,
        ),
        Table(
            "audit",
            "a record of consequence about the patient or a session, a row each",
            columns.AUDIT,
            _audit,
        ),
    )
}
