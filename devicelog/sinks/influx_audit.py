"""One session in the store against the journal: what is missing, altered or stray."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from devicelog.errors import DevicelogError, SinkRejected
from devicelog.journal.reader import Reader, SessionRow
from devicelog.model.flow import Entry
from devicelog.sinks import readback
from devicelog.sinks.influx_rows import Rows
from devicelog.sinks.influx_server import Refused, Server, TooLarge
from devicelog.sinks.lines import Row, line
from devicelog.sinks.readback import Fields, Key

_PAGE: Final = 1000
_WHERE: Final = ("site", "device", "channel")


class Difference(msgspec.Struct, frozen=True):
    """One row that is not as it should be. `row` is the journal's, None: it has none.

    `seq`: the entry that tells of it; 0: none does.
    """

    kind: str  # missing, altered or stray
    text: str
    row: Row | None = None
    seq: int = 0


class Findings(msgspec.Struct, frozen=True):
    """`readings`: how many stand in the store as they stand in the journal."""

    readings: int
    differences: tuple[Difference, ...] = ()

    def count(self, kind: str) -> int:
        """How many differ in this way."""
        return sum(it.kind == kind for it in self.differences)


class Audit:
    """Reads a store with a connection of its own, for one thread.

    All calls raise SinkUnavailable.
    """

    def __init__(self, server: Server, rows: Rows) -> None:
        self._server = server
        self._rows = rows

    def open(self) -> None:
        """Be ready."""
        self._server.open()

    def close(self) -> None:
        """Let go; never raises."""
        self._server.close()

    def examine(self, session: SessionRow, view: Reader) -> Findings:
        """Compare all rows of this session, both ways.

        Only where the journal has them all: of what was retired it cannot tell.
        """
        if session.retired:
            raise DevicelogError(
                f"readings of {session.session_id} were retired by age",
                hint="what the store holds of it is all that there is",
            )
        wanted = dict(self._wanted(session, view))
        if not wanted:
            return Findings(0)
        found = self._found(wanted)
        readings = 0
        differences = []
        for key, (row, seq) in wanted.items():
            there = found.pop(key, None)
            text = readback.difference(row, there)
            if text:
                kind = "missing" if there is None else "altered"
                differences.append(Difference(kind, f"{_name(key)} {text}", row, seq))
            elif there and (more := readback.surplus(row, there)):
                differences.append(Difference("stray", f"{_name(key)}: {more}"))
            elif row.measurement == "therapy_reading":
                readings += 1
        strays = (
            Difference("stray", f"{_name(key)} is not of the journal")
            for key, fields in found.items()
            if not self._ours(key, fields, view)
        )
        return Findings(readings, (*differences, *strays))

    def repair(self, differences: Sequence[Difference]) -> int:
        """Send what is missing or altered once more; the lowest seq sent, 0: none."""
        rows = [it for it in differences if it.row is not None]
        for n in range(0, len(rows), _PAGE):
            self._write([it.row for it in rows[n : n + _PAGE] if it.row is not None])
        return min((it.seq for it in rows if it.seq), default=0)

    # --- Private ------------------------------------------------------------------

    def _wanted(
        self, session: SessionRow, view: Reader
    ) -> Iterator[tuple[Key, tuple[Row, int]]]:
        """What should stand there, and by which entry."""
        told = self._rows.session(session.session_id, view)
        if told is not None:
            for seq, rows in told.events.items():
                yield from ((row.key, (row, seq)) for row in rows)
            if told.session is not None:
                yield told.session.key, (told.session, session.last_seq)
        after = 0
        while page := view.entries(
            after, subject=session.session_id, kind="reading", limit=_PAGE
        ):
            made = self._rows.batch(page, view)
            for entry, rows_of in zip(page, made, strict=True):
                if isinstance(rows_of, list):
                    yield from ((row.key, (row, entry.seq)) for row in rows_of)
            after = page[-1].seq

    def _found(self, wanted: dict[Key, tuple[Row, int]]) -> dict[Key, Fields]:
        """All that stands on this channel in the time of the session."""
        found: dict[Key, Fields] = {}
        for measurement in ("therapy_reading", "therapy_event", "therapy_session"):
            keys = [key for key in wanted if key[0] == measurement]
            if not keys:
                continue
            times = [at_ns for *_, at_ns in keys]
            tags = dict(zip(_WHERE, keys[0][1], strict=False))
            span = (min(times), max(times))
            found |= readback.between(self._server.ask, measurement, tags, *span)
        return found

    def _ours(self, key: Key, fields: Fields, view: Reader) -> bool:
        """Whether the journal knows such a row, of another session or of none."""
        seq = fields.get("seq")
        if isinstance(seq, int) and not isinstance(seq, bool):
            entry = view.entry(seq)
            if entry is None:
                return view.is_retired(seq)  # what it said is not known any more
            return self._makes(entry, key, fields, view)
        told = self._rows.session(str(fields.get("session_id", "")), view)
        return told is not None and told.session is not None and told.session.key == key

    def _makes(self, entry: Entry, key: Key, fields: Fields, view: Reader) -> bool:
        (rows,) = self._rows.batch([entry], view)
        return isinstance(rows, list) and any(
            row.key == key and not readback.difference(row, fields) for row in rows
        )

    def _write(self, rows: Sequence[Row]) -> None:
        """What the store refuses stays missing, and is told so by who looks again."""
        lines = []
        for row in rows:
            try:
                lines.append(line(row))
            except SinkRejected:
                continue
        try:
            self._server.write(lines)
        except (Refused, TooLarge):
            if len(rows) > 1:
                half = len(rows) // 2
                self._write(rows[:half])
                self._write(rows[half:])


def _name(key: Key) -> str:
    measurement, tags, at_ns = key
    return f"{measurement} {'/'.join(tags[1:])} at {at_ns} ns"
