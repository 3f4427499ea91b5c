"""Says by itself that a device recorded nothing where treatments are usual.

An alarm `watch/DEVICE`, with what its line says: the page, the log and the broker show
it as they show all alarms. Raised once, cleared once: by the next treatment, or when
the register says that the device is out of service.
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
from devicelog.operations.usual import WEEKS, Served, Usual, learn, missed
from devicelog.recorder.device import Device
from devicelog.records.register import Book, Standing

ALARM: Final = "watch/"
_EACH_NS: Final = 60 * SECOND
_DAY_NS: Final = 86_400 * SECOND
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
        self._raised: dict[str, int] | None = None  # since when, by device

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
        if self._raised is None:
            self._raised = {
                it.name.removeprefix(ALARM): it.raised_ns
                for it in reader.alarms(open_only=True)
                if it.name.startswith(ALARM)
            }
            self._forget_others(self._raised)
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
        raised = {} if self._raised is None else self._raised
        last_ns = self._last.get(name, 0)
        if name in raised:
            if not stands.in_service:
                self._clear(raised, name, "is out of service")
            elif last_ns > raised[name]:
                self._clear(raised, name, "records treatments again")
            return
        if not stands.in_service or self._clock.mono_ns() < self._grace_ns:
            return
        idle = (max(last_ns, stands.since_ns), now_ns)
        served = self._served(name, book)
        if missed(idle, self._usual.get(name), self._opening, served):
            raised[name] = now_ns
            self._raise(name, last_ns, now_ns, stands.label)

    def _raise(self, name: str, last_ns: int, now_ns: int, label: str) -> None:
        device = self._devices[name]
        usual = self._usual[name]
        weekday = self._opening.day(now_ns).weekday()
        count = usual.treatments.get(weekday, 0) if usual else 0
        line = device.line
        said = (
            "its line is online, no treatment begins"
            if line.state == "online"
            else f"its port: {line.text}"
        )
        self._alarms.alarm(
            ALARM + name,
            f"{label or device.settings.label or name} recorded nothing since"
            f" {self._moment(last_ns, now_ns)}, where {count} treatments a"
            f" {_DAYS[weekday]} are usual; {said}",
            "look at the device and its cable; if it is away, say so:"
            f" `devicelog devices register {name} out_of_service`",
        )

    def _clear(self, raised: dict[str, int], name: str, text: str) -> None:
        del raised[name]
        self._alarms.clear(ALARM + name, f"{name} {text}")

    def _forget_others(self, raised: dict[str, int]) -> None:
        for name in set(raised) - set(self._devices):
            self._clear(raised, name, "is not recorded any more")

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
