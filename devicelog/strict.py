"""TOML read strictly: every error in one pass, each with file, line, key and remedy.

Configuration and profiles are both read through here. A shape is a msgspec.Struct;
unknown keys, missing keys and wrong types are problems, and all of them are found.
"""

import difflib
import re
import tomllib
import types
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

_HEADER: Final = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY: Final = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[\w-]+)*)\s*=""")
_TOML_LINE: Final = re.compile(r"line (\d+)")
_NAMES: Final = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true/false",
}


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong: where (file:line), at which key, what, what to do."""

    where: str
    key: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        key = f" {self.key}:" if self.key else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{self.where}:{key} {self.message}{remedy}"


class Table:
    """A parsed file that knows on which line each of its keys stands."""

    def __init__(
        self, values: dict[str, Any], source: str, lines: dict[str, int]
    ) -> None:
        self.values = values
        self.source = source
        self._lines = lines
        self._composed: dict[Any, Callable[..., Any]] = {
            tuple: self._list,
            dict: self._dict,
            Literal: self._one_of,
            Union: self._either,
            types.UnionType: self._either,
        }

    def problem(self, key: str, message: str, remedy: str = "") -> Problem:
        """A problem at a dotted key such as `devices[1].port`."""
        at = key
        while at and at not in self._lines:
            at = at[: max(at.rfind("."), at.rfind("["), 0)]
        line = f":{self._lines[at]}" if at else ""
        return Problem(f"{self.source}{line}", key, message, remedy)

    def check(
        self, shape: type[T], values: dict[str, Any] | None = None, prefix: str = ""
    ) -> tuple[T | None, list[Problem]]:
        """The values (default: all) as this shape, or None; and everything wrong."""
        found: list[Problem] = []
        result = self._struct(
            shape, self.values if values is None else values, prefix, found
        )
        return (None if found else result), found

    # --- Private ------------------------------------------------------------------

    def _struct(
        self, shape: type[T], values: object, key: str, found: list[Problem]
    ) -> T | None:
        if not isinstance(values, dict):
            found.append(self._wrong(key, "a table", values))
            return None
        fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
        found += [
            self._unknown(_join(key, str(name)), str(name), fields)
            for name in values
            if name not in fields
        ]
        made = {}
        for name, field in fields.items():
            if name in values:
                at = _join(key, name)
                made[field.name] = self._value(field.type, values[name], at, found)
            elif field.required:
                found.append(self.problem(_join(key, name), "is missing", "add it"))
        if found:
            return None
        return shape(**made)

    def _value(self, kind: Any, value: object, key: str, found: list[Problem]) -> Any:
        """One value as this type; None and a problem where it is not."""
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(kind, value, key, found)
        if (origin := get_origin(kind)) is not None:
            return self._composed[origin](get_args(kind), value, key, found)
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            found.append(self._wrong(key, _NAMES.get(kind, str(kind)), value))
            return None
        return value

    def _list(
        self, kinds: tuple[Any, ...], value: object, key: str, found: list[Problem]
    ) -> Any:
        if not isinstance(value, list):
            found.append(self._wrong(key, "a list", value))
            return ()
        return tuple(
            self._value(kinds[0], item, f"{key}[{n}]", found)
            for n, item in enumerate(value)
        )

    def _dict(
        self, kinds: tuple[Any, ...], value: object, key: str, found: list[Problem]
    ) -> Any:
        if not isinstance(value, dict):
            found.append(self._wrong(key, "a table", value))
            return {}
        return {
            name: self._value(kinds[1], item, _join(key, name), found)
            for name, item in value.items()
        }

    def _one_of(
        self, choices: tuple[Any, ...], value: object, key: str, found: list[Problem]
    ) -> Any:
        for choice in choices:
            if type(choice) is type(value) and choice == value:
                return value
        listed = ", ".join(str(choice) for choice in choices)
        close = difflib.get_close_matches(str(value), [str(c) for c in choices], 1)
        remedy = f'did you mean "{close[0]}"?' if close else f"one of {listed}"
        found.append(self.problem(key, f"{_shown(value)} is not allowed", remedy))
        return None

    def _either(
        self, kinds: tuple[Any, ...], value: object, key: str, found: list[Problem]
    ) -> Any:
        for kind in kinds:
            if kind is not types.NoneType:
                tried: list[Problem] = []
                made = self._value(kind, value, key, tried)
                if not tried:
                    return made
        names = [_NAMES.get(kind, str(kind)) for kind in kinds if kind in _NAMES]
        found.append(self._wrong(key, " or ".join(names), value))
        return None

    def _wrong(self, key: str, expected: str, value: object) -> Problem:
        return self.problem(key, f"expected {expected}, got {_shown(value)}")

    def _unknown(self, key: str, name: str, fields: Iterable[str]) -> Problem:
        close = difflib.get_close_matches(name, [*fields], 1)
        remedy = f'did you mean "{close[0]}"?' if close else "remove it"
        return self.problem(key, "is not a known key", remedy)


def load(text: str, source: str) -> tuple[Table | None, list[Problem]]:
    """Parse TOML text; `source` names it. None and one problem if it is no TOML."""
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        line = _TOML_LINE.search(str(error))
        where = f"{source}:{line[1]}" if line else source
        return None, [Problem(where, "", f"is not TOML: {error}", "correct the line")]
    return Table(values, source, _locate(text)), []


def _locate(text: str) -> dict[str, int]:
    """Dotted key -> line, for table headers, arrays of tables and plain keys."""
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    prefix = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            name = _plain(header[2])
            if header[1] == "[[":
                index = counts[name] = counts.get(name, -1) + 1
                lines.setdefault(name, number)
                prefix = f"{name}[{index}]"
            else:
                prefix = _under_array(name, counts)
            lines.setdefault(prefix, number)
        elif key := _KEY.match(line):
            lines.setdefault(_join(prefix, _plain(key[1])), number)
    return lines


def _under_array(name: str, counts: dict[str, int]) -> str:
    """`[devices.extra]` after `[[devices]]` belongs to the last of them."""
    head, dot, rest = name.partition(".")
    return f"{head}[{counts[head]}]{dot}{rest}" if head in counts else name


def _plain(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value!r}"
