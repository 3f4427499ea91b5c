"""A number and what is counted agree."""

import pytest

from devicelog.model.words import counted


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [
        (0, "session", "0 sessions"),
        (1, "session", "1 session"),
        (2, "session", "2 sessions"),
        (0, "entry", "0 entries"),
        (1, "entry", "1 entry"),
        (12, "entry", "12 entries"),
    ],
)
def test_a_number_and_its_noun(count, noun, said):
    assert counted(count, noun) == said
