"""Every word that a page may need is in the table of each language."""

from typing import get_args

import pytest

from devicelog.errors import ConfigError
from devicelog.export.texts import languages, texts
from devicelog.model.facts import (
    MANUALS,
    NAMES,
    Facts,
)
from devicelog.model.fields import FIELDS
from devicelog.model.flow import EventName
from devicelog.model.kinds import ReceiptState
from devicelog.model.states import END_REASONS, FLAGS, MODALITIES, PURPOSES
from devicelog.records.derived import Why

NOT_SAID = {"start", "end"}  # events that the heading tells


def words_of(kind):
    """The closed words within a type such as `Literal[...] | None`."""
    for it in get_args(kind):
        if isinstance(it, str):
            yield it
        else:
            yield from words_of(it)


def needed():
    yield from (f"flag.{it}" for it in FLAGS)
    yield from (f"flag_means.{it}" for it in FLAGS)
    for it in ("open", "retired", "receipt", "simulated"):
        yield from (f"flag.{it}", f"flag_means.{it}")
    yield from (f"end.{it}" for it in (*END_REASONS, "open"))
    yield from (f"purpose.{it}" for it in PURPOSES)
    yield from (f"modality.{it}" for it in (*MODALITIES, "unknown"))
    yield from (f"happened.{it}" for it in get_args(EventName) if it not in NOT_SAID)
    yield from (f"uncorrected.{it}" for it in get_args(Why) if it)
    yield from (f"receipt.{it}" for it in get_args(ReceiptState))
    yield from (f"fact.{it}" for it in NAMES)
    yield from (f"value.{it}" for it in MANUALS)
    for kind in Facts.__annotations__.values():
        yield from (f"value.{it}" for it in words_of(kind))
    for name, field in FIELDS.items():
        shown = field.kind == "setting" or (
            field.kind == "total"
            and field.modality != "any"
            and not name.startswith(
                ("energy_if", "energy_corrected", "energy_treated_if")
            )
            and name != "output_error_pct"
        )
        if shown:
            yield f"field.{name}"


@pytest.mark.parametrize("language", languages())
def test_no_word_is_missing(language):
    there = texts(language).keys
    assert not [it for it in needed() if it not in there]


@pytest.mark.parametrize("language", languages())
def test_languages_have_the_same_keys(language):
    assert texts(language).keys.keys() == texts("en").keys.keys()
    assert texts(language).lists.keys() == texts("en").lists.keys()


def test_a_language_without_a_file_is_told():
    with pytest.raises(ConfigError, match=r"language 'xx'.*en"):
        texts("xx")
