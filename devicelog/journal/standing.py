"""Projections of what people said: what stands now; the entries keep what stood before.

Tables of their own, apart from the sessions': what was said of a session stands though
the entry that began it was lost.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, Final

from devicelog.model.flow import Entry
from devicelog.model.said import BindingBody, PurposeBody

TABLES: Final = """
CREATE TABLE bindings(
    session_id TEXT PRIMARY KEY, pseudonym TEXT, clinician TEXT, seq INTEGER
) WITHOUT ROWID;
CREATE INDEX bindings_pseudonym ON bindings(pseudonym) WHERE pseudonym <> '';
CREATE TABLE ahead(seq INTEGER PRIMARY KEY, device TEXT);
CREATE TABLE purposes(
    session_id TEXT PRIMARY KEY, purpose TEXT, seq INTEGER
) WITHOUT ROWID;
"""
NAMES: Final = ("bindings", "ahead", "purposes")


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


TOLD: Final[dict[str, Callable[[sqlite3.Connection, Entry, Any], None]]] = {
    "binding": _binding,
    "purpose": _purpose,
}
