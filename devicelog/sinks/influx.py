"""The store: entries as rows of an InfluxDB, written again until it has taken them.

Everything is validated before it is sent. A row that the store refuses is found by
halving, set aside with the reason, and the rest goes on. Simulated and real rows refuse
each other both ways, by a marker in the bucket.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from devicelog.clock import SECOND, Clock
from devicelog.errors import SinkRejected, SinkUnavailable
from devicelog.journal.reader import Reader
from devicelog.model.fields import Value
from devicelog.model.flow import Entry
from devicelog.model.states import Modality
from devicelog.sinks import readback
from devicelog.sinks.base import Answer, Rejected, Said
from devicelog.sinks.influx_audit import Audit
from devicelog.sinks.influx_rows import Rows, minute
from devicelog.sinks.influx_server import Server
from devicelog.sinks.influx_sessions import Derive, Nothing
from devicelog.sinks.influx_writing import Line, Writing
from devicelog.sinks.lines import Printer, Row, line
from devicelog.sinks.settings import InfluxSettings

_log = logging.getLogger(__name__)

_MINUTE_NS: Final = 60 * SECOND
_PING_NS: Final = 10 * SECOND  # a half-open connection is noticed
_AGAIN_S: Final = 60.0

# What each device, and `-`, is to be told of once a minute.
Health = Callable[[], Mapping[str, Mapping[str, Value | None]]]


class InfluxSink:
    """See `sinks.base.Sink` and `sinks.proof.Store`.

    `modalities`: of the configured channels, by device and channel. `health`: asked
    once a minute; what it tells is not journalled and never sent again. `derive`: what
    stands beside each session, as it is when it is sent.
    """

    name = "influx"

    def __init__(
        self,
        settings: InfluxSettings,
        clock: Clock,
        *,
        site: str,
        simulated: bool,
        timezone: str = "UTC",
        modalities: Mapping[tuple[str, str], Modality] | None = None,
        health: Health = dict,
        derive: Derive = Nothing,
    ) -> None:
        self.server = Server(settings, simulated=simulated)
        self._settings = settings
        self._about = (site, timezone, modalities or {}, derive)
        self._rows = Rows(*self._about)
        self._clock = clock
        self._site = site
        self._simulated = simulated
        self._health = health
        self._writing = Writing(self.server, clock)
        self._printer = Printer()
        self._health_due = self._ping_due = 0

    # --- The contract -------------------------------------------------------------

    def connect(self) -> None:
        """See `Sink`."""
        self.server.open()
        self._mixed()

    def present(self, view: Reader) -> None:
        """See `Sink`. Rows are written with the entries that concern them; see `send`.

        What the bucket is for is written here.
        """
        meta = view.meta()
        fields: dict[str, Value] = {
            "simulated": self._simulated,
            "installation": meta.installation,
        }
        row = Row("devicelog_marker", (self._site,), meta.created_at_ns, fields)
        self._writing.begin(line(row))

    def send(
        self, entries: Sequence[Entry], *, historical: bool, view: Reader
    ) -> Sequence[Answer]:
        """See `Sink`."""
        del historical  # a row is a row, whenever it comes
        lines, answers = self._printed(entries, view)
        if self._writing.write(self._minute() + lines, answers):
            taken = [
                (n, row)
                for n, rows in enumerate(self._rows.batch(entries, view))
                if isinstance(rows, list) and answers[n] is Said.TAKEN
                for row in rows
            ]
            self._confirm(taken, answers)
        return answers

    def tend(self, view: Reader) -> None:  # noqa: ARG002  (the contract's)
        """See `Sink`."""
        lines = self._minute()
        now_ns = self._clock.mono_ns()
        if lines:
            self._writing.write(lines, [])
        elif now_ns >= self._ping_due:
            self.server.ask(["SHOW MEASUREMENTS LIMIT 1"])
            self._ping_due = now_ns + _PING_NS

    def close(self) -> None:
        """See `Sink`."""
        self.server.close()

    def audit(self) -> Audit:
        """A reader of the same store, for another thread."""
        server = Server(self._settings, simulated=self._simulated)
        return Audit(server, Rows(*self._about))

    # --- Reading back -------------------------------------------------------------

    def started(self) -> str:
        """When the server began its present life; empty if it does not say."""
        return self.server.started()

    def lacking(self, entries: Sequence[Entry], view: Reader) -> list[Entry]:
        """Those whose rows are not in the store as they stand."""
        made = [*self._rows.batch(entries, view)]
        every = [row for rows in made if isinstance(rows, list) for row in rows]
        found = readback.find(self.server.ask, every)
        return [
            entry
            for entry, rows in zip(entries, made, strict=True)
            if isinstance(rows, list)
            and any(readback.difference(row, found.get(row.key)) for row in rows)
        ]

    # --- Private ------------------------------------------------------------------

    def _confirm(self, taken: Sequence[tuple[int, Row]], answers: list[Answer]) -> None:
        """After a refusal its counts cannot be trusted: look, and write once more."""
        lost = self._absent(taken)
        if not lost:
            return
        self._writing.write([Line(line(row), n) for n, row in lost], answers)
        for n, row in self._absent(lost):
            if answers[n] is Said.TAKEN:
                answers[n] = Rejected(f"acknowledged, yet {row.measurement} is missing")

    def _absent(self, rows: Sequence[tuple[int, Row]]) -> list[tuple[int, Row]]:
        found = readback.find(self.server.ask, [row for _, row in rows])
        return [it for it in rows if readback.difference(it[1], found.get(it[1].key))]

    def _minute(self) -> list[Line]:
        """How everything stands, once a minute."""
        now_ns = self._clock.mono_ns()
        if now_ns < self._health_due:
            return []
        self._health_due = now_ns + _MINUTE_NS
        at_ns = self._clock.wall_ns()
        lines = []
        for device, fields in self._health().items():
            try:
                text = line(minute(self._site, device, at_ns, fields))
            except SinkRejected as error:
                _log.warning("health of %s is not stored: %s", device, error)
            else:
                lines.append(Line(text, -1))
        return lines

    def _mixed(self) -> None:
        """Raise SinkUnavailable if the bucket belongs to the other kind."""
        ours = "true" if self._simulated else "false"
        query = (
            "SELECT * FROM devicelog_marker"  # noqa: S608  (no word from outside)
            f" WHERE simulated != {ours} LIMIT 1"
        )
        if any(series.values for series in self.server.ask([query])[0]):
            there = "real" if self._simulated else "simulated"
            here = "simulated" if self._simulated else "real"
            raise SinkUnavailable(
                f"bucket {self.server.bucket} holds {there} data; this site is {here}",
                hint="give each kind a bucket of its own",
                retry_after_s=_AGAIN_S,
            )

    def _printed(
        self, entries: Sequence[Entry], view: Reader
    ) -> tuple[list[Line], list[Answer]]:
        """The lines of each entry, or why it has none."""
        lines: list[Line] = []
        answers: list[Answer] = [Said.TAKEN] * len(entries)
        printed = self._printer.line
        for n, rows in enumerate(self._rows.batch(entries, view)):
            if rows is None:
                answers[n] = Said.WAIT
            elif isinstance(rows, SinkRejected):
                answers[n] = Rejected(rows.message)
            else:
                try:
                    lines += [Line(printed(row), n) for row in rows]
                except SinkRejected as error:
                    answers[n] = Rejected(error.message)
        return lines, answers
