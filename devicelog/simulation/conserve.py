"""Whether what virtual devices encoded is what the journal holds, counted by SELECT.

bytes encoded = bytes read = bytes in frames + noise journalled
frames = frames with a reading + frames without one
readings = kept (and journalled) + thinned
entries handed over = entries committed
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from devicelog.errors import JournalError
from devicelog.simulation.month import Told

_KEPT: Final = "SELECT count(*) FROM entries WHERE device = ? AND kind = 'reading'"
_NOISE: Final = (
    "SELECT coalesce(sum(json_extract(body, '$.count')), 0) FROM entries"
    " WHERE device = ? AND kind = 'noise'"
)
# The last word of a run about a device's line.
_COUNTS: Final = (
    "SELECT json_extract(body, '$.counts.' || ?) FROM entries WHERE device = ?"
    " AND kind = 'device' AND json_extract(body, '$.event') = 'counts'"
    " ORDER BY seq DESC LIMIT 1"
)
_OF_SESSIONS: Final = (
    "SELECT count(*) FROM entries WHERE device = ? AND kind = 'reading'"
    " AND subject <> ''"
)
_TOLD_BY_SESSIONS: Final = (
    "SELECT coalesce(sum(readings), 0) FROM sessions WHERE device = ?"
)
_KIND: Final = "SELECT count(*) FROM entries WHERE kind = ?"
_EDGES: Final = (
    "SELECT count(*) FROM entries WHERE kind = 'session'"
    " AND json_extract(body, '$.event') = ?"
)
_ALL: Final = "SELECT count(*) FROM entries WHERE key LIKE ? || '/%' OR key LIKE ?"


class Line(msgspec.Struct, frozen=True):
    """Two counts that must be the same."""

    device: str
    what: str
    one: int
    other: int

    @property
    def holds(self) -> bool:
        """Whether they are."""
        return self.one == self.other


def conserved(directory: str, told: Told) -> list[Line]:
    """Each count of a month beside what the journal in `directory` says of it.

    Raises JournalError where one is lost; its text names all that are.
    """
    path = Path(directory) / "journal.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        lines = [*_lines(_Counted(db), told)]
    lost = [it for it in lines if not it.holds]
    if lost:
        listed = "; ".join(
            f"{it.device} {it.what}: {it.one}, not {it.other}" for it in lost
        )
        raise JournalError(f"counts are not conserved: {listed}")
    return lines


# --- Private ----------------------------------------------------------------------


class _Counted:
    """The journal, as a table of counts."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def of(self, select: str, *of: str) -> int:
        row = self._db.execute(select, of).fetchone()
        return int(row[0] or 0) if row else 0


def _lines(counted: _Counted, told: Told) -> Iterator[Line]:
    for device, sent in told.sent.items():

        def last(name: str, device: str = device) -> int:
            return counted.of(_COUNTS, name, device)

        noise, kept = counted.of(_NOISE, device), counted.of(_KEPT, device)
        yield Line(device, "bytes encoded, read", sent, last("bytes"))
        in_frames = last("frame_bytes")
        yield Line(device, "bytes in frames + noise", in_frames + noise, sent)
        said = last("frames") - last("silent_frames") + last("shared_readings")
        yield Line(device, "readings in frames", said, last("readings"))
        whole = kept + last("thinned")
        yield Line(device, "readings kept + thinned", whole, last("readings"))
        in_sessions = counted.of(_OF_SESSIONS, device)
        told_of = counted.of(_TOLD_BY_SESSIONS, device)
        yield Line(device, "readings of sessions", in_sessions, told_of)
    begun, ended = (counted.of(_EDGES, edge) for edge in ("start", "end"))
    yield Line("-", "sessions begun, ended", begun, ended)
    yield Line("-", "bindings", counted.of(_KIND, "binding"), told.bindings)
    yield Line("-", "purposes", counted.of(_KIND, "purpose"), told.purposes)
    committed = counted.of(_ALL, told.run_id, "simulated/%")
    yield Line("-", "entries handed over, committed", told.entries, committed)
