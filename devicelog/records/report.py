"""What a month was worth: of all sessions that began in it, what became of them.

A session is complete, or has gaps that are marked, or has lost readings: then the
journal holds fewer than its end says. Share that is accounted for: the first two of
all that are over. What was lost while no recorder ran is not known: how much of the
opening hours that was is told beside it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from devicelog.clock import SECOND
from devicelog.errors import DevicelogError
from devicelog.journal.queries import Page
from devicelog.journal.reader import AlarmRow, Reader, RunRow, SessionRow
from devicelog.journal.retired import Departed
from devicelog.model.states import EndReason, Flag
from devicelog.records import calibration, receipts, register

AIM_PCT: Final = 99.9
_PAGE: Final = 1000
_HOUR_S: Final = 3600
_DECEMBER: Final = 12
_MARKED: Final[frozenset[Flag]] = frozenset({"gap", "start_unseen", "end_estimated"})
_CUT: Final[frozenset[EndReason]] = frozenset({"link_lost", "logger_stopped"})
NO_RECEIPT: Final = "none"
Span = tuple[int, int]


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions by what became of them. `coverage_pct`: by their length.

    `accounted_pct`: None where none is over.
    """

    sessions: int = 0
    open: int = 0
    complete: int = 0
    with_gaps: int = 0
    lost: int = 0
    accounted_pct: float | None = None
    coverage_pct: float | None = None
    emission_h: float = 0.0
    faults: int = 0


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """Of the opening hours up to now, since the first run: in how many nobody looked.

    `covered_pct`: the share in which a recorder ran; None where none were yet.
    """

    open_h: float
    down_h: float
    covered_pct: float | None


class DeviceMonth(msgspec.Struct, frozen=True, kw_only=True):
    """One device's share of it."""

    name: str
    label: str
    counted: Counted


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """See the module. `treatments`: sessions of that purpose; `unassigned`: of nobody.

    `receipts`: sessions by the state of their latest one, `none`: without.
    `overdue`: checks, as it stands at `made_ns`. `entries_lost`: numbers that damage
    took from the journal, ever: whether sessions went with them is not known.
    `departed`: whole sessions that left by age, of any month; none if all are of
    earlier ones. They are counted nowhere here.
    """

    site: str
    simulated: bool
    month: str
    from_ns: int
    to_ns: int
    made_ns: int
    counted: Counted
    looked: Looked
    lost_sessions: tuple[str, ...]
    treatments: int
    unassigned: int
    patients: int
    receipts: dict[str, int]
    entries_lost: int
    departed: Departed
    overdue: tuple[calibration.Due, ...]
    alarms: tuple[AlarmRow, ...]
    devices: tuple[DeviceMonth, ...]

    @property
    def holds(self) -> bool:
        """Whether the aim is met: of what was recorded, and of the hours."""
        shares = (self.counted.accounted_pct, self.looked.covered_pct)
        return all(share is None or share >= AIM_PCT for share in shares)


def span(month: str, zone: ZoneInfo) -> tuple[int, int]:
    """Begin and end (left out) of `2026-11` in the clinic's time.

    Raises DevicelogError.
    """
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=zone)
    except ValueError:
        raise DevicelogError(f'"{month}" is no month', hint="as in 2026-11") from None
    year, after = divmod(first.year * _DECEMBER + first.month, _DECEMBER)
    last = first.replace(year=year, month=after + 1)
    return (round(first.timestamp()) * SECOND, round(last.timestamp()) * SECOND)


def report(
    journal: Reader,
    month: str,
    zone: ZoneInfo,
    now_ns: int,
    labels: Mapping[str, str] = {},
    *,
    opening: Sequence[Span] = (),
    running: bool = False,
) -> Report:
    """Of this month, as the journal knows it now.

    `labels`: what the configuration calls devices; the register stands before it.
    `opening`: when the clinic was open in it, without: always. `running`: a recorder
    runs now.
    """
    from_ns, to_ns = span(month, zone)
    rows = list(_began(journal, from_ns, to_ns))
    lost = {row.session_id for row in rows if _lost(row, journal)}
    treated = [row for row in rows if row.purpose == "treatment"]
    meta = journal.meta()
    called = {**labels, **register.labels(journal, now_ns)}
    devices = {it.device for it in rows} | {it.device for it in journal.devices()}
    return Report(
        site=meta.site,
        simulated=meta.simulated,
        month=month,
        from_ns=from_ns,
        to_ns=to_ns,
        made_ns=now_ns,
        counted=_counted(rows, lost),
        looked=_looked(
            [*ran(journal, now_ns, running=running)],
            opening or [(from_ns, to_ns)],
            now_ns,
        ),
        lost_sessions=tuple(it.session_id for it in rows if it.session_id in lost),
        treatments=len(treated),
        unassigned=sum(not row.pseudonym for row in treated),
        patients=len({row.pseudonym for row in treated} - {""}),
        receipts=dict(Counter(_receipt(row, journal) for row in rows)),
        entries_lost=sum(last - first + 1 for first, last in meta.lost),
        departed=journal.departed().since(from_ns),
        overdue=tuple(it for it in calibration.due(journal, now_ns) if it.overdue),
        alarms=tuple(it for it in journal.alarms() if from_ns <= it.raised_ns < to_ns),
        devices=tuple(
            DeviceMonth(
                name=name,
                label=called.get(name, name),
                counted=_counted([it for it in rows if it.device == name], lost),
            )
            for name in sorted(devices)
        ),
    )


