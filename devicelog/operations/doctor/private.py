"""What only the recorder's user may see: its directory, secrets, the master key."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from devicelog.errors import DevicelogError
from devicelog.journal.directory import JOURNAL, LOCK, SHM, WAL
from devicelog.operations import master
from devicelog.operations.doctor.finding import Finding, finding
from devicelog.operations.doctor.world import World

_SECRETS: Final = {
    "mqtt": ("password_file",),
    "influx": ("token_file",),
    "grafana": ("token_file", "source_password_file", "source_token_file"),
    "console": ("key_file",),
}
_OTHERS: Final = stat.S_IRWXO | stat.S_IWGRP


def directory(world: World) -> Iterator[Finding]:
    """Private, writable, and every file of the journal the recorder's own."""
    name, path = "directory", world.directory
    if not path.exists():
        yield from _to_be_made(path)
        return
    is_, found = path.stat(), []
    told = {"directory": path, "owner": _owner(path), "mode": _mode(path)}
    if is_.st_uid != os.geteuid():
        found.append(finding(name, "warning", "not_ours", **told))
    elif not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        found.append(finding(name, "wrong", "not_writable", **told))
    foreign = _foreign(path, is_.st_uid)
    found += [finding(name, "wrong", "foreign", file=it, **told) for it in foreign]
    if is_.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        found.append(finding(name, "wrong", "open", **told))
    yield from found or [finding(name, "ok", "ok", **told)]


def secret_files(world: World) -> Iterator[Finding]:
    """Passwords, tokens and the console's key: readable for us, for no other."""
    name, right = "secrets", True
    for file in secret_paths(world):
        if not os.access(file, os.R_OK):
            right = False
            yield finding(name, "wrong", "unreadable", file=file)
        elif file.stat().st_mode & _OTHERS:
            right = False
            yield finding(name, "wrong", "open", file=file, mode=_mode(file))
    if right:
        yield finding(name, "ok", "ok", files=len(secret_paths(world)))


def master_key(world: World) -> Iterator[Finding]:
    """There, whole, the journal's own, and closed to others."""
    name, path = "master_key", master.path_of(world.config)
    if not path.exists() and not (world.directory / JOURNAL).exists():
        yield finding(name, "ok", "not_yet", file=path)
        return
    try:
        master.keyring(world.config)
    except DevicelogError as error:
        told = {"why": error.message, "hint": error.hint or "see the file"}
        yield finding(name, "wrong", "closed", file=path, **told)
    else:
        yield finding(name, "ok", "ok", file=path)


def secret_paths(world: World) -> list[Path]:
    """All files of secrets that the configuration names."""
    found = []
    for section, keys in _SECRETS.items():
        settings = getattr(world.config, section)
        if not isinstance(settings, msgspec.UnsetType):
            found += [Path(it) for key in keys if (it := getattr(settings, key))]
    return found


# --- Private ----------------------------------------------------------------------


def _to_be_made(path: Path) -> Iterator[Finding]:
    name, above = "directory", next(it for it in path.parents if it.exists())
    told = {"directory": path, "above": above}
    if os.access(above, os.W_OK | os.X_OK):
        yield finding(name, "ok", "not_yet", **told)
    else:
        yield finding(name, "wrong", "not_to_be_made", **told)


def _foreign(path: Path, owner: int) -> Iterator[Path]:
    """Files that another user left there: root's are the usual ones."""
    for name in (JOURNAL, WAL, SHM, LOCK):
        file = path / name
        if file.exists() and file.stat().st_uid != owner:
            yield file


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return str(path.stat().st_uid)


def _mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"
