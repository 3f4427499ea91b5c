"""Pseudonyms: random codes that stand for patients, short enough to be typed.

Seven random characters and a check character, as in `K7QF-2M9Z`. The alphabet is
Crockford's base 32: no I, L, O, U; what is typed in small letters, without the dash, or
with O for 0 and I or L for 1 is understood. The check is a weighted sum over GF(32)
with different weights at all places: it finds every wrong character and every swap of
two characters, neighbours or not.
"""

import re
from collections.abc import Callable
from typing import Final

from devicelog.errors import DevicelogError

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
FORM: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}")
_RANDOM: Final = 7
_FIELD: Final = 0b100101  # x^5 + x^2 + 1, primitive: powers of x differ up to 31
_OVERFLOW: Final = 1 << 5
_MEANT: Final = str.maketrans("OIL", "011", "- ")


def made(draw: Callable[[int], int]) -> str:
    """A new one. `draw(n)` gives a random number below n (`secrets.randbelow`)."""
    random = [draw(len(ALPHABET)) for _ in range(_RANDOM)]
    return _written([*random, _double(_sum(random))])


def parsed(text: str) -> str:
    """What was typed, as it is written: `k7qf2m9z` is `K7QF-2M9Z`.

    Raises DevicelogError where it cannot be one. The error does not repeat what was
    typed: that may be a name.
    """
    typed = text.upper().translate(_MEANT)
    if len(typed) != _RANDOM + 1 or not set(typed) <= set(ALPHABET):
        raise DevicelogError(
            "that is no pseudonym",
            hint="it has eight letters and digits, as in K7QF-2M9Z;"
            " names are never given on a command line",
        )
    numbers = [ALPHABET.index(it) for it in typed]
    if _double(_sum(numbers[:-1])) != numbers[-1]:
        raise DevicelogError(
            "that is no pseudonym: its check character does not fit",
            hint="one character is wrong, or two are swapped; read it again",
        )
    return _written(numbers)


def _written(numbers: list[int]) -> str:
    text = "".join(ALPHABET[it] for it in numbers)
    return f"{text[:4]}-{text[4:]}"


def _sum(numbers: list[int]) -> int:
    """The first weighs most; addition in GF(32) is exclusive or."""
    total = 0
    for number in numbers:
        total = _double(total) ^ number
    return total


def _double(number: int) -> int:
    number <<= 1
    return number ^ _FIELD if number & _OVERFLOW else number
