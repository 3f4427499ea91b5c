"""Entries of the journal as rows of the store.

What can be overwritten (a session's row, an event that lasts) is made from the journal
as it stands, never from the body of the entry that tells of it. The same journal gives
the same rows, so that sending again and comparing work.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from devicelog.errors import SinkRejected
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.fields import FIELDS, Value, publishable
from devicelog.model.flow import Entry
from devicelog.model.kinds import AlarmBody, DeviceBody, GapBody
from devicelog.model.states import Modality
from devicelog.sinks.influx_sessions import (
    Derive,
    Derived,
    Nothing,
    Told,
    session_rows,
)
from devicelog.sinks.influx_times import Placed, Times
from devicelog.sinks.lines import Row

_MS: Final = 1_000_000
_KNOWN: Final = 64  # sessions whose start is remembered
_TRUSTED: Final = Placed(0)
_DERIVED_FROM: Final = frozenset({"calibration", "register"})
_UNTRUSTED: Final = b'"clock_ok":false'


# The rows of an entry, or why it has none; None: its time is not known yet.
Made = list[Row] | SinkRejected | None


class _Start(msgspec.Struct, frozen=True):
    """When a session began. Its `mono_ns` compares up to the entry `until` (0: on)."""

    at_ns: int | None
    mono_ns: int
    seq: int
    until: int


class _Batch:
    """What is made once for all entries of a batch."""

    def __init__(self, derive: Derive, view: Reader) -> None:
        self.view = view
        self.told: dict[str, Told | None] = {}
        self._derive = derive
        self._named: set[str] = set()

    @cached_property
    def derived(self) -> Derived:
        """As the journal stands; most batches ask for nothing of it."""
        return self._derive(self.view)

    def once(self, name: str, it: Told) -> list[Row]:
        """The session's own row, unless it stands in this batch already."""
        if name in self._named or it.session is None:
            return []
        self._named.add(name)
        return [it.session]


