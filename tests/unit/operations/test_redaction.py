"""What is struck out of a text: all that this program did not say itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicelog.model.pseudonyms import pseudonym
from devicelog.operations.redaction import STRUCK, redacted, redacted_value, vocabulary
from devicelog.simulation import names


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("no broker at 127.0.0.1:1883", f"no broker at 127.0.0.1:{STRUCK}"),
        ("Zylbersztajn, R-770077", f"{STRUCK}, R-{STRUCK}"),
        ("for K4M7-T2XT", f"for {STRUCK}-{STRUCK}"),
        ("deadbeef00112233", STRUCK),
        ("us_modbus at 3 W", "us_modbus at 3 W"),
        ("Öxebø", STRUCK),
        ("", ""),
    ],
)
def test_words_of_ours_stay(text, left):
    assert redacted(text) == left


def test_numbers_and_shape_stay_labels_go():
    told = {"port": 1883, "label": "Praxis Huber", "serial": "", "on": [True, None]}
    assert redacted_value(told) == told | {"label": True, "serial": False}


def test_people_who_are_made_up_here_are_no_words_of_ours():
    people = f"{names._FIRST}{names._LAST}".split()
    assert len(people) > 60
    # One is called as a keyword of Python is.
    assert [it for it in people if redacted(it) == it] == ["Elif"]


@given(st.randoms(use_true_random=False))
def test_no_pseudonym_is_ever_left(random):
    code = pseudonym(random.choice)
    assert code not in redacted(f"of {code}: {code.replace('-', '')}")
    assert code.replace("-", "") not in redacted(f"of {code.replace('-', '')}")


@given(st.text())
def test_what_is_left_are_our_words_small_numbers_and_signs(text):
    for word in redacted(text).replace(STRUCK, " ").split():
        for part in "".join(it if it.isalnum() else " " for it in word).split():
            assert part.lower() in vocabulary() or part.isdigit()
