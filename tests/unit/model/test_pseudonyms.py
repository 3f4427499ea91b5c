"""Pseudonyms: short, typeable, and wrong when they are mistyped."""

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.model.pseudonyms import ALPHABET, PseudonymError, parsed, pseudonym

SEEDS = st.integers(0, 10**9)


def made(seed):
    return pseudonym(random.Random(seed).choice)


@given(SEEDS)
def test_one_is_read_back_however_it_is_typed(seed):
    it = made(seed)
    bare = it.replace("-", "")

    for typed in (
        it,
        it.lower(),
        bare,
        f" {it} ",
        " ".join(bare),
        it.replace("-", " "),
    ):
        assert parsed(typed) == it


def test_one_by_hand():
    # 7 times the second character, 3: their numbers are 1, weights 1 to 7: 28. Eight
    # times the check must bring that to a multiple of 23: 28 + 8 * 8 = 92, so number 8.
    assert pseudonym(lambda _: "3") == "3333-333C"
    assert ALPHABET[8] == "C"
    # All numbers 0: nothing to check.
    assert pseudonym(lambda _: "2") == "2222-2222"


@pytest.mark.parametrize("seed", range(20))
def test_any_wrong_character_is_noticed(seed):
    it = made(seed).replace("-", "")
    for place in range(len(it)):
        for other in ALPHABET.replace(it[place], ""):
            with pytest.raises(PseudonymError, match="wrong, or two are swapped"):
                parsed(it[:place] + other + it[place + 1 :])


@pytest.mark.parametrize("seed", range(20))
def test_any_two_that_are_swapped_are_noticed(seed):
    it = made(seed).replace("-", "")
    for one, other in combinations(range(len(it)), 2):
        swapped = [*it]
        swapped[one], swapped[other] = it[other], it[one]
        if it[one] != it[other]:
            with pytest.raises(PseudonymError):
                parsed("".join(swapped))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "0 characters, not 8"),
        ("K4M7-T2X", "7 characters, not 8"),
        ("K4M7-T2XPP", "9 characters, not 8"),
        ("K4M7-T2XO", "'O' stands in no pseudonym"),
        ("MÜLLER", "'Ü' stands in no pseudonym"),
    ],
)
def test_what_is_none_is_told(typed, told):
    with pytest.raises(PseudonymError, match=told):
        parsed(typed)


@given(st.text(max_size=20))
def test_any_text_is_one_or_told(text):
    try:
        it = parsed(text)
    except PseudonymError:
        return
    assert parsed(it) == it


def test_no_character_is_taken_for_another_and_none_makes_words():
    alike = ["0OQ", "1IL", "2Z", "5S", "6G", "8B", "UV"]

    assert len(set(ALPHABET)) == 23
    assert not set("AEIOU") & set(ALPHABET)
    for group in alike:
        assert len(set(group) & set(ALPHABET)) <= 1


def test_chance_gives_many():
    dice = random.Random(1)
    many = {pseudonym(dice.choice) for _ in range(20_000)}

    assert len(many) == 20_000
