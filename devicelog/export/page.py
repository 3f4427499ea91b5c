"""One patient's history as a page: self-contained, without a script, made to print.

The latest stands first; a long history is several pages (`parts`), the oldest first.
"""

from collections import deque
from typing import Any, BinaryIO, Final
from zoneinfo import ZoneInfo

import msgspec

from devicelog.export.course import compared, course
from devicelog.export.curves import Chart, overlay
from devicelog.export.history import History, Source, Treatment
from devicelog.export.paper import templates
from devicelog.export.parts import Part
from devicelog.export.section import Section, by_hand, section
from devicelog.export.tables import Counts, Options
from devicelog.export.texts import Texts, texts
from devicelog.export.words import Words

_COMPARED: Final = 3


class Comparison(msgspec.Struct, frozen=True):
    """Up to three treatments of one kind, the latest first, and their curves."""

    what: str
    curve: str
    sections: tuple[Section, ...]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What stands on one page; `sections` with the latest first."""

    history: History
    part: int
    parts: int
    sections: tuple[Section, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def meanings(self) -> tuple[str, ...]:
        """Names of the badges that it bears, each once."""
        badges = (it.name for section in self.sections for it in section.badges)
        return tuple(it for it in dict.fromkeys(badges) if it != "purpose")

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of devices and by hand."""
        manual = sum(it.by_hand for it in self.sections)
        return {"sessions": len(self.sections) - manual, "manual": manual}


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """What of a page is drawn by itself; as it stands here: all of it.

    `front`: what stands before the first treatment; `back`: after the last; between
    them treatments `first` up to `last`. `link`: what a link to a treatment begins
    with; `numbered`: whether paper has its head and foot.
    """

    front: bool = True
    first: int = 0
    last: int | None = None
    back: bool = True
    link: str = "#"
    numbered: bool = True


WHOLE: Final = Sheet()


def write(out: BinaryIO, source: Source, options: Options) -> Counts:
    """One page, UTF-8; of a part of a history, that part."""
    words = texts(options.language)
    told = document(source, Words(words))
    out.write(rendered(told, words).encode())
    return told.counts


def document(source: Source, words: Words) -> Document:
    """What stands on the page of this history, or of this part of it."""
    part = source if isinstance(source, Part) else None
    sections: list[Section] = []
    latest: dict[str, deque[tuple[Section, Chart]]] = {}
    for of in source.treatments():
        told, drawn = _told(of, source, words)
        sections.append(told)
        if drawn and _comparable(of):
            kept = latest.setdefault(of.modality, deque(maxlen=_COMPARED))
            kept.append((told, drawn))
    sections += [by_hand(it, words) for it in source.manual()]
    sections.sort(key=lambda it: it.at_ns, reverse=True)
    return Document(
        history=source.history,
        part=part.number if part else 1,
        parts=part.of if part else 1,
        sections=tuple(sections),
        comparisons=tuple(_over(latest, words)) if not part or part.last else (),
    )


def rendered(document: Document, words: Texts, sheet: Sheet = WHOLE) -> str:
    """A page as HTML, or a sheet of it."""
    said: dict[str, Any] = {
        "doc": document,
        "sheet": sheet,
        "history": document.history,
        "t": words,
        "span": _span(document.history, Words(words)),
        "made": _moment(document.history, document.history.made_ns, Words(words)),
    }
    return templates().get_template("page.html").render(said)


# --- Private ----------------------------------------------------------------------


def _told(of: Treatment, source: Source, words: Words) -> tuple[Section, Chart | None]:
    events = source.events(of)
    drawn = course(of, source.readings(of), events, words)
    simulated = source.history.simulated
    return section(of, drawn, events, words, simulated=simulated), drawn


def _comparable(of: Treatment) -> bool:
    """Treatments that somebody was given, and that are over."""
    return of.purpose == "treatment" and not of.open and "accidental" not in of.flags


def _over(
    latest: dict[str, deque[tuple[Section, Chart]]], words: Words
) -> list[Comparison]:
    """Of each modality that was given at least twice, the latest given first."""
    found = []
    for kept in latest.values():
        unit = kept[-1][1].unit
        alike = [(it, drawn) for it, drawn in reversed(kept) if drawn.unit == unit]
        if len(alike) > 1:
            chart = compared([(it.day, drawn) for it, drawn in alike], words)
            sections = tuple(it for it, _ in alike)
            found.append(Comparison(sections[0].what, overlay(chart), sections))
    return sorted(found, key=lambda it: it.sections[0].at_ns, reverse=True)


def _span(history: History, words: Words) -> str:
    """Which span was asked for."""
    first, last = (
        "" if it is None else _moment(history, it, words)
        for it in (history.wanted.from_ns, history.wanted.to_ns)
    )
    if first and last:
        return words.texts("page.span_from_to", first=first, last=last)
    if first:
        return words.texts("page.span_from", first=first)
    return (
        words.texts("page.span_to", last=last) if last else words.texts("page.span_all")
    )


def _moment(history: History, at_ns: int, words: Words) -> str:
    return words.moment(at_ns, ZoneInfo(history.timezone))
