"""When the clinic is open: `[hours]` of the configuration as spans of time."""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from devicelog.clock import SECOND
from devicelog.operations.config import Hours

Span = tuple[int, int]
_WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MIDNIGHT: Final = "24:00"


class Opening:
    """Pure. Times are UTC in ns, days are those of the clinic's own zone."""

    def __init__(self, hours: Hours, zone: ZoneInfo) -> None:
        self._hours = hours
        self._zone = zone

    def day(self, at_ns: int) -> date:
        """The day of the clinic in which this lies."""
        return datetime.fromtimestamp(at_ns / SECOND, self._zone).date()

    def spans(self, day: date) -> list[Span]:
        """From when to when it is open on this day; empty on a holiday."""
        if day.isoformat() in self._hours.holidays:
            return []
        said: str = getattr(self._hours, _WEEK[day.weekday()])
        marks = [part.strip().split("-") for part in said.split(",") if part.strip()]
        return [(self._at(day, begin), self._at(day, end)) for begin, end in marks]

    def within(self, from_ns: int, to_ns: int) -> list[Span]:
        """All of them from one time to another (left out), where both are midnight."""
        spans = (
            self.spans(it) for it in days(self.day(from_ns), self.day(to_ns - SECOND))
        )
        return [span for them in spans for span in them]

    # --- Private ------------------------------------------------------------------

    def _at(self, day: date, mark: str) -> int:
        if mark == _MIDNIGHT:
            day, mark = day + timedelta(days=1), "00:00"
        at = datetime.combine(day, time.fromisoformat(mark), self._zone)
        return round(at.timestamp()) * SECOND


def days(first: date, last: date) -> list[date]:
    """All days from one to another, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
