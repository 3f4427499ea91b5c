"""Says by itself that a device recorded nothing where something was to be recorded.

An alarm `watch/DEVICE` where treatments are usual, with what its line says; cleared by
the next treatment. An alarm `line/DEVICE` where bytes arrive for a while of the opening
hours and none decode, be it used ever so seldom, for no device that is off does that;
cleared by the next reading. While it stands, the other is not raised. Both are cleared
when the register says that the device is out of service. The page, the log and the
broker show them as they show all alarms: raised once, cleared once.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from devicelog.clock import SECOND, Clock
from devicelog.errors import DevicelogError
from devicelog.journal.queries import Page
from devicelog.journal.reader import Reader
from devicelog.operations.config import Config
from devicelog.operations.opening import Opening, Span
from devicelog.operations.usual import WEEKS, Served, Usual, expected_ns, learn, missed
from devicelog.recorder.device import Device
from devicelog.records.register import Book, Standing

MISSED: Final = "watch/"
LINE: Final = "line/"
_EACH_NS: Final = 60 * SECOND
_DAY_NS: Final = 86_400 * SECOND
_UNHEARD_NS: Final = 900 * SECOND  # of opening hours
_GRACE_NS: Final = 3600 * SECOND  # a start may find a line that needs a hand yet
_ALL: Final = 100_000
_DAYS: Final = (
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)
_log = logging.getLogger(__name__)


class Alarms(Protocol):
    """What the watch asks of the journal's writer."""

    def alarm(self, name: str, text: str, remedy: str = "") -> None:
        """Tell something a person must know."""

    def clear(self, name: str, text: str) -> None:
        """It is over."""


