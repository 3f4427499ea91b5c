"""The machine: its SQLite, clock, sleep, and upgrades that start it anew."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from devicelog.clock import boot_id
from devicelog.journal.directory import JOURNAL
from devicelog.journal.reader import Reader
from devicelog.operations.doctor.finding import Finding, finding
from devicelog.operations.doctor.world import World
from devicelog.recorder.timebase import Timebase

_OLDEST: Final = (3, 37, 0)
_BUG: Final = ((3, 7, 0), (3, 51, 2))
_MENDED: Final = ((3, 44, 6), (3, 50, 7))  # the same line of versions, from here on
_TARGETS: Final = ("sleep", "suspend", "hibernate", "hybrid-sleep")
_UNITS: Final = ("etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system")
_APT: Final = re.compile(r'^\s*([\w:/-]+)\s+"([^"]*)"\s*;', re.MULTILINE)
_REBOOT: Final = "Unattended-Upgrade::Automatic-Reboot"
_TRUE: Final = frozenset({"true", "1", "yes", "on", "enable", "with"})


def sqlite(_: World) -> Iterator[Finding]:
    """The library that this Python is linked with."""
    yield sqlite_version(sqlite3.sqlite_version_info)


def sqlite_version(version: tuple[int, ...]) -> Finding:
    """Old enough to lack tables, or with the bug at the log's reset."""
    name, told = "sqlite", {"version": ".".join(map(str, version))}
    if version < _OLDEST:
        return finding(name, "wrong", "old", **told)
    mended = any(version[:2] == it[:2] and version >= it for it in _MENDED)
    if _BUG[0] <= version <= _BUG[1] and not mended:
        return finding(name, "ok", "reset_bug", **told)
    return finding(name, "ok", "ok", **told)


def clock(world: World) -> Iterator[Finding]:
    """Whether the recorder believes it, and whether the kernel says it is set."""
    name, synchronised = "clock", world.clock.synchronised()
    if not _trusted(world):
        yield finding(name, "wrong", "untrusted")
    elif not synchronised:
        yield finding(name, "warning", "free")
    else:
        yield finding(name, "ok", "ok")


def sleep(world: World) -> Iterator[Finding]:
    """Whether the machine may fall asleep beside a treatment."""
    name = "sleep"
    if not any(world.file(it).is_dir() for it in _UNITS):
        yield finding(name, "unknown", "no_systemd")
        return
    awake = [it for it in _TARGETS if not _masked(world, f"{it}.target")]
    if awake:
        yield finding(name, "warning", "possible", targets=", ".join(awake))
    else:
        yield finding(name, "ok", "ok")


def upgrades(world: World) -> Iterator[Finding]:
    """Whether an upgrade by itself may start the machine anew."""
    said: dict[str, str] = {}
    folder = world.file("etc/apt/apt.conf.d")
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace")
        for match in _APT.finditer(_plain(text)):
            said[match[1].lower()] = match[2].lower()
    reboots = said.get(_REBOOT.lower(), "false") in _TRUE
    at = said.get(f"{_REBOOT}-Time".lower(), "now")
    if reboots:
        yield finding("upgrades", "wrong", "reboots", at=at)
    else:
        yield finding("upgrades", "ok", "ok")


# --- Private ----------------------------------------------------------------------


def _plain(text: str) -> str:
    """Without comments to the end of a line; `#clear` is one of these here."""
    return re.sub(r"^\s*(//|#).*$", "", text, flags=re.MULTILINE)


def _masked(world: World, unit: str) -> bool:
    for folder in _UNITS[:2]:
        file = world.file(folder) / unit
        if file.is_symlink() and file.readlink() == Path("/dev/null"):
            return True
    return False


def _trusted(world: World) -> bool:
    """As the recorder says that runs; else as one would that starts now."""
    if world.status is not None:
        return world.status.clock_ok
    trusted_ns = None
    if world.loaded is not None and (world.directory / JOURNAL).exists():
        with Reader(str(world.directory)) as reader:
            trusted_ns = reader.last_trusted_ns()
    return Timebase(world.clock, boot_id(), trusted_ns=trusted_ns).trusted