def ran(journal: Reader, now_ns: int, *, running: bool = False) -> Iterator[Span]:
    """From when to when a recorder ran, in order.

    Of a run that did not say its end, up to what it last journalled; of the last one,
    up to now if it is `running`.
    """
    runs = journal.runs()
    for n, run in enumerate(runs):
        stopped_ns = run.stopped_ns
        if stopped_ns is None:
            after = runs[n + 1] if n + 1 < len(runs) else None
            if after is None and running:
                stopped_ns = now_ns
            else:
                stopped_ns = _last_said(journal, run, after)
        yield (run.started_ns, max(run.started_ns, stopped_ns))


# --- Private ----------------------------------------------------------------------


def _last_said(journal: Reader, run: RunRow, after: RunRow | None) -> int:
    """When this run journalled its last entry; what the next one did is not its own."""
    seq = journal.last_seq() if after is None else after.seq - 1
    while seq > run.seq:
        entry = journal.entry(seq)
        if entry and (after is None or entry.key.partition("/")[0] != after.run_id):
            return entry.at_ns
        seq -= 1
    return run.started_ns


def _looked(runs: Sequence[Span], opening: Iterable[Span], now_ns: int) -> Looked:
    begun_ns = runs[0][0] if runs else now_ns
    opened = [(max(a, begun_ns), min(b, now_ns)) for a, b in opening]
    opened = [(a, b) for a, b in opened if a < b]
    open_ns = sum(b - a for a, b in opened)
    ran_ns = sum(
        max(0, min(b, stopped) - max(a, started))
        for a, b in opened
        for started, stopped in runs
    )
    return Looked(
        open_h=round(open_ns / SECOND / _HOUR_S, 3),
        down_h=round((open_ns - ran_ns) / SECOND / _HOUR_S, 3),
        covered_pct=round(100 * ran_ns / open_ns, 3) if open_ns else None,
    )


def _began(journal: Reader, from_ns: int, to_ns: int) -> Iterator[SessionRow]:
    page = Page(from_ns=from_ns, to_ns=to_ns, limit=_PAGE)
    while rows := journal.in_order(page):
        yield from rows
        last = rows[-1]
        page = msgspec.structs.replace(
            page, after_ns=last.started_ns, after_id=last.session_id
        )


def _lost(row: SessionRow, journal: Reader) -> bool:
    """Whether readings are missing that its end counts and no retirement took."""
    if row.open:
        return False
    return journal.readings(row.session_id) + row.retired < row.readings


def _marked(row: SessionRow) -> bool:
    return bool(_MARKED & {*row.flags}) or row.reason in _CUT


def _receipt(row: SessionRow, journal: Reader) -> str:
    receipt = receipts.last(row.session_id, journal)
    return receipt.state if receipt else NO_RECEIPT


def _counted(rows: Iterable[SessionRow], lost: set[str]) -> Counted:
    rows = list(rows)
    over = [row for row in rows if not row.open]
    whole = [row for row in over if row.session_id not in lost]
    gaps = sum(map(_marked, whole))
    emission_s = sum(row.totals.get("emission_s", 0.0) for row in rows)
    return Counted(
        sessions=len(rows),
        open=len(rows) - len(over),
        complete=len(whole) - gaps,
        with_gaps=gaps,
        lost=len(over) - len(whole),
        accounted_pct=round(100 * len(whole) / len(over), 3) if over else None,
        coverage_pct=_coverage_pct(over),
        emission_h=round(emission_s / _HOUR_S, 3),
        faults=sum(row.reason == "fault" for row in over),
    )


def _coverage_pct(rows: Iterable[SessionRow]) -> float | None:
    """Of sessions that know theirs, each by its length."""
    parts = [
        (row.ended_ns - row.started_ns, float(row.totals["coverage_pct"]))
        for row in rows
        if row.ended_ns is not None and "coverage_pct" in row.totals
    ]
    whole = sum(ns for ns, _ in parts)
    return round(sum(ns * pct for ns, pct in parts) / whole, 3) if whole else None
