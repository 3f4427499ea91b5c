"""Treatments in few words, in the console's language: those of the exports."""

from collections.abc import Mapping

from devicelog.console.texts import PSEUDO, strange
from devicelog.export.axes import clock
from devicelog.export.texts import Texts, texts
from devicelog.export.words import Words
from devicelog.model.fields import Value


def words_in(language: str) -> Words:
    """The exports' words in this language."""
    if language != PSEUDO:
        return Words(texts(language))
    made = Texts({})  # of its own: the exports' are everybody's
    made.keys = {name: strange(it) for name, it in texts("en").keys.items()}
    made.lists = texts("en").lists
    return Words(made)


def settings(words: Words, values: Mapping[str, Value]) -> str:
    """`3 MHz, 20 %, 0.5 W/cm² (SATP), 5:00`."""
    return ", ".join(words.settings(values))


def dose(words: Words, totals: Mapping[str, float]) -> str:
    """`24 J · 4:59`: energy or current, and the time of emission."""
    parts = words.dose(totals)
    if (emission := totals.get("emission_s")) is not None:
        parts = [*parts, clock(emission)]
    return " · ".join(parts)
