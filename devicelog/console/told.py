"""Treatments in the words and curves of the exports, within what a visitor may see."""

from typing import Final

import msgspec

from devicelog.console.visit import Visit
from devicelog.export.course import course
from devicelog.export.gather import Gatherer
from devicelog.export.history import Wanted, heading
from devicelog.export.line import line
from devicelog.export.page import Document, document
from devicelog.export.section import Section, section
from devicelog.journal.reader import SessionRow
from devicelog.records.derived import Deriver

CURVES: Final = 12  # treatments of which a patient's page draws the curve


def one(visit: Visit, row: SessionRow) -> Section:
    """One session; notes and what people added only for who may read them."""
    source = _source(visit, Wanted(pseudonym=row.pseudonym or None))
    of, words = source.treatment(row), visit.house.words
    events = source.events(of)
    drawn = course(of, source.readings(of), events, words)
    made = section(of, drawn, events, words, simulated=visit.house.recording.simulated)
    if visit.may("records"):
        return made
    return msgspec.structs.replace(made, noted=(), notes=())


def latest(visit: Visit, code: str, rows: list[SessionRow]) -> Document:
    """The last treatments of a patient, with curves and the last three compared."""
    few = rows[:CURVES]
    from_ns = few[-1].started_ns if few else None
    source = _source(visit, Wanted(pseudonym=code, from_ns=from_ns))
    return document(source, visit.house.words)


def in_a_line(visit: Visit, row: SessionRow) -> str:
    """The session for the notes, ready to be pasted."""
    simulated = visit.house.recording.simulated
    return line(Deriver(visit.reader).session(row), simulated=simulated)


def _source(visit: Visit, wanted: Wanted) -> Gatherer:
    recording = visit.house.recording
    history = heading(
        visit.reader,
        wanted,
        timezone=recording.loaded.config.site.timezone,
        made_ns=recording.clock.wall_ns(),
    )
    ring = visit.house.keyring if visit.may("records") else None
    return Gatherer(visit.reader, history, ring=ring)