class Rows:
    """Makes rows for one site. `modalities`: of the channels that are configured.

    `derive`: what stands beside a session, by the journal as it is read.
    """

    def __init__(
        self,
        site: str,
        timezone: str,
        modalities: Mapping[tuple[str, str], Modality],
        derive: Derive = Nothing,
    ) -> None:
        self._derive = derive
        self._site = site
        self._zone = ZoneInfo(timezone)
        self._modalities = modalities
        self._tags: dict[tuple[str, str], tuple[str, ...]] = {
            it: (site, *it, modalities[it]) for it in modalities
        }
        self._times = Times()
        self._starts: dict[str, _Start | None] = {}
        self._makers: dict[str, Callable[[Entry, Placed, Reader], list[Row]]] = {
            "gap": self._gap,
            "alarm": self._alarm,
            "device": self._health,
        }

    def batch(self, entries: Sequence[Entry], view: Reader) -> Iterator[Made]:
        """The rows of each entry, made as they are asked for.

        A session's own row stands once, with the first entry that concerns it.
        """
        batch = _Batch(self._derive, view)
        for entry in entries:
            try:
                if entry.kind == "reading":
                    yield self._reading(entry, view)
                else:
                    yield self._rows(entry, batch)
            except SinkRejected as error:
                yield error
            except Exception as error:  # noqa: BLE001 - one entry must not stop all
                yield SinkRejected(f"cannot be made a row: {error!r}")

    def session(
        self, session_id: str, view: Reader, derived: Derived | None = None
    ) -> Told | None:
        """All rows that tell of one session, its readings apart. None: as above."""
        return session_rows(
            session_id,
            view,
            place=self._place,
            where=lambda row, values: (
                *(self._site, row.device, row.channel),
                self._modality(row.device, row.channel, values),
            ),
            zone=self._zone,
            derived=derived or self._derive(view),
        )

    # --- Private ------------------------------------------------------------------

    def _rows(self, entry: Entry, batch: _Batch) -> list[Row] | None:
        rows: list[Row] = []
        make = self._makers.get(entry.kind)
        if make is not None:
            placed = self._place(entry, batch.view)
            if placed is None:
                return None
            rows = make(entry, placed, batch.view)
        if entry.kind in _DERIVED_FROM:
            for name in batch.derived.touched(entry):
                it = self._told(name, batch)
                rows += batch.once(name, it) if it else []
        if not entry.subject:
            return rows
        it = self._told(entry.subject, batch)
        if it is None:
            return None
        return [
            *rows,
            *it.events.get(entry.seq, []),
            *batch.once(entry.subject, it),
        ]

    def _told(self, name: str, batch: _Batch) -> Told | None:
        if name not in batch.told:
            batch.told[name] = self.session(name, batch.view, batch.derived)
        return batch.told[name]

    def _place(self, entry: Entry, view: Reader) -> Placed | None:
        if _UNTRUSTED not in entry.body:
            return _TRUSTED
        return self._times.place(entry, view)

    def _modality(self, device: str, channel: str, values: Mapping[str, Any]) -> str:
        known = self._modalities.get((device, channel))
        if known is not None:
            return known
        for name in values:
            field = FIELDS.get(name)
            if field is not None and field.modality != "any":
                return field.modality
        return ""

    def _reading(self, entry: Entry, view: Reader) -> list[Row] | None:
        body = codec.gist(entry.body)
        placed = _TRUSTED if body.clock_ok else self._times.place(entry, view)
        if placed is None:
            return None
        values = publishable(body.values)
        where = (entry.device, entry.channel)
        tags = self._tags.get(where)
        if tags is None:
            tags = (self._site, *where, self._modality(*where, values))
        at_ns = entry.at_ns + placed.shift_ns
        values["state"] = body.state
        if entry.subject:
            values["session_id"] = entry.subject
            elapsed_ns = self._elapsed_ns(entry, body.mono_ns, at_ns, view)
            if elapsed_ns is not None:
                values["elapsed_ms"] = round(elapsed_ns / _MS)
        values["seq"] = entry.seq
        if body.flags or placed.estimated:
            late = ("time_estimated",) if placed.estimated else ()
            values["flags"] = " ".join((*body.flags, *late))
        return [Row("therapy_reading", tags, at_ns, values)]

    def _elapsed_ns(
        self, entry: Entry, mono_ns: int, at_ns: int, view: Reader
    ) -> int | None:
        """Since the start of its session; across a restart of the machine by dates."""
        start = self._starts.get(entry.subject)
        if start is None:
            start = self._start(entry.subject, view)
            if start is None:
                return None
        if not start.until or entry.seq < start.until:
            return max(0, mono_ns - start.mono_ns)
        return None if start.at_ns is None else max(0, at_ns - start.at_ns)

    def _start(self, session_id: str, view: Reader) -> _Start | None:
        found = view.entries(subject=session_id, kind="session", limit=1)
        if not found:
            return None
        event = codec.session_event(found[0].body)
        placed = self._place(found[0], view)
        start = _Start(
            at_ns=None if placed is None else found[0].at_ns + placed.shift_ns,
            mono_ns=event.mono_ns,
            seq=found[0].seq,
            until=self._times.boot_ends(found[0].seq, view),
        )
        if len(self._starts) >= _KNOWN:
            self._starts.clear()
        if placed is not None:
            self._starts[session_id] = start
        return start

    def _gap(self, entry: Entry, placed: Placed, _: Reader) -> list[Row]:
        body: GapBody = codec.decode("gap", entry.body)
        shift_ns = placed.shift_ns
        at_ns = entry.at_ns + shift_ns
        # Across a restart the last reading was stamped by another anchor.
        began_ns = body.began_ns + (0 if body.cause == "restart" else shift_ns)
        fields: dict[str, Value] = {
            "text": body.cause,
            "ended_at": at_ns // _MS,
            "seq": entry.seq,
        }
        tags = (self._site, entry.device, entry.channel, "gap")
        rows = [Row("therapy_event", tags, began_ns, fields)]
        seconds = body.seconds
        if seconds is not None:
            lasted: dict[str, Value] = {"gap_s": float(seconds)}
            where = (self._site, entry.device)
            rows.append(Row("devicelog_health", where, at_ns, lasted))
        return rows

    def _alarm(self, entry: Entry, placed: Placed, _: Reader) -> list[Row]:
        body: AlarmBody = codec.decode("alarm", entry.body)
        kind = "alarm_cleared" if body.cleared else "alarm"
        tags = (self._site, entry.device, entry.channel, kind)
        fields: dict[str, Value] = {"text": body.text, "seq": entry.seq}
        return [Row("therapy_event", tags, entry.at_ns + placed.shift_ns, fields)]

    def _health(self, entry: Entry, placed: Placed, _: Reader) -> list[Row]:
        body: DeviceBody = codec.decode("device", entry.body)
        fields: dict[str, Value] = {"clock_ok": body.clock_ok}
        if body.line is not None:
            fields["line_state"] = body.line
        if body.counts is not None:
            for name in ("noise_bytes", "frames", "readings", "kept"):
                fields[name] = getattr(body.counts, name)
        where = (self._site, entry.device)
        at_ns = entry.at_ns + placed.shift_ns
        return [Row("devicelog_health", where, at_ns, fields)]


def minute(
    site: str, device: str, at_ns: int, fields: Mapping[str, Value | None]
) -> Row:
    """How a device (`-`: the recorder) stands at this minute; None is left out."""
    known = {name: it for name, it in fields.items() if it is not None}
    return Row("devicelog_health", (site, device), at_ns, known)
