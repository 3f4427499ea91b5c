"""Serves the set-up page until a configuration is saved, or its time is over."""

import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from devicelog.console.door.hosts import hosts
from devicelog.console.server import Server
from devicelog.console.setup.app import SetUp
from devicelog.console.setup.plan import Plan
from devicelog.errors import ConfigError
from devicelog.operations.first import proposed

MINUTES: Final = 30.0
_HOST: Final = "127.0.0.1"
_PORT: Final = 8470
_LOOK_S: Final = 0.5
_LAST_S: Final = 3.0  # for the style of the last page


def run(
    default: Path,
    tell: Callable[[str], None],
    ending: threading.Event,
    minutes: float = MINUTES,
    language: str = "en",
) -> Path | None:
    """The file that was saved; None where it ended without. `tell` shows the link.

    `default`: the file that `devicelog run` reads. `ending` ends it early.
    """
    plan, token = Plan(*proposed(default)), secrets.token_urlsafe(32)
    server = Server(_HOST, _PORT)
    try:
        listening = server.listen()
    except ConfigError:  # somebody has it: any that is free
        server = Server(_HOST, 0)
        listening = server.listen()
    listening.listen()  # who is quick with the link waits, and is not refused
    ours = hosts(_HOST, server.port, (), tls=False)
    server.serve(SetUp(plan, token, ours, minutes, language).app(), listening)
    tell(f"{server.url}/start/{token}")
    left = minutes * 60
    try:
        while left > 0 and server.alive and not plan.saved.wait(_LOOK_S):
            if ending.is_set():
                return None
            left -= _LOOK_S
        if not plan.saved.is_set():
            return None
        ending.wait(_LAST_S)
        return plan.path
    finally:
        server.close()
