"""What use of a device is usual, learnt from its treatments; whether it is missed.

Time counts as far as treatments are expected in it: while the clinic is open, on days
of the week on which the device is usually used, on days on which it is in service. The
patience is half more than the longest pause of nine days in ten, so that the one day on
which a cable was broken teaches nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from statistics import median_low
from typing import Final

import msgspec

from devicelog.clock import SECOND
from devicelog.operations.opening import Opening, Span, days

WEEKS: Final = 6  # so far back it is learnt
_LEAST_DAYS: Final = 5  # with treatments: of less, nothing is usual
_OF_DAYS: Final = 0.9
_MORE: Final = 1.5
_LEAST_NS: Final = 3600 * SECOND

# Whether a device was in service on a day.
Served = Callable[[date], bool]


class Usual(msgspec.Struct, frozen=True):
    """Treatments on each day of the week (Monday 0) on which there are any; patience.

    `patience_ns`: time as above, after which no treatment is strange.
    """

    treatments: Mapping[int, int]
    patience_ns: int


def learn(
    used: Sequence[Span], opening: Opening, served: Served, now_ns: int
) -> Usual | None:
    """Of treatments (begin, end) in order of their begin. None: too few to tell."""
    today = opening.day(now_ns)
    first = today - timedelta(weeks=WEEKS)
    used = [it for it in used if first <= opening.day(it[0]) < today]
    counts = Counter(opening.day(begin) for begin, _ in used)
    if len(counts) < _LEAST_DAYS:
        return None
    by_weekday: dict[int, list[int]] = defaultdict(list)
    for day in days(min(counts), today - timedelta(days=1)):
        if opening.spans(day) and served(day):
            by_weekday[day.weekday()].append(counts[day])
    usually = {day: median_low(them) for day, them in by_weekday.items()}
    usually = {day: count for day, count in usually.items() if count}
    return Usual(usually, _patience_ns(used, usually, opening, served))


def expected_ns(
    span: Span, weekdays: Mapping[int, int], opening: Opening, served: Served
) -> int:
    """How much of this span is time in which treatments are expected."""
    begin, end = span
    if end <= begin:
        return 0
    return sum(
        max(0, min(end, last) - max(begin, first))
        for day in days(opening.day(begin), opening.day(end))
        if day.weekday() in weekdays and served(day)
        for first, last in opening.spans(day)
    )


def missed(span: Span, usual: Usual | None, opening: Opening, served: Served) -> bool:
    """Whether a device that was not used in this span should have been."""
    if usual is None:
        return False
    return expected_ns(span, usual.treatments, opening, served) > usual.patience_ns


# --- Private ----------------------------------------------------------------------


def _patience_ns(
    used: Sequence[Span], usually: Mapping[int, int], opening: Opening, served: Served
) -> int:
    longest: dict[date, int] = defaultdict(int)
    ended = 0
    for (_, end), (begin, _) in pairwise(used):
        ended = max(ended, end)
        pause = expected_ns((ended, begin), usually, opening, served)
        day = opening.day(begin)
        longest[day] = max(longest[day], pause)
    pauses = sorted(longest.values())
    usual = pauses[int(_OF_DAYS * (len(pauses) - 1))]
    return max(_LEAST_NS, round(usual * _MORE))
