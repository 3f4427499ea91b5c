"""The journal's disk: how much room, how fast it really syncs, and whether it lies."""

import contextlib
import os
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from devicelog.operations.doctor.finding import Finding, finding
from devicelog.operations.doctor.world import World

_LOW: Final = 5e9  # bytes; months of a clinic
_FULL: Final = 500e6
_WRITES: Final = 12
_SIZE: Final = 4096
_LONGEST_S: Final = 2.0
_SLOW_S: Final = 0.1  # an edge of a session waits for one of these
# A disk that turns needs a part of a turn (8 ms at 7,200 a minute), a USB stick or an
# SD card programs a page of flash: neither is done within this.
_QUICKEST_S: Final = 0.000_5
_MEMORY: Final = frozenset({"tmpfs", "ramfs"})


def space(world: World) -> Iterator[Finding]:
    """Room for what comes."""
    name, where = "disk_space", _there(world)
    usage = shutil.disk_usage(where)
    told = {"free_gb": f"{usage.free / 1e9:.1f}", "directory": where}
    if usage.free < _FULL:
        yield finding(name, "wrong", "full", **told)
    elif usage.free < _LOW:
        yield finding(name, "warning", "low", **told)
    else:
        yield finding(name, "ok", "ok", **told)


def syncing(world: World) -> Iterator[Finding]:
    """Small writes, each made durable, as the journal makes them."""
    name, where = "disk_sync", _there(world)
    held = filesystem(where, world.file("proc/self/mounts"))
    if held in _MEMORY:
        yield finding(name, "wrong", "memory", directory=where, filesystem=held)
        return
    if not os.access(where, os.W_OK | os.X_OK):
        yield finding(name, "unknown", "not_writable", directory=where)
        return
    took = sync_s(where)
    told = {"ms": f"{took * 1000:.2f}", "directory": where}
    slow = slow_kind(where, world.file("sys/dev/block"))
    if slow and took < _QUICKEST_S:
        yield finding(name, "warning", "lies", kind=slow, **told)
    elif took > _SLOW_S:
        yield finding(name, "warning", "slow", **told)
    else:
        yield finding(name, "ok", "ok", **told)


def sync_s(directory: Path) -> float:
    """Median seconds of a write of 4 kB until fdatasync returns."""
    took: list[float] = []
    until = time.monotonic() + _LONGEST_S
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        while len(took) < _WRITES and (not took or time.monotonic() < until):
            began = time.perf_counter()
            os.pwrite(file.fileno(), os.urandom(_SIZE), len(took) * _SIZE)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took)


def slow_kind(directory: Path, blocks: Path) -> str:
    """`rotating`, `USB` or `SD card`, if its disk is one; else empty."""
    device = directory.stat().st_dev
    node = blocks / f"{os.major(device)}:{os.minor(device)}"
    with contextlib.suppress(OSError):
        real = node.resolve(strict=True)
        if "/virtio" in str(real):  # says that it turns, whatever is behind it
            return ""
        if re.search(r"/usb\d", str(real)):
            return "USB"
        if re.search(r"/mmcblk\d", str(real)):
            return "SD card"
        for disk in (real, real.parent):  # a partition lies in its disk
            turning = disk / "queue" / "rotational"
            if turning.exists():
                return "rotating" if turning.read_text().strip() == "1" else ""
    return ""


def filesystem(directory: Path, mounts: Path) -> str:
    """The kind of file system on which it lies; empty where it cannot be told."""
    best, held = -1, ""
    real = directory.resolve()
    with contextlib.suppress(OSError):
        for line in mounts.read_text(encoding="utf-8").splitlines():
            _, point, kind, *_ = line.split()
            point = point.replace(r"\040", " ")
            if real.is_relative_to(point) and len(point) >= best:
                best, held = len(point), kind
    return held


def _there(world: World) -> Path:
    """The directory, or before the first run what it is to be made in."""
    path = world.directory
    return next(it for it in (path, *path.parents) if it.exists())
