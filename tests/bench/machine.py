"""What the figures were measured on."""

import os
import platform
import sqlite3
import time
from pathlib import Path


def described(folder: Path) -> str:
    return (
        f"{_cpu()}, {len(os.sched_getaffinity(0))} cores; "
        f"{platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}; SQLite {sqlite3.sqlite_version}; "
        f"{_filesystem(folder)} ({folder})"
    )


def spent_s(pid: int) -> float:
    """CPU seconds that this process took so far."""
    return time.clock_gettime((~pid << 3) | 2)  # as clock_getcpuclockid(3) names it


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _filesystem(folder: Path) -> str:
    """The type of the file system that holds this folder."""
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, type_, *_ = line.split()
        if folder.is_relative_to(place) and len(place) >= len(best):
            best, kind = place, type_
    return kind
