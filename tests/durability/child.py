"""A process that records, acknowledges each group, and may be killed at any time.

It drives the real writer through its public contract. An acknowledgement is one
write(2) of `run/group`, made after the group was told to be durable: what a relay or a
person would have believed. So is `open SEQ`: what the writer called committed when it
opened.

A plan can weaken the journal. The writer sets and checks its pragmas when it opens, so
the weakening is done later, before each BEGIN: the writer's own check stays honest.
"""

import collections
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from durability.plan import SITE, Plan, group, waited

from devicelog.clock import SystemClock
from devicelog.errors import JournalError
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model.flow import Draft

_TESTS = str(Path(__file__).parents[1])
ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join(
        [_TESTS, *filter(None, [os.environ.get("PYTHONPATH")])]
    )
}
_WAIT_S = 60.0
_OPENINGS = 100


def command(plan: Plan) -> list[str]:
    """What starts this process; in `ENVIRONMENT`."""
    told = msgspec.json.encode(plan).decode()
    return [sys.executable, "-m", "durability.child", told]


def writer(directory: str, ballast_mb: int = 0) -> Writer:
    """The real writer on this directory."""
    settings = JournalSettings(directory, commit_interval_ms=1, ballast_mb=ballast_mb)
    return Writer(settings, simulated=True, site=SITE, clock=SystemClock())


def record(plan: Plan, tell: Callable[[str], Any]) -> None:
    """Append what the plan says; `tell` gets each acknowledgement, and what failed."""
    errors = _weaken(plan)
    journal = _opened(plan, tell)
    tell(f"open {journal.committed}")
    pending: list[str] = []
    for number, wait in zip(range(plan.groups), waited(plan), strict=False):
        if journal.failed is not None:
            break
        pending.append(f"{plan.run}/{number}")
        drafts = group(plan, number)
        if plan.hasty or not wait:
            journal.submit(drafts)
        elif not _appended(journal, drafts):
            tell(f"raised {pending.pop()}")
            continue
        if plan.hasty or wait:
            for name in pending:
                tell(name)
            pending.clear()
    tell(f"errors {json.dumps(errors)}")
    if plan.ending == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    journal.close()


def _appended(journal: Writer, drafts: list[Draft]) -> bool:
    try:
        journal.append(drafts, _WAIT_S)
    except JournalError:
        return False
    return True


def _opened(plan: Plan, tell: Callable[[str], Any]) -> Writer:
    """The writer, open. A disk that fails may fail here too: a start is repeated."""
    for _ in range(_OPENINGS):
        journal = writer(plan.directory, plan.ballast_mb)
        try:
            journal.open()
        except (JournalError, OSError, sqlite3.Error) as error:
            tell(f"closed {error}")
        else:
            return journal
    raise JournalError(f"not open after {_OPENINGS} attempts")


def _weaken(plan: Plan) -> dict[str, int]:
    """Put the plan's pragmas behind the writer's back; count SQLite's errors."""
    pragmas = []
    if plan.weakened:
        pragmas.append(f"PRAGMA synchronous={plan.weakened}")
    if plan.checkpoint_pages:
        pragmas.append(f"PRAGMA wal_autocheckpoint={plan.checkpoint_pages}")
    errors: dict[str, int] = collections.Counter()
    genuine = sqlite3.connect

    def connect(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        base = kwargs.pop("factory", sqlite3.Connection)

        class Connection(base):
            def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
                if sql.lstrip().upper().startswith("BEGIN"):
                    for pragma in pragmas:
                        super().execute(pragma)
                try:
                    return super().execute(sql, *values)
                except sqlite3.Error as error:
                    kind = type(error).__name__
                    errors[getattr(error, "sqlite_errorname", kind)] += 1
                    raise

        return genuine(*args, factory=Connection, **kwargs)

    sqlite3.connect = connect
    return errors


def say(line: str) -> None:
    """One write(2) to standard output."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def serve() -> None:
    """Fork one recorder for each plan on standard input; say `pid N`, then `gone`.

    A fork begins to record in a few milliseconds, where a start of Python takes a
    hundred: a kill has its process all the same.
    """
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            try:
                record(msgspec.json.decode(line, type=Plan), say)
            finally:
                os._exit(1)
        say(f"pid {pid}")
        os.waitpid(pid, 0)
        say("gone")


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        record(msgspec.json.decode(sys.argv[1], type=Plan), say)
