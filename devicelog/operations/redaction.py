"""Only what this program itself may have said: everything else is struck out.

What must not leave a clinic cannot be listed: names, notes, passwords, keys. What may
can: words that stand in this program's own sources, and small numbers. So a word is
kept if it is one of ours, and nobody has to know a name to leave it out.
"""

import re
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

STRUCK: Final = "…"
_TOKEN: Final = re.compile(r"\w+")
_WORD: Final = re.compile(r"[A-Za-z]+")
_NUMBER: Final = re.compile(r"[0-9]{1,3}")
_SOURCES: Final = (".py", ".toml")
# Where people are made up: names are no words of ours.
_INVENTED: Final = "simulation"
# What clinics write, though it is of our shape.
_THEIRS: Final = frozenset({"label", "serial"})


def redacted(text: str) -> str:
    """The same text, with every word struck out that is not ours."""
    return _TOKEN.sub(_kept, text)


def redacted_value(value: Any) -> Any:
    """The same of plain data: each text in it; numbers and keys stay as they are."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {
            redacted(key): bool(it) if key in _THEIRS else redacted_value(it)
            for key, it in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted_value(it) for it in value]
    return value


@cache
def vocabulary() -> frozenset[str]:
    """All words in small letters that stand in the sources of this program."""
    found: set[str] = set()
    waiting: list[Traversable] = [resources.files("devicelog")]
    while waiting:
        folder = waiting.pop()
        for it in folder.iterdir():
            if it.is_dir():
                if it.name != _INVENTED:
                    waiting.append(it)
            elif it.name.endswith(_SOURCES):
                found |= set(_WORD.findall(it.read_text(encoding="utf-8").lower()))
    return frozenset(found)


def _kept(match: re.Match[str]) -> str:
    token = match[0]
    if _NUMBER.fullmatch(token):
        return token
    # Names of our own have underscores; each part must be ours.
    ours = all(
        not part
        or _NUMBER.fullmatch(part)
        or (_WORD.fullmatch(part) and part.lower() in vocabulary())
        for part in token.split("_")
    )
    return token if ours else STRUCK
