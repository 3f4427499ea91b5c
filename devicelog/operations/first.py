"""The first start: from what somebody answers to a configuration and a first user."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from devicelog.drivers.load import driver, load
from devicelog.errors import ConfigError
from devicelog.operations.alone import begin
from devicelog.operations.config import Config, parse
from devicelog.operations.config_checks import SIMULATED_PREFIX
from devicelog.recorder.settings import DeviceSettings
from devicelog.records.users import NAME

_HEAD: Final = """\
# Made by the set-up page; yours from now on, the program never rewrites it.
# `devicelog config init FILE` writes a commented sample of all that can be set.
"""
_ZONES: Final = "zoneinfo/"


class Start(msgspec.Struct, frozen=True):
    """What was answered. `kept`: the password as `passwords.hashed` makes it."""

    site: str
    timezone: str
    directory: str
    user: str
    kept: str = ""
    devices: tuple[DeviceSettings, ...] = ()

    def __repr__(self) -> str:
        return f"Start({self.site!r})"


def proposed(default: Path) -> tuple[Start, Path]:
    """Answers to begin with, and where to save them: where this user may write."""
    here, data = Path.cwd(), Path("/var/lib/devicelog")
    directory = data if _may_write(data) else here / "journal"
    path = default if _may_write(default.parent) else here / default.name
    return Start("", _timezone(), str(directory), "admin"), path


def text(start: Start) -> str:
    """The configuration, as TOML."""
    simulated = start.site.startswith(SIMULATED_PREFIX)
    lines = [
        _HEAD,
        "[site]",
        f"name = {_quoted(start.site)}",
        f"timezone = {_quoted(start.timezone)}",
        *(["simulated = true"] if simulated else []),
        "",
        "[journal]",
        f"directory = {_quoted(start.directory)}",
    ]
    for device in start.devices:
        block = {
            key: value
            for key, value in msgspec.structs.asdict(device).items()
            if isinstance(value, str) and value
        }
        lines += ["", "[[devices]]"]
        lines += [f"{key} = {_quoted(value)}" for key, value in block.items()]
    return "\n".join(lines) + "\n"


def checked(start: Start, environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration as `run` would read it. Raises ConfigError: all mistakes."""
    loaded = parse(text(start), "configuration", environ)
    wrong = [problem for them in loaded.parked.values() for problem in them]
    if wrong:
        listed = "\n  ".join(wrong)
        raise ConfigError(f"this cannot be recorded:\n  {listed}")
    return loaded.config


def requests(device: DeviceSettings) -> list[tuple[str, str]]:
    """What would be sent to this device: name and bytes in hex. Raises ConfigError."""
    if device.access == "tap":
        return []
    it = driver(load(device.profile))
    asked = [request for request in (it.identify(), *it.polls()) if request]
    return [(request.name, request.data.hex(" ")) for request in asked]


def save(start: Start, path: Path) -> None:
    """Write the file, 0600 and never over another; make the journal and its admin.

    Raises DevicelogError; then the file is not there.
    """
    config = checked(start)
    if not re.match(NAME, start.user) or not start.kept:
        raise ConfigError(
            "the first user has no name or no password",
            hint="a name is small letters and digits, 16 at most",
        )
    if not path.is_absolute():
        raise ConfigError(
            f'"{path}" depends on where devicelog is started',
            hint="name the file from the root, as in /etc/devicelog/devicelog.toml",
        )
    _write(path, text(start))
    try:
        begin(config, "add_user", name=start.user, role="admin", kept=start.kept)
    except BaseException:
        path.unlink()
        raise


# --- Private ----------------------------------------------------------------------


def _write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123  (a descriptor)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise ConfigError(
            f"{path} exists", hint="it is yours; nothing is written over"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error}",
            hint="name a file where this user may write",
        ) from error


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _may_write(folder: Path) -> bool:
    """Whether this user may make files there, or the folder itself."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK | os.X_OK)


def _timezone() -> str:
    """Of this machine, where its files tell."""
    _, found, zone = str(Path("/etc/localtime").resolve()).rpartition(_ZONES)
    return zone if found else "UTC"
