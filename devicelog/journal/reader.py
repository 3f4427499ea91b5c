"""Reading the journal: never writing, never holding a snapshot between two calls."""

from collections.abc import Collection
from typing import Any

import msgspec

from devicelog.journal import chain, delivery, keys, queries, retired, schema
from devicelog.journal.asking import Asking
from devicelog.journal.retired import Departed
from devicelog.journal.rows import (
    AlarmRow,
    DeviceRow,
    HeadRow,
    RunRow,
    SessionRow,
    UseRow,
)
from devicelog.journal.schema import Meta
from devicelog.model.delivery import Position, Reject
from devicelog.model.flow import Entry, Table

__all__ = [
    "AlarmRow",
    "DeviceRow",
    "HeadRow",
    "Meta",
    "Reader",
    "RunRow",
    "SessionRow",
    "UseRow",
]


class Reader(Asking):
    """A context manager, for one thread. Works while a recorder runs or none does.

    Raises JournalError where the journal is missing, unreadable or damaged, and says
    what to do.
    """

    # --- Entries ------------------------------------------------------------------

    def entries(
        self,
        after: int = 0,
        *,
        kind: str | None = None,
        device: str | None = None,
        channel: str | None = None,
        subject: str | None = None,
        limit: int = 1000,
    ) -> list[Entry]:
        """The next entries with a higher `seq`, in its order; fewer than `limit`: all.

        Page on from the last one's `seq`.
        """
        said = kind not in (None, "reading")
        if subject:
            query = queries.SAID if said else queries.BY_SUBJECT
        else:
            query = queries.BY_KIND if said else queries.BY_SEQ
        asked = {"after": after, "kind": kind, "device": device, "channel": channel}
        asked |= {"subject": subject, "limit": limit}
        return self._entries(query, asked)

    def entry(self, seq: int) -> Entry | None:
        """The entry of this number."""
        return self._entry(queries.ENTRIES + "WHERE seq = ?", seq)

    def find(self, key: str) -> Entry | None:
        """The entry that was made under this key."""
        return self._entry(queries.ENTRIES + "WHERE key = ?", key)

    def backwards(self, subject: str, before: int, limit: int) -> list[Entry]:
        """Entries of a subject with a lower `seq`, the newest first."""
        return self._entries(queries.BACKWARDS, (subject, before, limit))

    def about(self, row: SessionRow, kind: str) -> list[Entry]:
        """All entries of a kind about a session, without a look at its readings."""
        asked: dict[str, Any] = {"subject": row.session_id, "kind": kind}
        asked |= {"first": row.first_seq, "last": row.last_seq}
        return self._entries(queries.OF_SUBJECT, asked)

    def last(self, kind: str, device: str, channel: str | None = None) -> Entry | None:
        """The latest entry of this kind from this device, or of one channel of it."""
        newest = self._entry(queries.LAST, device, kind)
        if newest is None or channel in (None, newest.channel):
            return newest
        if not self._rows(queries.ANY_OF_CHANNEL, (device, channel)):
            return None  # else all rows would be walked
        asked = {"seq": newest.seq, "kind": kind, "device": device, "channel": channel}
        return next(iter(self._entries(queries.LAST_OF_CHANNEL, asked)), None)

    def last_seq(self) -> int:
        """The highest number given; 0 in a new journal."""
        return int(self._rows("SELECT coalesce(max(seq), 0) FROM entries")[0][0])

    def before(self, at_ns: int) -> int:
        """The number up to which all entries are older than this time; 0: none is."""
        sql = "SELECT coalesce(min(seq), 0) FROM entries WHERE at_ns >= ?"
        first = int(self._rows(sql, (at_ns,))[0][0])
        return first - 1 if first else self.last_seq()

    # --- Projections --------------------------------------------------------------

    def session(self, session_id: str) -> SessionRow | None:
        """One session, or None."""
        query = queries.SESSIONS + " WHERE s.session_id = ?"
        return next(iter(self._made(SessionRow, query, (session_id,))), None)

    def has_session(self, session_id: str) -> bool:
        """Whether this id is taken."""
        return self.session(session_id) is not None

    def sessions(
        self,
        *,
        open_only: bool = False,
        device: str | None = None,
        channel: str | None = None,
        since_ns: int | None = None,
        before_seq: int | None = None,
        pseudonym: str | None = None,
        purpose: str | None = None,
        treatment_id: str | None = None,
        limit: int = 1000,
    ) -> list[SessionRow]:
        """Sessions, the latest start first. `since_ns`: started then or later.

        `before_seq`: told of before this entry. `pseudonym`: of this patient; empty: of
        nobody.
        """
        asked: dict[str, Any] = {"open": open_only, "since": since_ns, "limit": limit}
        asked |= {"device": device, "channel": channel, "before": before_seq}
        asked |= {"pseudonym": pseudonym, "purpose": purpose, "treatment": treatment_id}
        return self._made(SessionRow, queries.FOUND, asked)

    def in_order(self, page: queries.Page) -> list[SessionRow]:
        """The next sessions, the earliest start first; fewer than `limit`: all."""
        return self._made(SessionRow, queries.in_order(page), queries.asked(page))

    def count(self, page: queries.Page) -> int:
        """How many sessions follow, whatever the page's limit."""
        query = queries.counted(page)
        return int(self._rows(query, queries.asked(page))[0][0])

    def unassigned(self, limit: int = -1) -> list[SessionRow]:
        """Treatments of nobody, the earliest start first; -1: all."""
        return self._made(SessionRow, queries.UNASSIGNED, {"limit": limit})

    def count_unassigned(self) -> int:
        """How many treatments are nobody's."""
        return int(self._rows(queries.COUNT_UNASSIGNED)[0][0])

    def last_treatment(self, pseudonym: str) -> SessionRow | None:
        """What this patient had last, whatever its end; None: nothing yet."""
        rows = self._made(SessionRow, queries.LAST_TREATMENT, {"pseudonym": pseudonym})
        return rows[0] if rows else None

    def touched(
        self,
        head: str,
        devices: Collection[str],
        since_ns: int,
        *,
        before_seq: int | None = None,
        limit: int = -1,
    ) -> list[SessionRow]:
        """Sessions that may have been given with a head, the latest start first.

        Those in which the wire named it, and those on these devices in which it named
        none; that ended then or later, or not yet. `before_seq`: told of before this
        entry; `limit` -1: all.
        """
        asked: dict[str, Any] = {"head": head, "since": since_ns, "limit": limit}
        asked["before"] = before_seq
        asked["devices"] = msgspec.json.encode(sorted(devices)).decode()
        return self._made(SessionRow, queries.TOUCHED, asked)

    def uses(self, device: str | None = None) -> list[UseRow]:
        """What each device, or this one, did over all, sessions that left too."""
        found = self._made(UseRow, queries.USES, {"device": device})
        rows = {it.device: it for it in found}
        for name, left in retired.uses(self._open).items():
            if device in (None, name):
                rows[name] = rows.get(name, UseRow.none(name)).with_more(*left)
        return [rows[name] for name in sorted(rows)]

    def timer_errors(self, device: str, limit: int) -> list[float]:
        """Of a device's last sessions that tell one, in percent, the latest last."""
        asked = {"device": device, "limit": limit}
        return [float(it[0]) for it in self._rows(queries.TIMER_ERRORS, asked)][::-1]

    def readings(self, session_id: str) -> int:
        """How many readings of a session the journal holds, counted one by one."""
        return int(self._rows(queries.READINGS, {"subject": session_id})[0][0])

    def open_sessions(self) -> list[SessionRow]:
        """All that nothing has ended, in order of their start."""
        return self._made(SessionRow, queries.OPEN)

    def heads(self, session_id: str | None = None) -> list[HeadRow]:
        """Heads that the wire named, by session; of one session or of all."""
        query = "SELECT session_id, serial, id FROM heads"
        if session_id is None:
            return self._made(HeadRow, query)
        return self._made(HeadRow, query + " WHERE session_id = ?", (session_id,))

    def head_names(self) -> list[str]:
        """Every head that the wire ever named: its serial number, else its id."""
        return [str(it[0]) for it in self._rows(queries.HEAD_NAMES)]

    def standing(self, session_id: str) -> Entry | None:
        """The entry that says whose this session is now."""
        return self._entry(queries.STANDING, session_id)

    def ahead(self, device: str | None = None) -> list[Entry]:
        """Bindings ahead that nothing has come of yet, oldest first."""
        return self._entries(queries.AHEAD, {"device": device})

    def devices(self) -> list[DeviceRow]:
        """What each device last said of itself."""
        query = "SELECT device, line, text, identity, seq FROM devices ORDER BY device"
        return self._made(DeviceRow, query)

    def anchor(self, boot_id: str) -> int | None:
        """The last anchor of this boot: UTC minus boot time, in ns."""
        rows = self._rows("SELECT offset_ns FROM anchors WHERE boot_id = ?", (boot_id,))
        return int(rows[0][0]) if rows else None

    def last_trusted_ns(self) -> int | None:
        """The time of the newest reading that was stamped by a trusted clock."""
        rows = self._rows("SELECT value FROM marks WHERE name = 'trusted_ns'")
        return int(rows[0][0]) if rows else None

    def runs(self) -> list[RunRow]:
        """All runs of the recorder, in order."""
        query = (
            "SELECT run_id, boot_id, version, started_ns, stopped_ns, seq"
            " FROM runs ORDER BY seq"
        )
        return self._made(RunRow, query)

    def alarms(self, *, open_only: bool = False) -> list[AlarmRow]:
        """Alarms in the order in which they were raised."""
        query = (
            "SELECT seq, name, device, raised_ns, cleared_ns, text, remedy, times"
            " FROM alarms WHERE NOT ? OR cleared_ns IS NULL ORDER BY seq"
        )
        return self._made(AlarmRow, query, (open_only,))

    def meta(self) -> Meta:
        """What this journal is: installation, site, simulated or real."""
        return schema.read_meta(*self._rows("SELECT body, crc FROM meta")[0])

    def head(self) -> tuple[int, bytes] | None:
        """The newest record of the audit chain and its mac."""
        return chain.last(self._open)

    def secret(self, table: Table, subject: str) -> bytes | None:
        """A subject's wrapped key or sealed identity; None where there is none."""
        return keys.get(self._open, table, subject)

    def users(self) -> list[tuple[str, bytes]]:
        """All users of the console by name, sealed; there are few."""
        return self._rows("SELECT subject, value FROM user_secrets ORDER BY subject")

    def identities(self, after: str = "", limit: int = 1000) -> list[tuple[str, bytes]]:
        """The next pseudonyms in their order, and who they are, sealed."""
        sql = "SELECT subject, value FROM identities WHERE subject > ?"
        return self._rows(sql + " ORDER BY subject LIMIT ?", (after, limit))

    def is_retired(self, seq: int) -> bool:
        """Whether the entry of this number left the journal by age."""
        return retired.is_gone(self._open, seq)

    def departed(self, pseudonym: str | None = None) -> Departed:
        """Whole sessions that left by age: of this patient, or of all."""
        return retired.departed(self._open, pseudonym)

    # --- Delivery -----------------------------------------------------------------

    def sinks(self) -> list[str]:
        """All that ever took something, and were not retired since."""
        return delivery.sinks(self._open)

    def position(self, sink: str) -> Position:
        """How far a sink has come."""
        return delivery.position(self._open, sink)

    def rejected(self, sink: str) -> int:
        """How many entries a sink set aside for good."""
        return delivery.rejected(self._open, sink)

    def rejects(self, sink: str, limit: int = 100) -> list[Reject]:
        """Entries that a sink set aside, the newest first."""
        return delivery.rejects(self._open, sink, limit)

    def waiting(self, sink: str, limit: int = 1000, *, after: int = 0) -> list[int]:
        """Entries that wait until their time is known, oldest first."""
        return delivery.waiting(self._open, sink, limit, after)

    def set_aside(self, sink: str, first: int, last: int) -> set[int]:
        """Entries of this range, both ends included, that the sink never takes."""
        return delivery.set_aside(self._open, sink, first, last)
