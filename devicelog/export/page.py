"""One patient's history as a page: self-contained, without a script, made to print.

The latest stands first. A history beyond 500 treatments is several pages, the oldest
first, so that what one of them holds does not change when a treatment is added.
"""

from collections import deque
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import jinja2
import msgspec

from devicelog.export.course import compared, course
from devicelog.export.curves import Chart, overlay
from devicelog.export.history import History, Source, Treatment
from devicelog.export.section import Section, by_hand, section
from devicelog.export.texts import Texts, texts
from devicelog.export.words import Words, utc

MOST: Final = 500  # treatments on one page
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


def pages(
    source: Source,
    *,
    language: str = "en",
    most: int = MOST,
    step: Callable[[], None] = lambda: None,
) -> Iterator[str]:
    """Each page as HTML, one held at a time; `step` is called for each treatment."""
    words = Words(texts(language))
    for document in documents(source, words, most=most, step=step):
        yield rendered(document, words.texts)


def documents(
    source: Source,
    words: Words,
    *,
    most: int = MOST,
    step: Callable[[], None] = lambda: None,
) -> Iterator[Document]:
    """What stands on each page, the oldest first; at least one."""
    history = source.history
    manual = deque(by_hand(it, words) for it in source.manual())
    parts = max(1, -(-source.count() // most))
    held: list[Section] = []
    latest: dict[str, deque[tuple[Section, Chart]]] = {}
    part = 1
    for of in source.treatments():
        if part < parts and len(held) >= most:
            yield _document(history, part, parts, held, {})
            held, part = [], part + 1
        told, drawn = _told(of, source, words)
        held.append(told)
        while manual and manual[0].at_ns < of.started_ns:
            held.append(manual.popleft())
        if drawn and _comparable(of):
            kept = latest.setdefault(of.modality, deque(maxlen=_COMPARED))
            kept.append((told, drawn))
        step()
    yield _document(history, part, parts, [*held, *manual], _over(latest, words))


def rendered(document: Document, words: Texts) -> str:
    """A page as HTML."""
    said: dict[str, Any] = {
        "doc": document,
        "history": document.history,
        "t": words,
        "span": _span(document.history, Words(words)),
        "utc": utc,
    }
    return _templates().get_template("page.html").render(said)


# --- Private ----------------------------------------------------------------------


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("devicelog.export"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


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
) -> dict[str, Comparison]:
    """Of each modality that was given at least twice."""
    found = {}
    for modality, kept in latest.items():
        unit = kept[-1][1].unit
        alike = [(it, drawn) for it, drawn in reversed(kept) if drawn.unit == unit]
        if len(alike) > 1:
            chart = compared([(it.day, drawn) for it, drawn in alike], words)
            sections = tuple(it for it, _ in alike)
            found[modality] = Comparison(sections[0].what, overlay(chart), sections)
    return found


def _document(
    history: History,
    part: int,
    parts: int,
    held: list[Section],
    comparisons: dict[str, Comparison],
) -> Document:
    return Document(
        history=history,
        part=part,
        parts=parts,
        sections=tuple(sorted(held, key=lambda it: it.at_ns, reverse=True)),
        comparisons=tuple(comparisons.values()),
    )


def _span(history: History, words: Words) -> str:
    """Which span was asked for, in UTC."""
    first, last = (
        "" if it is None else f"{words.day(it, 0)} {words.hour(it, 0)} UTC"
        for it in (history.wanted.from_ns, history.wanted.to_ns)
    )
    if first and last:
        return words.texts("page.span_from_to", first=first, last=last)
    if first:
        return words.texts("page.span_from", first=first)
    return (
        words.texts("page.span_to", last=last) if last else words.texts("page.span_all")
    )
