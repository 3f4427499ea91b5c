"""One finding, and the catalogue of words in which all of them are told.

A check names a case and its values; the words stand in `texts/<language>.toml`, so that
the log, the command line, the console and a support bundle say the same.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final, Literal, get_args

import msgspec

Severity = Literal["ok", "warning", "wrong", "unknown"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
ANY: Final = "any"  # cases that every check may have
PARTS: Final = ("found", "meaning", "remedy")


class Finding(msgspec.Struct, frozen=True):
    """What a check found, what it means for the record, what to do.

    `case` names the condition for programs; `told` are the values within the words.
    """

    name: str
    severity: Severity
    case: str
    found: str
    meaning: str
    remedy: str
    told: dict[str, str] = {}


def finding(name: str, severity: Severity, case: str, **told: object) -> Finding:
    """A finding in English. A case without words is a mistake of ours: KeyError."""
    said = {key: str(value) for key, value in told.items()}
    found, meaning, remedy = worded(name, case, said)
    return Finding(name, severity, case, found, meaning, remedy, said)


def worded(
    name: str, case: str, told: Mapping[str, str], language: str = "en"
) -> tuple[str, ...]:
    """Found, meaning and remedy of a case."""
    texts = words(language)
    of = name if f"{name}.{case}.found" in texts else ANY
    return tuple(texts[f"{of}.{case}.{it}"].format_map(told) for it in PARTS)


@cache
def words(language: str = "en") -> dict[str, str]:
    """The catalogue of one language, `<check>.<case>.<part>` to text."""
    folder = resources.files("devicelog.operations.doctor") / "texts"
    content = (folder / f"{language}.toml").read_text(encoding="utf-8")
    return dict(_flat(tomllib.loads(content)))


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
