"""The journal, read only. No transaction outlives a call; long reads page by `seq`."""

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from devicelog.errors import JournalError
from devicelog.journal.file import NAME
from devicelog.model.fields import Value
from devicelog.model.flow import Entry, Identity


class SessionRow(msgspec.Struct, frozen=True):
    """One session as the journal knows it now."""

    session_id: str
    device: str
    channel: str
    started_ns: int
    ended_ns: int | None
    reason: str | None
    open: bool
    settings: dict[str, Value]
    totals: dict[str, float | int]
    flags: tuple[str, ...]
    readings: int
    treatment_id: str
    first_seq: int
    last_seq: int


class DeviceRow(msgspec.Struct, frozen=True):
    """What was last told of a device."""

    device: str
    line: str | None
    text: str
    identity: Identity | None


class RunRow(msgspec.Struct, frozen=True):
    """One start of the recorder."""

    run_id: str
    boot_id: str
    stopped: bool


class AlarmRow(msgspec.Struct, frozen=True):
    """An alarm as last told."""

    name: str
    text: str
    cleared: bool


class Meta(msgspec.Struct, frozen=True):
    """What a journal was born as."""

    installation: str
    simulated: bool
    site: str


class Reader:
    """Use as a context manager, in the thread that made it. Raises JournalError."""

    def __init__(self, directory: str) -> None:
        self._path = Path(directory) / NAME
        self._db: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        try:
            uri = f"{self._path.resolve().as_uri()}?mode=ro"
            self._db = sqlite3.connect(uri, uri=True, isolation_level=None)
            self._db.execute("SELECT 1 FROM meta").fetchone()
        except sqlite3.Error as error:
            if self._db is not None:
                self._db.close()
            raise JournalError(
                f"{self._path} cannot be read: {error}",
                hint="as another user: sudo -u devicelog devicelog ...",
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._db is not None:
            self._db.close()

    def entries(
        self,
        after: int = 0,
        *,
        kind: str | None = None,
        device: str | None = None,
        subject: str | None = None,
        limit: int = 1000,
    ) -> list[Entry]:
        """A page of entries in order, those after this `seq`."""
        asked = {"kind": kind, "device": device, "subject": subject}
        wanted = {name: value for name, value in asked.items() if value is not None}
        where = "subject <> '' AND " if subject else ""
        where += " AND ".join(["seq > ?", *(f"{name} = ?" for name in wanted)])
        sql = f"SELECT * FROM entries WHERE {where} ORDER BY seq LIMIT ?"  # noqa: S608
        return [Entry(*row) for row in self._all(sql, after, *wanted.values(), limit)]

    def find(self, key: str) -> Entry | None:
        """The entry with this key."""
        rows = self._all("SELECT * FROM entries WHERE key = ?", key)
        return Entry(*rows[0]) if rows else None

    def last(self, kind: str, device: str) -> Entry | None:
        """The newest entry of this kind and device."""
        rows = self._all(
            "SELECT * FROM entries WHERE device = ? AND kind = ?"
            " ORDER BY seq DESC LIMIT 1",
            device,
            kind,
        )
        return Entry(*rows[0]) if rows else None

    def last_seq(self) -> int:
        """The newest `seq`; 0 in an empty journal."""
        return int(self._all("SELECT COALESCE(MAX(seq), 0) FROM entries")[0][0])

    def last_trusted_ns(self) -> int | None:
        """The time of the newest reading that was stamped by a trusted clock."""
        rows = self._all(
            "SELECT at_ns FROM entries WHERE kind = 'reading'"
            " AND instr(CAST(body AS TEXT), '\"clock_ok\":false') = 0"
            " ORDER BY seq DESC LIMIT 1"
        )
        return int(rows[0][0]) if rows else None

    def session(self, session_id: str) -> SessionRow | None:
        """One session."""
        sql = "SELECT * FROM sessions WHERE session_id = ?"
        return next(iter(self._sessions(sql, session_id)), None)

    def has_session(self, session_id: str) -> bool:
        """Whether this id is taken."""
        return self.session(session_id) is not None

    def open_sessions(self) -> list[SessionRow]:
        """All that have not ended, oldest first."""
        return self._sessions("SELECT * FROM sessions WHERE open ORDER BY first_seq")

    def sessions(
        self, *, open_only: bool = False, device: str | None = None, limit: int = 50
    ) -> list[SessionRow]:
        """Newest first."""
        return self._sessions(
            "SELECT * FROM sessions WHERE open >= ? AND device = COALESCE(?, device)"
            " ORDER BY first_seq DESC LIMIT ?",
            int(open_only),
            device,
            limit,
        )

    def devices(self) -> list[DeviceRow]:
        """What was last told of each device."""
        return [
            DeviceRow(
                device,
                line,
                text or "",
                msgspec.json.decode(who, type=Identity) if who else None,
            )
            for device, line, text, who in self._all("SELECT * FROM devices")
        ]

    def anchor(self, boot_id: str) -> int | None:
        """The last anchor of this boot."""
        rows = self._all("SELECT offset_ns FROM anchors WHERE boot_id = ?", boot_id)
        return int(rows[0][0]) if rows else None

    def runs(self) -> list[RunRow]:
        """All starts of the recorder."""
        return [RunRow(a, b, bool(c)) for a, b, c in self._all("SELECT * FROM runs")]

    def alarms(self, *, open_only: bool = False) -> list[AlarmRow]:
        """Alarms as last told."""
        rows = self._all("SELECT name, text, cleared FROM alarms ORDER BY seq")
        told = [AlarmRow(name, text, bool(cleared)) for name, text, cleared in rows]
        return [it for it in told if not (open_only and it.cleared)]

    def meta(self) -> Meta:
        """What this journal was born as."""
        it = dict(self._all("SELECT name, value FROM meta"))
        return Meta(it["installation"], it["simulated"] == "1", it["site"])

    # --- Private ------------------------------------------------------------------

    def _all(self, sql: str, *values: Any) -> list[Any]:
        if self._db is None:
            raise JournalError("the reader is not open")
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise JournalError(f"{self._path} cannot be read: {error}") from error

    def _sessions(self, sql: str, *values: Any) -> list[SessionRow]:
        rows = []
        for row in self._all(sql, *values):
            made = dict(zip(SessionRow.__struct_fields__, row, strict=True))
            for name in ("settings", "totals", "flags"):
                made[name] = msgspec.json.decode(made[name])
            made["open"] = bool(made["open"])
            rows.append(msgspec.convert(made, SessionRow))
        return rows
