"""What the store holds, asked in InfluxQL, compared with what it should hold.

Every word of a query is a name of our own catalogue, a tag of the allow-list or a whole
number; page by page, so that an answer stays small and a question takes no time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from devicelog.clock import SECOND
from devicelog.model.fields import Value
from devicelog.sinks.lines import LEFT_OVER, MEASUREMENTS, Row, stored, tag

Key = tuple[str, tuple[str, ...], int]
Fields = dict[str, Value]

_PAGE: Final = 1000  # rows an answer at most
_GAP_NS: Final = 600 * SECOND  # a window of one query has no longer hole
_STATEMENTS: Final = 10  # a request


class Series(Protocol):
    """See `influx_server.Series`."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""

    @property
    def values(self) -> tuple[tuple[Any, ...], ...]:
        """Rows."""


Ask = Callable[[Sequence[str]], Sequence[Sequence[Series]]]


def find(ask: Ask, rows: Sequence[Row]) -> dict[Key, Fields]:
    """What stands at the points of these rows. Raises SinkUnavailable."""
    wanted = {row.key for row in rows}
    found: dict[Key, Fields] = {}
    windows = list(_windows(wanted))
    for n in range(0, len(windows), _STATEMENTS):
        some = windows[n : n + _STATEMENTS]
        answers = ask([_say(*it) for it in some])
        for (measurement, *_), series in zip(some, answers, strict=True):
            found |= {k: it for k, it in _read(measurement, series) if k in wanted}
    return found


def between(
    ask: Ask, measurement: str, tags: Mapping[str, str], first_ns: int, last_ns: int
) -> dict[Key, Fields]:
    """All that stands in a time, both ends included, under these tags."""
    found: dict[Key, Fields] = {}
    at_ns = first_ns
    while True:
        query = f"{_select(measurement, tags, at_ns, last_ns)} LIMIT {_PAGE}"
        page = dict(_read(measurement, ask([query])[0]))
        found |= page
        latest = max((at for *_, at in page), default=last_ns)
        if len(page) < _PAGE or latest == at_ns:
            return found
        at_ns = latest  # again: more may stand at this very time


def difference(row: Row, found: Fields | None) -> str:
    """How what stands there differs from the row, in words; empty: it does not."""
    if found is None:
        return "is missing"
    for name, value in stored(row).items():
        if name not in found:
            return f"{name} is absent instead of {value!r}"
        if found[name] != value:
            return f"{name} is {found[name]!r} instead of {value!r}"
    return ""


def surplus(row: Row, found: Fields) -> str:
    """A field that stands there and is not the journal's; empty: none does."""
    more = sorted(found.keys() - row.fields.keys() - LEFT_OVER)
    return f"{more[0]} = {found[more[0]]!r} is not of the journal" if more else ""


# --- Private ----------------------------------------------------------------------

_Window = tuple[str, tuple[str, ...], int, int]


def _windows(keys: set[Key]) -> Iterator[_Window]:
    """Spans of time of one series each, without long holes, of a page at most."""
    series: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for measurement, tags, at_ns in keys:
        series.setdefault((measurement, tags), []).append(at_ns)
    for (measurement, tags), times in series.items():
        times.sort()
        first = last = times[0]
        count = 0
        for at_ns in times:
            if at_ns - last > _GAP_NS or count == _PAGE:
                yield measurement, tags, first, last
                first, count = at_ns, 0
            last = at_ns
            count += 1
        yield measurement, tags, first, last


def _say(measurement: str, tags: tuple[str, ...], first_ns: int, last_ns: int) -> str:
    names = MEASUREMENTS[measurement].tags
    named = dict(zip(names, tags, strict=True))
    return _select(measurement, named, first_ns, last_ns)


def _select(
    measurement: str, tags: Mapping[str, str], first_ns: int, last_ns: int
) -> str:
    where = " AND ".join(f"\"{name}\" = '{tag(it)}'" for name, it in tags.items())
    return (
        f'SELECT * FROM "{measurement}" WHERE {where}'  # noqa: S608  (see the module)
        f" AND time >= {int(first_ns)} AND time <= {int(last_ns)}"
    )


def _read(measurement: str, answer: Sequence[Series]) -> Iterator[tuple[Key, Fields]]:
    names = MEASUREMENTS[measurement].tags
    for series in answer:
        columns = series.columns
        for values in series.values:
            cells = dict(zip(columns, values, strict=True))
            at_ns = int(cells.pop("time"))
            tags = tuple(str(cells.pop(name, None) or "-") for name in names)
            fields = {name: it for name, it in cells.items() if it is not None}
            yield (measurement, tags, at_ns), fields
