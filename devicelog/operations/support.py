"""A file for whoever may help from outside: how it all stands, and nobody's data.

Nothing of a patient is asked for, and every text that goes in passes `redacted`.
"""

import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import msgspec

from devicelog import __version__
from devicelog.errors import DevicelogError
from devicelog.journal.directory import JOURNAL
from devicelog.journal.reader import Reader
from devicelog.operations.doctor.finding import Finding
from devicelog.operations.doctor.world import World
from devicelog.operations.redaction import redacted, redacted_value

_NAME: Final = re.compile(r"[\w.-]+")
_UNIT: Final = "devicelog"
_LINES: Final = 2_000
_LOG_S: Final = 20.0
_ELSEWHERE: Final = f"""\
The log is what the recorder writes to its standard error. As a service:
    sudo journalctl -u {_UNIT} -n {_LINES} -o short-iso --no-pager
In a container: docker compose logs devicelog. Started by hand: in its terminal.
Look into it before you send it: nothing is struck out there."""
_ABOUT: Final = """\
How a devicelog recorder and its machine stand: what `devicelog doctor` found, its
status, configuration, alarms, versions and last log lines. Every word that does not
stand in devicelog's own sources, and every number of four digits or more within a text,
is struck out, so that no name, note, pseudonym, password or key can be in it.
"""


def bundle(
    world: World,
    findings: Sequence[Finding],
    to: Path,
    log: Callable[[], Iterable[str]] | None = None,
) -> list[str]:
    """Write a new zip; the names of its members. Raises DevicelogError."""
    members = {
        "about.txt": _ABOUT,
        "versions.json": _json(versions()),
        "doctor.json": _json(redacted_value(msgspec.to_builtins(findings))),
        "configuration.json": _json(redacted_value(_configuration(world))),
        "status.json": _json(redacted_value(_status(world))),
        "alarms.json": _json(redacted_value(_alarms(world))),
        "log.txt": _log(log or journald),
    }
    try:
        with zipfile.ZipFile(to, "x", zipfile.ZIP_DEFLATED) as file:
            for name, content in members.items():
                file.writestr(name, content)
    except OSError as error:
        raise DevicelogError(
            f"{to} cannot be written: {error}", hint="name a new file elsewhere"
        ) from error
    return [*members]


def versions() -> dict[str, str]:
    """Of this program, what it stands on, and the packages it uses."""
    found = {
        "devicelog": __version__,
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
        "system": platform.system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
    }
    for asked in metadata.requires("devicelog") or ():
        if "extra ==" not in asked:
            name = _NAME.match(asked)
            if name is not None:
                found[name[0]] = metadata.version(name[0])
    return found


def journald() -> list[str]:
    """The last lines of the service. Raises DevicelogError: why there are none."""
    program = shutil.which("journalctl")
    if program is None:
        raise DevicelogError("this machine has no journalctl", hint=_ELSEWHERE)
    asked = ["-u", _UNIT, "-n", str(_LINES), "-o", "short-unix", "--no-pager"]
    try:
        ended = subprocess.run(  # noqa: S603  (a fixed command)
            [program, *asked, "--no-hostname", "-q"],
            capture_output=True,
            timeout=_LOG_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DevicelogError(
            f"journalctl does not answer: {error}", hint=_ELSEWHERE
        ) from error
    lines = ended.stdout.decode(errors="replace").splitlines()
    if not lines:
        why = ended.stderr.decode(errors="replace").strip()
        said = f"journalctl shows this user no line of the unit {_UNIT}"
        raise DevicelogError(f"{said}: {why}" if why else said, hint=_ELSEWHERE)
    return lines


# --- Private ----------------------------------------------------------------------


def _configuration(world: World) -> dict[str, Any]:
    if world.loaded is None:
        return {"problems": world.problems}
    config: dict[str, Any] = msgspec.to_builtins(world.config)
    return {"configuration": config, "parked": world.loaded.parked}


def _status(world: World) -> dict[str, Any]:
    """Without sessions, identities and settings: these are of treatments."""
    if world.status is None:
        return {"running": False}
    it: dict[str, Any] = msgspec.to_builtins(world.status)
    kept = ("running", "simulated", "version", "since_ns", "clock_ok", "journal")
    found = {key: it[key] for key in (*kept, "committed", "backlog") if key in it}
    found["sinks"] = it.get("sinks", [])
    told = ("name", "profile", "access", "line", "text", "verified", "counts")
    found["devices"] = [
        {key: device[key] for key in told if key in device}
        for device in it.get("devices", [])
    ]
    return found


def _alarms(world: World) -> list[Any]:
    if world.loaded is None or not (world.directory / JOURNAL).exists():
        return []
    try:
        with Reader(str(world.directory)) as reader:
            found: list[Any] = msgspec.to_builtins(reader.alarms())
    except DevicelogError as error:
        return [{"unread": error.message}]
    return found


def _log(log: Callable[[], Iterable[str]]) -> str:
    """Its lines; where there are none, why, and where they are."""
    try:
        return "".join(f"{_line(it)}\n" for it in log())
    except DevicelogError as error:
        return f"Nothing of the log is here: {redacted(error.message)}.\n{error.hint}\n"


def _line(line: str) -> str:
    """A line of the log; the time before it stays."""
    at, blank, said = line.partition(" ")
    timed = at.replace(".", "", 1).isdigit()
    return f"{at}{blank}{redacted(said)}" if timed else redacted(line)


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