class Watch:
    """Asked by `look` each second; looks once a minute, never raises.

    `trusted`: whether wall time may be believed now.
    """

    def __init__(
        self,
        config: Config,
        devices: Sequence[Device],
        alarms: Alarms,
        clock: Clock,
        trusted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._directory = config.journal.directory
        self._zone = ZoneInfo(config.site.timezone)
        self._opening = Opening(config.hours, self._zone)
        self._devices = {it.settings.name: it for it in devices}
        self._alarms = alarms
        self._clock = clock
        self._trusted = trusted
        self._next_ns = 0
        self._grace_ns = clock.mono_ns() + _GRACE_NS
        self._learnt: date | None = None
        self._usual: dict[str, Usual | None] = {}
        self._last: dict[str, int] = {}  # when each last treated
        self._mended: dict[str, int] = {}  # when the line was understood again
        self._raised: dict[str, int] = {}  # since when, by alarm
        self._asked = False  # the journal, for what was raised before

    def look(self) -> None:
        """Whatever is to be said now."""
        mono_ns = self._clock.mono_ns()
        if mono_ns < self._next_ns or not self._trusted():
            return
        self._next_ns = mono_ns + _EACH_NS
        now_ns = self._clock.wall_ns()
        try:
            with Reader(self._directory) as reader:
                book = Book(reader)
                self._see(reader, book, now_ns)
        except DevicelogError as error:
            _log.warning("usual use cannot be looked at: %s", error)
            return
        for name in self._devices:
            self._judge(name, book, now_ns)

    # --- Private ------------------------------------------------------------------

    def _see(self, reader: Reader, book: Book, now_ns: int) -> None:
        """What was recorded, and once a day what is usual."""
        if not self._asked:
            self._asked = True
            self._raised = {
                it.name: it.raised_ns
                for it in reader.alarms(open_only=True)
                if it.name.startswith((MISSED, LINE))
            }
            self._forget_others()
        today = self._opening.day(now_ns)
        learns = today != self._learnt
        back_ns = WEEKS * 7 * _DAY_NS if learns else _DAY_NS
        used = self._used(reader, now_ns - back_ns, now_ns)
        for name, spans in used.items():
            self._last[name] = max(self._last.get(name, 0), *(end for _, end in spans))
        if learns:
            self._learnt = today
            for name in self._devices:
                served, spans = self._served(name, book), used.get(name, [])
                self._usual[name] = learn(spans, self._opening, served, now_ns)

    def _used(self, reader: Reader, from_ns: int, now_ns: int) -> dict[str, list[Span]]:
        """Begin and end of treatments, by device; of an open one, now."""
        found: dict[str, list[Span]] = {}
        for row in reader.in_order(Page(from_ns=from_ns, limit=_ALL)):
            ended_ns = now_ns if row.ended_ns is None else row.ended_ns
            found.setdefault(row.device, []).append((row.started_ns, ended_ns))
        return found

    def _judge(self, name: str, book: Book, now_ns: int) -> None:
        stands = _standing(book, name, now_ns)
        label = stands.label or self._devices[name].settings.label or name
        self._take_back(name, now_ns, in_service=stands.in_service)
        if not stands.in_service or self._raised.keys() & {MISSED + name, LINE + name}:
            return
        if self._clock.mono_ns() < self._grace_ns:
            return
        last_ns = self._last.get(name, 0)
        unheard_ns = self._unheard(name, now_ns)
        begin_ns = max(last_ns, stands.since_ns, self._mended.get(name, 0))
        usual = self._usual.get(name)
        if unheard_ns is not None:
            since = self._moment(max(last_ns, unheard_ns), now_ns)
            self._raise(LINE, name, f"{label} recorded nothing since {since}", now_ns)
        elif usual and missed(
            (begin_ns, now_ns), usual, self._opening, self._served(name, book)
        ):
            weekday = self._opening.day(now_ns).weekday()
            self._raise(
                MISSED,
                name,
                f"{label} recorded nothing since {self._moment(last_ns, now_ns)}, where"
                f" {usual.treatments.get(weekday, 0)} treatments a {_DAYS[weekday]} are"
                " usual",
                now_ns,
            )

    def _take_back(self, name: str, now_ns: int, *, in_service: bool) -> None:
        """Clear what is over."""
        treated = self._last.get(name, 0) > self._raised.get(MISSED + name, now_ns)
        heard = self._devices[name].line.state == "online"
        for kind, over, text in (
            (MISSED, treated, "records treatments again"),
            (LINE, heard, "is understood again"),
        ):
            if kind + name not in self._raised:
                continue
            if not in_service:
                self._clear(kind + name, "is out of service")
            elif over:
                self._clear(kind + name, text)
                self._mended[name] = now_ns

    def _unheard(self, name: str, now_ns: int) -> int | None:
        """Since when (UTC) none of its bytes decode; None: they do, or not for long."""
        line = self._devices[name].line
        if line.state != "noise" or line.since is None:
            return None
        since_ns = now_ns - (self._clock.mono_ns() - line.since)
        all_week = dict.fromkeys(range(len(_DAYS)), 1)
        open_ns = expected_ns(
            (since_ns, now_ns), all_week, self._opening, lambda _: True
        )
        return since_ns if open_ns >= _UNHEARD_NS else None

    def _raise(self, kind: str, name: str, text: str, now_ns: int) -> None:
        line = self._devices[name].line
        if line.state == "online":
            said = "its line is online, no treatment begins"
        elif line.state in ("noise", "silent"):
            said = f"the port is {line.text}"
        else:
            said = f"its port: {line.text}"
        self._raised[kind + name] = now_ns
        self._alarms.alarm(
            kind + name,
            f"{text}; {said}",
            f"say `devicelog devices test {name}`"
            if kind == LINE
            else "look at the device and its cable; if it is away, say so:"
            f" `devicelog devices register {name} out_of_service`",
        )

    def _clear(self, alarm: str, text: str) -> None:
        del self._raised[alarm]
        self._alarms.clear(alarm, f"{alarm.partition('/')[2]} {text}")

    def _forget_others(self) -> None:
        for alarm in sorted(self._raised):
            if alarm.partition("/")[2] not in self._devices:
                self._clear(alarm, "is not recorded any more")

    def _served(self, name: str, book: Book) -> Served:
        """A day counts for a device that is in service when the clinic closes."""

        @cache
        def served(day: date) -> bool:
            spans = self._opening.spans(day)
            return bool(spans) and _standing(book, name, spans[-1][1]).in_service

        return served

    def _moment(self, at_ns: int, now_ns: int) -> str:
        at = datetime.fromtimestamp(at_ns / SECOND, self._zone)
        day = _DAYS[at.weekday()]
        if self._opening.day(now_ns) - at.date() >= timedelta(days=7):
            day += f" {at:%Y-%m-%d}"
        return f"{day} {at:%H:%M}"


def _standing(book: Book, name: str, at_ns: int) -> Standing:
    unsaid = Standing(thing="device", name=name)
    return book.at(at_ns).get(("device", name), unsaid)
