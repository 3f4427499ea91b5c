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
_OPEN_LIST: Final = re.compile(r"\[\s*(#.*)?$")
_EXACT: Final = 2**53  # below it every whole number is a float
_SHOWN: Final = 80  # characters of a wrong value that are told
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
        if kind is float and type(value) is int and abs(value) < _EXACT:
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
        names = [str(choice) for choice in choices]
        said = value if isinstance(value, str) else ""
        close = difflib.get_close_matches(said, names, 1)
        remedy = (
            f'did you mean "{close[0]}"?' if close else f"one of {', '.join(names)}"
        )
        found.append(self.problem(key, f"{_shown(value)} is not allowed", remedy))
        return None

    def _either(
        self, kinds: tuple[Any, ...], value: object, key: str, found: list[Problem]
    ) -> Any:
        kinds = tuple(kind for kind in kinds if kind is not types.NoneType)
        if len(kinds) == 1:  # optional: TOML has no null, so it is this or absent
            return self._value(kinds[0], value, key, found)
        for kind in kinds:
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
    return Table(values, source, _Locator(text).lines), []


class _Locator:
    """Dotted key -> line, for headers, arrays of tables, keys, and rows of tables.

    It follows the layout that people write (one key or one row a line); where it cannot
    follow, a problem names the line of the nearest key around it.
    """

    def __init__(self, text: str) -> None:
        self.lines: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._prefix = ""
        self._array = ""  # the key whose list is open
        self._quote = ""  # the quotes that end the open text
        for number, line in enumerate(text.split("\n"), 1):
            self._line(number, line)

    def _line(self, number: int, line: str) -> None:
        if self._quote:
            self._quote = "" if self._quote in line else self._quote
        elif self._array:
            if line.lstrip().startswith("{"):
                self._note(self._counted(self._array), number)
            elif line.lstrip().startswith("]"):
                self._array = ""
        elif header := _HEADER.match(line):
            *outer, name = _parts(header[2])
            key = self._under(outer, name)
            self._note(key, number)
            self._prefix = self._counted(key) if header[1] == "[[" else key
            self._note(self._prefix, number)
        elif match := _KEY.match(line):
            key = _join(self._prefix, ".".join(_parts(match[1])))
            self._note(key, number)
            self._open(key, line[match.end() :].strip())

    def _open(self, key: str, value: str) -> None:
        """Remember what the value leaves open at the end of its line."""
        for quote in ('"""', "'''"):
            if value.startswith(quote) and quote not in value[3:]:
                self._quote = quote
        if _OPEN_LIST.match(value):
            self._array = key

    def _under(self, outer: list[str], name: str) -> str:
        """`[devices.extra]` after `[[devices]]` belongs to the last of them."""
        path = ""
        for part in outer:
            path = _join(path, part)
            if path in self._counts:
                path = f"{path}[{self._counts[path]}]"
        return _join(path, name)

    def _counted(self, key: str) -> str:
        index = self._counts[key] = self._counts.get(key, -1) + 1
        return f"{key}[{index}]"

    def _note(self, key: str, number: int) -> None:
        self.lines.setdefault(key, number)


def _parts(key: str) -> list[str]:
    return [part.strip().strip("\"'") for part in key.split(".")]


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _shown(value: object) -> str:
    try:
        text = f'"{value}"' if isinstance(value, str) else f"{value!r}"
    except (ValueError, RecursionError):  # a number of thousands of digits
        text = f"a value that is no {'number' if isinstance(value, int) else 'text'}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
