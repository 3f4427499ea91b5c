"""What the log adds up to: tables kept in the transaction of each entry."""

import json
import sqlite3
from typing import Any

import msgspec

from devicelog.journal.file import PROJECTIONS
from devicelog.model import codec
from devicelog.model.flow import Entry


def apply(db: sqlite3.Connection, entry: Entry) -> None:
    """Take one entry into the projections; readings need none."""
    project = _TABLE.get(entry.kind)
    if project is not None:
        project(db, entry, codec.decode(entry.kind, entry.body))


def rebuild(db: sqlite3.Connection) -> None:
    """Make all projections anew from the log, in one transaction."""
    db.execute("BEGIN IMMEDIATE")
    for table in PROJECTIONS:
        db.execute(f"DELETE FROM {table}")  # noqa: S608  (names of our own)
    for row in db.execute("SELECT * FROM entries WHERE kind<>'reading' ORDER BY seq"):
        apply(db, Entry(*row))
    db.execute("COMMIT")


def _session(db: sqlite3.Connection, entry: Entry, it: Any) -> None:
    if it.event == "start":
        db.execute(
            "INSERT OR REPLACE INTO sessions VALUES"
            " (?,?,?,?,NULL,NULL,1,?,'{}',?,0,?,?,?)",
            (
                it.session_id,
                entry.device,
                entry.channel,
                it.at_ns if it.began_ns is None else it.began_ns,
                json.dumps(it.values),
                json.dumps(it.flags),
                it.treatment_id,
                entry.seq,
                entry.seq,
            ),
        )
    elif it.event == "end":
        db.execute(
            "UPDATE sessions SET ended_ns=?, reason=?, open=0, totals=?, flags=?,"
            " readings=?, last_seq=? WHERE session_id=?",
            (
                it.ended_ns,
                it.reason,
                json.dumps(it.totals),
                json.dumps(it.flags),
                it.readings,
                entry.seq,
                it.session_id,
            ),
        )
    else:
        db.execute(
            "UPDATE sessions SET last_seq=? WHERE session_id=?",
            (entry.seq, it.session_id),
        )


def _device(db: sqlite3.Connection, entry: Entry, it: Any) -> None:
    who = msgspec.json.encode(it.identity).decode() if it.identity else None
    kept = who if it.event == "identified" else None
    db.execute(
        "INSERT INTO devices VALUES (?,?,?,?) ON CONFLICT (device) DO UPDATE SET"
        " line=excluded.line, text=excluded.text,"
        " identity=COALESCE(excluded.identity, identity)",
        (entry.device, it.line, it.text, kept),
    )


def _clock(db: sqlite3.Connection, _: Entry, it: Any) -> None:
    if it.event == "anchor":
        row = (it.boot_id, it.new_ns)
        db.execute("INSERT OR REPLACE INTO anchors VALUES (?,?)", row)


def _config(db: sqlite3.Connection, _: Entry, it: Any) -> None:
    row = (it.run_id, it.boot_id, int(it.event == "stop"))
    db.execute("INSERT OR REPLACE INTO runs VALUES (?,?,?)", row)


def _alarm(db: sqlite3.Connection, entry: Entry, it: Any) -> None:
    row = (it.name, it.text, int(it.cleared), entry.seq)
    db.execute("INSERT OR REPLACE INTO alarms VALUES (?,?,?,?)", row)


_TABLE = {
    "session": _session,
    "device": _device,
    "clock": _clock,
    "config": _config,
    "alarm": _alarm,
}
