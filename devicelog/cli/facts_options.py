"""Options for what people add, one for each fact of the catalogue (`model/facts`)."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click
import msgspec
from msgspec import inspect

from devicelog.model.facts import NAMES, Facts

_Command = TypeVar("_Command", bound=Callable[..., Any])


def facts_options(command: _Command) -> _Command:
    """One option each, named as the fact is."""
    info = inspect.type_info(Facts)
    assert isinstance(info, inspect.StructType)  # noqa: S101  (it is one)
    for field in reversed(info.fields):
        command = _option(field.name, field.type)(command)
    return command


def facts_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the command's options that are facts, and were said."""
    return {name: said[name] for name in NAMES if said.get(name) is not None}


def in_words(facts: Facts) -> str:
    """`left knee, gel, pain before 6`: what was said, as it is written in notes."""
    told = msgspec.to_builtins(facts)
    parts = [" ".join(told[name] for name in ("side", "site") if name in told)]
    parts += [
        _word(name, value)
        for name, value in told.items()
        if name not in ("side", "site")
    ]
    return ", ".join(part for part in parts if part).replace("_", " ")


_BARE: Final = frozenset({"coupling", "technique", "layout"})


def _word(name: str, value: object) -> str:
    if isinstance(value, bool):
        return name if value else f"not {name}"
    if name in _BARE:
        return str(value)
    if name.endswith("_cm2"):
        return f"{name.removesuffix('_cm2')} {value:g} cm2"
    return f"{name} {value}"


def _option(name: str, type_: inspect.Type) -> Callable[[_Command], _Command]:
    """What the fact takes decides what the option takes."""
    assert isinstance(type_, inspect.Metadata)  # noqa: S101  (each has a description)
    schema = type_.extra_json_schema or {}
    meaning = str(schema.get("description", ""))
    said = "--" + name.replace("_", "-")
    options = type_.type.types if isinstance(type_.type, inspect.UnionType) else ()
    match next(it for it in options if not isinstance(it, inspect.NoneType)):
        case inspect.BoolType():
            flag = f"{said}/--not-{name.replace('_', '-')}"
            return click.option(flag, name, default=None, help=meaning)
        case inspect.LiteralType(values=values):
            words = click.Choice([str(it) for it in values])
            return click.option(said, name, type=words, help=meaning)
        case inspect.IntType(ge=low, le=high):
            return click.option(
                said, name, type=click.IntRange(low, high), help=meaning
            )
        case _:
            return click.option(said, name, type=float, help=meaning)
