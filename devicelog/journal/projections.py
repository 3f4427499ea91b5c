"""Tables made from the entries: they can be dropped and made again at any time.

Kept up to date in the transaction of each append, by the same function that rebuilds
them. A reading costs no decoding: it is counted, and noted as the latest of its kind.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from devicelog.errors import JournalError
from devicelog.journal import retired, standing
from devicelog.model import codec
from devicelog.model.flow import Entry, SessionEvent
from devicelog.model.kinds import AlarmBody, ClockBody, ConfigBody, DeviceBody

_log = logging.getLogger(__name__)

_PAGE: Final = 10_000
# In compact JSON this stands for nothing but the key of a body: within a text its
# quotes would be escaped.
_UNTRUSTED: Final = b'"clock_ok":false'

TABLES: Final = (
    """
CREATE TABLE sessions(
    session_id TEXT PRIMARY KEY, device TEXT, channel TEXT, started_ns INTEGER,
    ended_ns INTEGER, reason TEXT, flags BLOB NOT NULL DEFAULT '[]',
    treatment_id TEXT NOT NULL DEFAULT '', settings BLOB NOT NULL DEFAULT '{}',
    totals BLOB NOT NULL DEFAULT '{}', readings INTEGER NOT NULL DEFAULT 0,
    readings_sha256 TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX sessions_started ON sessions(started_ns);
CREATE INDEX sessions_open ON sessions(session_id) WHERE ended_ns IS NULL;
CREATE TABLE heads(
    session_id TEXT, serial TEXT, id TEXT, PRIMARY KEY (session_id, serial, id)
) WITHOUT ROWID;
CREATE TABLE subjects(
    subject TEXT PRIMARY KEY, readings INTEGER, first_seq INTEGER, last_seq INTEGER
) WITHOUT ROWID;
CREATE TABLE latest(
    device TEXT, kind TEXT, seq INTEGER, PRIMARY KEY (device, kind)
) WITHOUT ROWID;
CREATE TABLE devices(
    device TEXT PRIMARY KEY, line TEXT, text TEXT NOT NULL DEFAULT '',
    identity BLOB, seq INTEGER
) WITHOUT ROWID;
CREATE TABLE anchors(
    boot_id TEXT PRIMARY KEY, offset_ns INTEGER, seq INTEGER
) WITHOUT ROWID;
CREATE TABLE runs(
    run_id TEXT PRIMARY KEY, boot_id TEXT, version TEXT, started_ns INTEGER,
    stopped_ns INTEGER, seq INTEGER
) WITHOUT ROWID;
CREATE TABLE alarms(
    seq INTEGER PRIMARY KEY, name TEXT, device TEXT, raised_ns INTEGER,
    cleared_ns INTEGER, text TEXT, remedy TEXT, times INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX alarms_open ON alarms(name, device) WHERE cleared_ns IS NULL;
CREATE TABLE marks(name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
"""
    + standing.TABLES
    + retired.TABLES
)
NAMES: Final = (
    *("sessions", "heads", "subjects", "latest", "devices"),
    *("anchors", "runs", "alarms", "marks"),
    *(*standing.NAMES, *retired.NAMES),
)


def apply(db: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Take these into the projections, in order, within the open transaction."""
    latest: dict[tuple[str, str], int] = {}
    subjects: dict[str, list[int]] = {}  # readings, first seq, last seq
    trusted = 0
    for entry in entries:
        latest[entry.device, entry.kind] = entry.seq
        if entry.subject:
            tally = subjects.setdefault(entry.subject, [0, entry.seq, entry.seq])
            tally[0] += entry.kind == "reading"
            tally[2] = entry.seq
        if entry.kind == "reading" and _UNTRUSTED not in entry.body:
            trusted = (
                entry.at_ns
            )  # the newest, not the highest: a clock may be set back
        if entry.kind in _TOLD:
            _tell(db, entry)
    _note(db, latest, subjects, trusted)


def rebuild(db: sqlite3.Connection) -> int:
    """Drop all projections and make them again from the entries; how many were read.

    Within the caller's transaction.
    """
    for name in NAMES:
        db.execute(f"DROP TABLE IF EXISTS {name}")
    for statement in TABLES.split(";"):
        db.execute(statement)
    after = count = 0
    while page := _page(db, after):
        apply(db, page)
        after = page[-1].seq
        count += len(page)
    return count


def _note(
    db: sqlite3.Connection,
    latest: dict[tuple[str, str], int],
    subjects: dict[str, list[int]],
    trusted: int,
) -> None:
    """What is known of entries without decoding them."""
    db.executemany(
        "INSERT INTO latest VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET seq = excluded.seq",
        ((*pair, seq) for pair, seq in latest.items()),
    )
    db.executemany(
        "INSERT INTO subjects VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " readings = readings + excluded.readings, last_seq = excluded.last_seq",
        ((subject, *tally) for subject, tally in subjects.items()),
    )
    if trusted:
        db.execute(
            "INSERT INTO marks VALUES ('trusted_ns', ?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value",
            (trusted,),
        )


def _page(db: sqlite3.Connection, after: int) -> list[Entry]:
    rows = db.execute(
        "SELECT seq, at_ns, device, channel, kind, subject, key, body FROM entries"
        " WHERE seq > ? ORDER BY seq LIMIT ?",
        (after, _PAGE),
    )
    return [Entry(*row) for row in rows]


def _tell(db: sqlite3.Connection, entry: Entry) -> None:
    """One entry that must be decoded. What cannot be is recorded, and passed over."""
    try:
        body = codec.decode(entry.kind, entry.body)
    except JournalError as error:
        _log.warning("entry %d is in no projection: %s", entry.seq, error)
        return
    _TOLD[entry.kind](db, entry, body)


def _session(db: sqlite3.Connection, entry: Entry, event: SessionEvent) -> None:
    start = event.event == "start"
    settings = msgspec.json.encode(event.values if start else {})
    began_ns = entry.at_ns if event.began_ns is None else event.began_ns
    db.execute(
        "INSERT INTO sessions(session_id, device, channel, started_ns, settings)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (event.session_id, entry.device, entry.channel, began_ns, settings),
    )
    _head(db, event)
    if event.treatment_id:
        db.execute(
            "UPDATE sessions SET treatment_id = ? WHERE session_id = ?",
            (event.treatment_id, event.session_id),
        )
    if event.flags:
        db.execute(
            "UPDATE sessions SET flags = ? WHERE session_id = ?",
            (msgspec.json.encode(event.flags), event.session_id),
        )
    if event.event == "end":
        db.execute(
            "UPDATE sessions SET ended_ns = ?, reason = ?, totals = ?, readings = ?,"
            " readings_sha256 = ? WHERE session_id = ?",
            (
                event.at_ns if event.ended_ns is None else event.ended_ns,
                event.reason,
                msgspec.json.encode(event.totals),
                event.readings,
                event.readings_sha256,
                event.session_id,
            ),
        )


def _head(db: sqlite3.Connection, event: SessionEvent) -> None:
    """Which head was used, as the wire says; a swap begins a segment."""
    told = event.values
    if event.field in ("head_serial", "head_id") and event.new is not None:
        told = {event.field: event.new}
    serial, id_ = str(told.get("head_serial", "")), str(told.get("head_id", ""))
    if serial or id_:
        db.execute(
            "INSERT OR IGNORE INTO heads VALUES (?, ?, ?)",
            (event.session_id, serial, id_),
        )


def _device(db: sqlite3.Connection, entry: Entry, body: DeviceBody) -> None:
    db.execute(
        "INSERT INTO devices(device, seq) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET seq = excluded.seq",
        (entry.device, entry.seq),
    )
    if body.line is not None:
        db.execute(
            "UPDATE devices SET line = ?, text = ? WHERE device = ?",
            (body.line, body.text, entry.device),
        )
    if body.event == "identified" and body.identity is not None:
        db.execute(
            "UPDATE devices SET identity = ? WHERE device = ?",
            (msgspec.json.encode(body.identity), entry.device),
        )


def _clock(db: sqlite3.Connection, entry: Entry, body: ClockBody) -> None:
    if body.event == "accepted":  # says what the clock showed; moves nothing
        return
    db.execute(
        "INSERT INTO anchors VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
        " offset_ns = excluded.offset_ns, seq = excluded.seq",
        (body.boot_id, body.new_ns, entry.seq),
    )


def _run(db: sqlite3.Connection, entry: Entry, body: ConfigBody) -> None:
    db.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, NULL, ?) ON CONFLICT DO NOTHING",
        (body.run_id, body.boot_id, body.version, entry.at_ns, entry.seq),
    )
    if body.event == "stop":
        db.execute(
            "UPDATE runs SET stopped_ns = ? WHERE run_id = ?",
            (entry.at_ns, body.run_id),
        )


def _alarm(db: sqlite3.Connection, entry: Entry, body: AlarmBody) -> None:
    """Raised again while open: told once, counted."""
    which = (body.name, entry.device)
    if body.cleared:
        db.execute(
            "UPDATE alarms SET cleared_ns = ?"
            " WHERE name = ? AND device = ? AND cleared_ns IS NULL",
            (entry.at_ns, *which),
        )
        return
    again = db.execute(
        "UPDATE alarms SET times = times + 1, text = ?, remedy = ?"
        " WHERE name = ? AND device = ? AND cleared_ns IS NULL",
        (body.text, body.remedy, *which),
    )
    if not again.rowcount:
        db.execute(
            "INSERT INTO alarms(seq, name, device, raised_ns, text, remedy)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (entry.seq, *which, entry.at_ns, body.text, body.remedy),
        )


_TOLD: Final[dict[str, Callable[[sqlite3.Connection, Entry, Any], None]]] = {
    "session": _session,
    "device": _device,
    "clock": _clock,
    "config": _run,
    "alarm": _alarm,
    "retirement": retired.tell,
    **standing.TOLD,
}
