"""Serial ports: there, ours to open, held by nobody else, greeted by nobody."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from devicelog.journal.directory import JOURNAL
from devicelog.journal.reader import Reader
from devicelog.operations.config_checks import wanders
from devicelog.operations.doctor.finding import Finding, finding
from devicelog.operations.doctor.world import World
from devicelog.recorder.holders import holders
from devicelog.recorder.settings import DeviceSettings
from devicelog.records.register import Book

_RULES: Final = ("etc/udev/rules.d", "run/udev/rules.d", "usr/lib/udev/rules.d")
_RULE: Final = 'ENV{ID_MM_DEVICE_IGNORE}="1"'
_ALL: Final = 'SUBSYSTEM=="tty", ENV{ID_BUS}=="usb",'
_GREETER: Final = "ModemManager"


def ports(world: World) -> Iterator[Finding]:
    """One finding for each device; of one that is away, that it is known to be."""
    if not world.config.devices:
        yield finding("ports", "warning", "none")
    away = _away(world)
    for device in world.config.devices:
        found = _port(world, device)
        if device.name in away and found.case == "missing":
            found = finding("ports", "ok", "away", **found.told)
        yield found


def modem_manager(world: World) -> Iterator[Finding]:
    """It must not run where our rules do not keep it from our ports."""
    name = "modem_manager"
    ruled = any(_rules(folder) for folder in map(world.file, _RULES))
    if ruled:
        yield finding(name, "ok", "kept_off")
    elif _GREETER in _running(world.file("proc")):
        yield finding(name, "wrong", "greets")
    else:
        yield finding(name, "ok", "not_there")


# --- Private ----------------------------------------------------------------------


def _away(world: World) -> set[str]:
    """Devices that are out of service by the register; nobody, without a journal."""
    if not (world.directory / JOURNAL).exists():
        return set()
    with Reader(str(world.directory)) as reader:
        things = Book(reader).at(world.clock.wall_ns()).values()
    return {it.name for it in things if it.thing == "device" and not it.in_service}


def _port(world: World, device: DeviceSettings) -> Finding:
    name, port = "ports", device.port
    told = {"device": device.name, "port": port}
    if not port.startswith("/"):
        return finding(name, "ok", "elsewhere", **told)
    if not Path(port).exists():
        return finding(name, "wrong", "missing", **told)
    if not os.access(port, os.R_OK | os.W_OK):
        return finding(name, "wrong", "denied", **told)
    own = f"(pid {world.status.pid})" if world.status else ""
    others = [it for it in holders(port) if not own or not it.endswith(own)]
    if others:
        return finding(name, "wrong", "held", holders=", ".join(others), **told)
    if wanders(port):
        return finding(name, "warning", "wanders", **told)
    return finding(name, "ok", "ok", **told)


def _rules(folder: Path) -> bool:
    """Whether some rule there keeps ModemManager off."""
    if not folder.is_dir():
        return False
    for file in folder.glob("*.rules"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            for line in file.read_text(encoding="utf-8").splitlines():
                # ModemManager has such rules of its own, for single makers' devices.
                ours = _RULE in line and _ALL in line
                if ours and not line.lstrip().startswith("#"):
                    return True
    return False


def _running(proc: Path) -> set[str]:
    """Names of all processes, as far as they can be seen."""
    found = set()
    for file in proc.glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            found.add(file.read_text(encoding="utf-8", errors="replace").strip())
    return found
