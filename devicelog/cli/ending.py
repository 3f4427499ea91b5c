"""How a command that runs for long ends: in order, on a signal or after its time."""

import contextlib
import re
import signal
import threading
from collections.abc import Iterator
from typing import Final

import click

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TIME: Final = re.compile(r"(\d+(?:\.\d+)?) ?(s|min|h)?")
_SECONDS: Final = {None: 1, "s": 1, "min": 60, "h": 3600}


@contextlib.contextmanager
def on_signal() -> Iterator[threading.Event]:
    """An event that SIGINT, SIGTERM or SIGHUP sets, in place of what they else do."""
    ending = threading.Event()
    before = {it: signal.signal(it, lambda *_: ending.set()) for it in _SIGNALS}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def seconds_of(_: click.Context, __: click.Parameter, said: str | None) -> float | None:
    """An option such as 30s or 2min, in seconds."""
    if said is None:
        return None
    match = _TIME.fullmatch(said.strip())
    if match is None or not float(match[1]):
        raise click.BadParameter(f"{said!r} is no time; as in 30s, 2min or 1h")
    return float(match[1]) * _SECONDS[match[2]]


for_option = click.option(
    "--for",
    "seconds",
    metavar="TIME",
    callback=seconds_of,
    help="End after this time, as in 30s or 2min.",
)
