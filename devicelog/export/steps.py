"""A line of steps: readings as a path, however many, with their extremes."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from devicelog.export.axes import Axis
from devicelog.export.palette import COLOURS, DASHES, WIDTHS, Role
from devicelog.export.svg import element, number

Points = tuple[tuple[float, float | None], ...]

_BEYOND: Final = 1e12  # no device gives it: drawn as a break


class Line(msgspec.Struct, frozen=True):
    """A value that holds from each point to the next; None breaks the line there.

    Seconds from the start. The last value holds to the chart's end.
    """

    role: Role
    label: str
    points: Points


def clean(line: Line) -> Line:
    """In order of time; what is no number that a device gives is a break."""
    points = sorted(
        ((s, drawable(value)) for s, value in line.points if drawable(s) is not None),
        key=lambda point: point[0],
    )
    return msgspec.structs.replace(line, points=tuple(points))


def drawable(value: float | None) -> float | None:
    """The number, or None where there is none that a device could give."""
    usable = value is not None and math.isfinite(value) and abs(value) <= _BEYOND
    return value if usable else None


def values(lines: Iterable[Line]) -> list[float]:
    """All that clean lines hold."""
    return [value for line in lines for _, value in line.points if value is not None]


def until(end_s: float, lines: Iterable[Line]) -> float:
    """The last second of all: of the chart, or of a clean line that goes on."""
    told = [line.points[-1][0] for line in lines if line.points]
    return max([drawable(end_s) or 0.0, *told])


def drawn(line: Line, x: Axis, y: Axis) -> str:
    """A clean line as a path: a line, never a field."""
    runs: list[list[tuple[float, float]]] = [[]]
    for s, value in line.points:
        at = x.scale.at(s)
        if value is not None:
            runs[-1].append((at, y.scale.at(value)))
        elif runs[-1]:
            runs[-1].append((at, runs[-1][-1][1]))
            runs.append([])
    if runs[-1]:
        runs[-1].append((x.scale.end, runs[-1][-1][1]))
    return element(
        "path",
        class_=f"dl-line dl-{line.role.replace('_', '-')}",
        d="".join(_steps(run) for run in runs if run),
        fill="none",  # else what it encloses is filled
        stroke=COLOURS[line.role],
        stroke_width=WIDTHS.get(line.role, 1.8),
        stroke_dasharray=DASHES.get(line.role),
        stroke_linecap="butt" if line.role in DASHES else "round",
        stroke_linejoin="round",
    )


def _told_by(column: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if not column:
        return []
    heights = [y for _, y in column]
    last = len(column) - 1
    lowest, highest = heights.index(min(heights)), heights.index(max(heights))
    return [column[n] for n in sorted({0, lowest, highest, last})]


def _steps(run: list[tuple[float, float]]) -> str:
    """Across at the earlier value, then up or down; only where something changes."""
    (first_x, first_y), *rest = decimated(run)
    at_x, at_y = number(first_x), number(first_y)
    path, end = [f"M{at_x} {at_y}"], at_x
    for point_x, point_y in rest:
        end, y = number(point_x), number(point_y)
        if y == at_y:
            continue
        if end != at_x:
            path.append(f"H{end}")
        path.append(f"V{y}")
        at_x, at_y = end, y
    if end != at_x:
        path.append(f"H{end}")
    elif len(path) == 1:
        path.append(f"H{number(float(end) + 1)}")  # what lasted no time is a dot
    return "".join(path)


def decimated(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """In each column of one unit: the first, the lowest, the highest and the last.

    Points lie in order of x; what is left lies in it too, and keeps the extremes.
    """
    kept: list[tuple[float, float]] = []
    column: list[tuple[float, float]] = []
    for point in points:
        if column and math.floor(point[0]) != math.floor(column[0][0]):
            kept += _told_by(column)
            column = []
        column.append(point)
    return kept + _told_by(column)
