"""A history from the store, as InfluxDB holds it: sessions and their readings.

What the store never has is said in the heading (`absent`), and its columns are left
out. Ends of sessions are known there to the millisecond.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import msgspec

from devicelog.clock import SECOND
from devicelog.errors import DevicelogError
from devicelog.export.history import History, Manual, Sample, Treatment
from devicelog.export.text import offset_min
from devicelog.model.fields import FIELDS
from devicelog.model.flow import SessionEvent
from devicelog.model.kinds import ReceiptBody
from devicelog.model.states import Flag
from devicelog.records.audit import Row
from devicelog.sinks.lines import tag
from devicelog.sinks.readback import Ask

ABSENT: Final = (
    "what people added: annotations, notes, treatments without a device",
    "what follows from the register and from output checks: heads, corrected doses",
    "what devices say of themselves, names of programmes, and the bytes of the wire",
)
_PAGE: Final = 1000
_MS: Final = 1_000_000
_LAST_NS: Final = 9_223_372_036_854_775_806
_MARGIN_NS: Final = 3600 * SECOND  # around a session; its readings are named by it


class Stored:
    """A `history.Source` of one site. `ask` answers InfluxQL; raises SinkUnavailable.

    Names stand in queries only where `tag` lets them.
    """

    def __init__(self, ask: Ask, history: History) -> None:
        self.history = msgspec.structs.replace(
            history, source="influx", absent=(*history.absent, *ABSENT)
        )
        self._ask = ask
        self._zone = ZoneInfo(history.timezone)

    def count(self) -> int:
        """See `Source`."""
        where, first_ns, last_ns = self._wanted()
        query = _query('count("session_id")', "session", where, first_ns, last_ns)
        for series in self._ask([query])[0]:
            return sum(int(values[1]) for values in series.values)
        return 0

    def treatments(self) -> Iterator[Treatment]:
        """See `Source`."""
        for cells in self._rows("session", *self._wanted()):
            yield self._treatment(cells)

    def manual(self) -> Iterator[Manual]:
        """See `Source`: none are there."""
        return iter(())

    def readings(self, of: Treatment) -> Iterator[Sample]:
        """See `Source`."""
        where = {"device": of.device, "channel": of.channel}
        where |= {"session_id": of.session_id}
        first_ns = of.started_ns - _MARGIN_NS
        last_ns = _LAST_NS if of.ended_ns is None else of.ended_ns + _MARGIN_NS
        for cells in self._rows("reading", where, first_ns, last_ns):
            yield _sample(cells)

    def events(self, of: Treatment) -> list[SessionEvent]:
        """See `Source`: they are there as words alone, so none are told."""
        del of
        return []

    def audit(self) -> Iterator[Row]:
        """See `Source`: none are there."""
        return iter(())

    # --- Private ------------------------------------------------------------------

    def _wanted(self) -> tuple[dict[str, str], int, int]:
        wanted = self.history.wanted
        where = {} if wanted.pseudonym is None else {"pseudonym": wanted.pseudonym}
        first_ns = 0 if wanted.from_ns is None else wanted.from_ns
        last_ns = _LAST_NS if wanted.to_ns is None else wanted.to_ns - 1
        return where, first_ns, last_ns

    def _rows(
        self, what: str, where: Mapping[str, str], first_ns: int, last_ns: int
    ) -> Iterator[dict[str, Any]]:
        """All points in order of their time, a page at a time."""
        named = {"site": self.history.site, **where}
        told: set[tuple[Any, ...]] = set()  # at the very time where a page ended
        while True:
            query = _query("*", what, named, first_ns, last_ns)
            series = next(iter(self._ask([f"{query} LIMIT {_PAGE}"])[0]), None)
            if series is None:
                return
            page = [dict(zip(series.columns, it, strict=True)) for it in series.values]
            fresh = [it for it in page if _key(it) not in told]
            yield from fresh
            latest = int(page[-1]["time"])
            if len(page) < _PAGE:
                return
            if not fresh:
                raise DevicelogError(
                    f"the store has more than {_PAGE} rows at {latest} ns",
                    hint="take the journal as the source",
                )
            told = {_key(it) for it in page if int(it["time"]) == latest}
            first_ns = latest

    def _treatment(self, cells: dict[str, Any]) -> Treatment:
        get = cells.get
        started_ns, ended_ms = int(cells["time"]), get("ended_at")
        ended_ns = None if ended_ms is None else int(ended_ms) * _MS
        return Treatment(
            session_id=get("session_id") or "",
            device=cells["device"],
            channel=cells["channel"],
            started_ns=started_ns,
            ended_ns=ended_ns,
            open=ended_ns is None,
            reason=get("end_reason") or None,
            flags=cast("tuple[Flag, ...]", tuple((get("flags") or "").split())),
            treatment_id=get("treatment_id") or "",
            settings=_of_kind("setting", cells),
            totals=_of_kind("total", cells),
            readings=get("receipt_kept") or 0,
            readings_sha256="",
            first_seq=0,
            last_seq=0,
            pseudonym=get("pseudonym") or "",
            purpose=get("purpose") or "treatment",
            modality=_tag(cells, "modality"),
            start_offset_min=self._offset(started_ns),
            end_offset_min=None if ended_ns is None else self._offset(ended_ns),
            receipt=_receipt(cells),
        )

    def _offset(self, at_ns: int) -> int:
        return offset_min(at_ns, self._zone)


def _query(
    what: str, of: str, where: Mapping[str, str], first_ns: int, last_ns: int
) -> str:
    words = " AND ".join(f"\"{name}\" = '{tag(it)}'" for name, it in where.items())
    return (
        f'SELECT {what} FROM "therapy_{of}" WHERE'  # noqa: S608  (words that `tag` let)
        f" {words + ' AND ' if words else ''}"
        f"time >= {int(first_ns)} AND time <= {int(last_ns)}"
    )


def _key(cells: dict[str, Any]) -> tuple[Any, ...]:
    return (cells["time"], cells["device"], cells["channel"], cells.get("modality"))


def _tag(cells: dict[str, Any], name: str) -> Any:
    """A tag's value; what has none carries `-`."""
    return "" if cells.get(name) in (None, "-") else cells[name]


def _of_kind(kind: str, cells: dict[str, Any]) -> dict[str, Any]:
    return {
        name: it
        for name, it in cells.items()
        if it is not None and name in FIELDS and FIELDS[name].kind == kind
    }


def _receipt(cells: dict[str, Any]) -> ReceiptBody | None:
    state = cells.get("receipt_state")
    if not state:
        return None
    stations = ("decoded", "kept", "published", "stored")
    counts = {name: cells.get(f"receipt_{name}") for name in stations}
    return msgspec.convert(counts | {"state": state, "v": 1}, ReceiptBody)


def _sample(cells: dict[str, Any]) -> Sample:
    values = _of_kind("setting", cells) | _of_kind("measurement", cells)
    return Sample(
        seq=int(cells.get("seq") or 0),
        at_ns=int(cells["time"]),
        elapsed_ms=cells.get("elapsed_ms"),
        state=cells["state"],
        values=values,
        flags=tuple((cells.get("flags") or "").split()),
    )
