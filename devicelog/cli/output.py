"""How commands talk: results on stdout, talk on stderr, errors in one shape.

Exit codes: 0 ok, 1 failed, 2 usage, 3 configuration, 4 unreachable, 5 data incomplete.
"""

import functools
import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NoReturn, ParamSpec, TypeVar

import click
import msgspec

from devicelog.errors import DevicelogError

_P = ParamSpec("_P")
_R = TypeVar("_R")

config_option = click.option(
    "--config",
    "config",
    metavar="FILE",
    help="Configuration (default: $DEVICELOG_CONFIG, /etc/devicelog/devicelog.toml).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
limit_option = click.option(
    "--limit",
    default=50,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="At most so many.",
)


def talk(text: str) -> None:
    """Say something that is no result."""
    click.echo(text, err=True)


def fail(error: DevicelogError) -> NoReturn:
    """Say what, where, which value and what to do; exit with the class's code."""
    talk(f"devicelog: {error.message}")
    if error.hint:
        # As another user the same command works: say it whole, ready to be pasted.
        said = shlex.join(["devicelog", *sys.argv[1:]])
        talk(f"  {error.hint.replace('devicelog ...', said)}")
    sys.exit(error.exit_code)


def told(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a command raise DevicelogError and have it told as an error."""

    @functools.wraps(command)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return command(*args, **kwargs)
        except DevicelogError as error:
            fail(error)

    return wrapper


def print_json(value: Any) -> None:
    """One JSON document on stdout, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def utc(at_ns: int | None) -> str:
    """A time as it is printed: UTC, to the second."""
    if at_ns is None:
        return ""
    moment = datetime.fromtimestamp(at_ns / 1_000_000_000, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")
