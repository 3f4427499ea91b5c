"""Curves as SVG: what was set against what was delivered, what interrupted it.

They know numbers, seconds and labels, nothing of sessions or pages. The same input
gives the same text.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from devicelog.export import axes, steps
from devicelog.export.axes import Axis, Scale
from devicelog.export.palette import (
    BANDS,
    COLOURS,
    FONT,
    GRID,
    INK,
    LETTER,
    MARKS,
    SIZE,
    BandKind,
    MarkKind,
)
from devicelog.export.steps import Line, drawable
from devicelog.export.svg import element, number, text

HEADROOM: Final = 8.0  # between the highest tick and what stands on top


class Band(msgspec.Struct, frozen=True):
    """A time of its own kind: `name` for the legend, `label` for this one."""

    kind: BandKind
    from_s: float
    to_s: float
    name: str
    label: str


class Mark(msgspec.Struct, frozen=True):
    """Something that happened at one time."""

    kind: MarkKind
    at_s: float
    label: str


class Chart(msgspec.Struct, frozen=True):
    """All that one chart shows; `title` and `description` are for screen readers."""

    title: str
    description: str
    unit: str
    end_s: float
    lines: tuple[Line, ...]
    bands: tuple[Band, ...] = ()
    marks: tuple[Mark, ...] = ()


class Box(msgspec.Struct, frozen=True):
    """Where on paper curves lie, in units of the picture."""

    left: float
    top: float
    right: float
    bottom: float


def chart(it: Chart, width: int = 720, height: int = 170) -> str:
    """The whole chart: axes, legend, bands, marks, lines."""
    box = Box(44, 44, width - 24, height - 24)
    lines = [steps.clean(line) for line in it.lines]
    y = axes.levels(steps.values(lines), box.bottom, box.top + HEADROOM)
    x = axes.seconds(steps.until(it.end_s, lines), box.left, box.right)
    return _picture(
        it,
        width,
        height,
        *_bands(it.bands, x.scale, box),
        *_grid(x, y, it.unit, box),
        *_marks(it.marks, it.bands, x.scale, box),
        *(steps.drawn(line, x, y) for line in lines),
        *_legend(it, box),
    )


def overlay(it: Chart, width: int = 720, height: int = 180) -> str:
    """Several sessions from their starts on; the first line lies on top."""
    turned = tuple(reversed(it.lines))
    return chart(msgspec.structs.replace(it, lines=turned), width, height)


def sparkline(it: Chart, width: int = 120, height: int = 24) -> str:
    """The lines and the interruptions alone, as small as a word."""
    box = Box(1, 2, width - 1, height - 2)
    lines = [steps.clean(line) for line in it.lines if not line.role.startswith("set")]
    y = axes.levels(steps.values(lines), box.bottom, box.top)
    x = axes.seconds(steps.until(it.end_s, lines), box.left, box.right)
    ground = element(
        "path",
        class_="dl-grid",
        d=f"M{number(box.left)} {number(box.bottom)}H{number(box.right)}",
        fill="none",
        stroke=GRID,
    )
    drawn = [steps.drawn(line, x, y) for line in lines]
    return _picture(it, width, height, *_bands(it.bands, x.scale, box), ground, *drawn)


# --- Around them ------------------------------------------------------------------


def _picture(it: Chart, width: int, height: int, *content: str) -> str:
    return element(
        "svg",
        element("title", text(it.title)),
        element("desc", text(it.description)),
        *content,
        xmlns="http://www.w3.org/2000/svg",
        class_="dl-chart",
        role="img",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        font_family=FONT,
        font_size=SIZE,
    )


def _grid(x: Axis, y: Axis, unit: str, box: Box) -> Iterable[str]:
    """Lines of the grid, what is written on both axes, and the unit above."""
    lines = [
        f"M{number(box.left)} {number(y.scale.at(it))}H{number(box.right)}"
        for it, _ in y.ticks
    ]
    yield element("path", class_="dl-grid", d="".join(lines), fill="none", stroke=GRID)
    down = [f"M{number(x.scale.at(it))} {number(box.bottom)}v4" for it, _ in x.ticks]
    base = f"M{number(box.left)} {number(box.bottom)}H{number(box.right)}"
    yield element(
        "path", class_="dl-axis", d=base + "".join(down), fill="none", stroke=INK
    )
    for value, label in y.ticks:
        yield _words(label, box.left - 6, y.scale.at(value) + 4, anchor="end")
    for value, label in x.ticks:
        yield _words(label, x.scale.at(value), box.bottom + 16, anchor="middle")
    yield _words(unit, 4, 13)


def _bands(bands: Iterable[Band], x: Scale, box: Box) -> Iterable[str]:
    """Each as a field with a strip on top, wide enough to be seen."""
    for band in bands:
        left = x.at(drawable(band.from_s) or 0.0)
        width = max(x.at(drawable(band.to_s) or 0.0) - left, 1.0)
        fill, strip = BANDS[band.kind]
        parts = [
            element("title", text(band.label)),
            *(
                element(
                    "rect",
                    class_=f"dl-{part}",
                    x=left,
                    y=box.top,
                    width=width,
                    height=tall,
                    fill=colour,
                )
                for part, colour, tall in (
                    ("field", fill, box.bottom - box.top),
                    ("strip", strip, 3),
                )
            ),
        ]
        yield element("g", *parts, class_=f"dl-band dl-{band.kind.replace('_', '-')}")


def _marks(
    marks: Iterable[Mark], bands: Iterable[Band], x: Scale, box: Box
) -> Iterable[str]:
    """A line down at each time; what it says stands above where there is room.

    What a band says stands in the same row.
    """
    free = box.left
    told: list[tuple[float, str, Mark | None]] = [
        (x.at(drawable(it.from_s) or 0.0), it.label, None) for it in bands
    ]
    told += [(x.at(drawable(it.at_s) or 0.0), it.label, it) for it in marks]
    for at, label, mark in sorted(told, key=lambda it: (it[0], it[1])):
        wide = len(label) * LETTER
        start = min(at, box.right - wide)
        shown = free <= start
        if shown:
            free = start + wide + LETTER
        words = _words(label, start, box.top - 5) if shown else ""
        yield words if mark is None else _mark(mark, at, words, box)


def _mark(mark: Mark, at: float, words: str, box: Box) -> str:
    return element(
        "g",
        element("title", text(mark.label)),
        element(
            "path",
            d=f"M{number(at)} {number(box.top - 2)}V{number(box.bottom)}",
            fill="none",
            stroke=MARKS[mark.kind],
            stroke_dasharray="1 3",
        ),
        element(
            "path",
            d=f"M{number(at - 4)} {number(box.top - 3)}h8l-4 6z",
            fill=MARKS[mark.kind],
        ),
        words,
        class_=f"dl-mark dl-mark-{mark.kind}",
    )


def _legend(it: Chart, box: Box) -> Iterable[str]:
    """From the left, in the row above all: lines, then kinds of bands."""
    at = box.left + (len(it.unit) * LETTER if it.unit else 0) - 16
    at = max(at, box.left)
    for line in sorted(it.lines, key=lambda line: list(COLOURS).index(line.role)):
        shape = msgspec.structs.replace(line, points=((0.0, 0.0),))
        yield steps.drawn(
            shape,
            Axis(Scale(0, 1, at, at + 22), ()),
            Axis(Scale(0, 1, 9, 9), ()),
        )
        yield _words(line.label, at + 27, 13)
        at += 27 + len(line.label) * LETTER + 14
    for kind, name in {band.kind: band.name for band in it.bands}.items():
        swatch = Scale(0, 1, at, at + 12)
        yield from _bands([Band(kind, 0, 1, name, name)], swatch, Box(0, 3, 0, 14))
        yield _words(name, at + 17, 13)
        at += 17 + len(name) * LETTER + 14


def _words(said: str, x: float, y: float, anchor: str | None = None) -> str:
    return element(
        "text", text(said), class_="dl-text", x=x, y=y, fill=INK, text_anchor=anchor
    )
