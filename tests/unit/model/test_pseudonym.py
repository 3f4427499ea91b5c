"""Pseudonyms: any one mistake in typing is found, and no name is ever repeated."""

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.errors import DevicelogError
from devicelog.model.pseudonym import ALPHABET, FORM, made, parsed

pseudonyms = st.builds(
    lambda seed: made(random.Random(seed).randrange), st.integers(0, 2**40)
)


def test_one_reckoned_by_hand():
    # A is 10; in GF(32) with x^5 + x^2 + 1, 10 times x is 20, which is M.
    drawn = iter([0, 0, 0, 0, 0, 0, 10])

    assert made(lambda _: next(drawn)) == "0000-00AM"


@given(pseudonyms)
def test_it_is_read_however_it_is_typed(pseudonym):
    assert FORM.fullmatch(pseudonym)
    typed = pseudonym.lower().replace("-", "").replace("0", "o").replace("1", "l")
    assert parsed(typed) == parsed(f" {pseudonym} ") == pseudonym


@given(pseudonyms)
def test_every_single_wrong_character_is_found(pseudonym):
    bare = pseudonym.replace("-", "")
    for place, right in enumerate(bare):
        for wrong in ALPHABET.replace(right, ""):
            with pytest.raises(DevicelogError):
                parsed(bare[:place] + wrong + bare[place + 1 :])


@given(pseudonyms)
def test_every_swap_of_two_characters_is_found(pseudonym):
    bare = pseudonym.replace("-", "")
    for one, other in combinations(range(len(bare)), 2):
        if bare[one] != bare[other]:
            swapped = [*bare]
            swapped[one], swapped[other] = swapped[other], swapped[one]
            with pytest.raises(DevicelogError):
                parsed("".join(swapped))


@given(st.text())
def test_anything_else_is_refused(text):
    try:
        found = parsed(text)
    except DevicelogError:
        return
    assert FORM.fullmatch(found)


@pytest.mark.parametrize("name", ["Erika Mustermann", "Mueller", "", "ERIKAMUS"])
def test_a_name_given_by_mistake_is_in_no_error(name):
    with pytest.raises(DevicelogError) as told:
        parsed(name)

    assert not name or name.lower() not in str(told.value).lower()
