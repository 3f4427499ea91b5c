"""Pseudonyms: the random code that stands for a patient everywhere but in one store.

    K4M7-T2XT     seven characters by chance and one that checks them, in two groups

There are 23: no vowel, so that none becomes a word, and one at most of those that are
taken for one another (0 O Q, 1 I L, 2 Z, 5 S, 6 G, 8 B, U V). 23 is a prime, and each
place weighs differently: every wrong character is noticed, and every two swapped ones.
"""

from collections.abc import Callable
from typing import Final

ALPHABET: Final = "23456789CDFHJKMNPRTVWXY"
_BY_CHANCE: Final = 7
_WHOLE: Final = _BY_CHANCE + 1
_GROUP: Final = 4
_PRIME: Final = len(ALPHABET)


class PseudonymError(ValueError):
    """What was typed is no pseudonym; the message says why, and repeats no name."""


def pseudonym(choose: Callable[[str], str]) -> str:
    """A new one; `choose` picks a character by chance, as secrets.choice does.

    Whether it is free already, who keeps them must see.
    """
    drawn = [ALPHABET.index(choose(ALPHABET)) for _ in range(_BY_CHANCE)]
    return _written([*drawn, _checking(drawn)])


def parsed(text: str) -> str:
    """The pseudonym that is meant: capitals, groups and spaces do not matter.

    Raises PseudonymError.
    """
    typed = "".join(text.upper().replace("-", " ").split())
    for character in typed:
        if character not in ALPHABET:
            raise PseudonymError(f"{character!r} stands in no pseudonym")
    if len(typed) != _WHOLE:
        raise PseudonymError(f"{len(typed)} characters, not {_WHOLE}")
    numbers = [ALPHABET.index(character) for character in typed]
    if _checking(numbers[:-1]) != numbers[-1]:
        raise PseudonymError("a character is wrong, or two are swapped")
    return _written(numbers)


# --- Private ----------------------------------------------------------------------


def _checking(drawn: list[int]) -> int:
    """The number with which all of them, each times its place, are a multiple of 23."""
    total = sum(place * number for place, number in enumerate(drawn, 1))
    return -total * pow(_WHOLE, -1, _PRIME) % _PRIME


def _written(numbers: list[int]) -> str:
    letters = "".join(ALPHABET[number] for number in numbers)
    return f"{letters[:_GROUP]}-{letters[_GROUP:]}"
