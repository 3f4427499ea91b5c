"""Projections of what people said: what stands now; the entries keep what stood before.

Tables of their own, apart from the sessions': what was said of a session stands though
the entry that began it was lost.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, Final

import msgspec

from devicelog.model.facts import Facts, amended
from devicelog.model.flow import Entry
from devicelog.model.said import AnnotationBody, BindingBody, PurposeBody

TABLES: Final = """
CREATE TABLE bindings(
    session_id TEXT PRIMARY KEY, pseudonym TEXT, clinician TEXT, seq INTEGER
) WITHOUT ROWID;
CREATE INDEX bindings_pseudonym ON bindings(pseudonym) WHERE pseudonym <> '';
CREATE TABLE ahead(seq INTEGER PRIMARY KEY, device TEXT);
CREATE TABLE purposes(
    session_id TEXT PRIMARY KEY, purpose TEXT, seq INTEGER
) WITHOUT ROWID;
CREATE TABLE annotations(
    session_id TEXT PRIMARY KEY, facts BLOB, seq INTEGER
) WITHOUT ROWID;
"""
NAMES: Final = ("bindings", "ahead", "purposes", "annotations")


def _binding(db: sqlite3.Connection, entry: Entry, body: BindingBody) -> None:
    if body.event == "ahead":
        db.execute("INSERT INTO ahead VALUES (?, ?)", (entry.seq, entry.device))
    if body.ahead is not None:
        db.execute("DELETE FROM ahead WHERE seq = ?", (body.ahead,))
    if body.session_id:
        db.execute(
            "INSERT OR REPLACE INTO bindings VALUES (?, ?, ?, ?)",
            (body.session_id, body.pseudonym, body.clinician, entry.seq),
        )


def _purpose(db: sqlite3.Connection, entry: Entry, body: PurposeBody) -> None:
    db.execute(
        "INSERT OR REPLACE INTO purposes VALUES (?, ?, ?)",
        (body.session_id, body.purpose, entry.seq),
    )


def _annotation(db: sqlite3.Connection, entry: Entry, body: AnnotationBody) -> None:
    found = db.execute(
        "SELECT facts FROM annotations WHERE session_id = ?", (body.session_id,)
    ).fetchone()
    stood = msgspec.json.decode(found[0], type=Facts) if found else Facts()
    stands = msgspec.json.encode(amended(stood, body.facts, body.withdrawn))
    db.execute(
        "INSERT OR REPLACE INTO annotations VALUES (?, ?, ?)",
        (body.session_id, stands, entry.seq),
    )


TOLD: Final[dict[str, Callable[[sqlite3.Connection, Entry, Any], None]]] = {
    "binding": _binding,
    "purpose": _purpose,
    "annotation": _annotation,
}
