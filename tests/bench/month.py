"""Weeks of a simulated clinic: bytes encoded to entries committed, on a clock of ours.

    python -m bench.month FOLDER DAYS     one JSON object on stdout

In a process of its own, so that its memory is its own. Counts are seen to conserve.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
from bench.table import Row

from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.simulation.conserve import conserved
from devicelog.simulation.month import Month

DAYS = 22
FRIDAY = date(2026, 11, 20)


class Measured(msgspec.Struct):
    """What it took. `cpu_s`: of all threads; `memory_mb`: RSS after each day."""

    readings: int
    kept: int
    wall_s: float
    cpu_s: float
    memory_mb: list[float]


def rows(folder: Path, scale: float) -> Iterator[Row]:
    days = max(3, round(DAYS * scale))
    asked = [sys.executable, "-m", "bench.month", str(folder / "data"), str(days)]
    said = subprocess.run(asked, stdout=subprocess.PIPE, check=True).stdout
    it = msgspec.json.decode(said, type=Measured)
    aim = "< 30" if days == DAYS else ""
    third = len(it.memory_mb) // 3
    first, last = it.memory_mb[:third], it.memory_mb[-third:]
    yield Row(f"{days} days of a clinic: readings", [it.readings], "")
    yield Row("   of them kept", [it.kept], "")
    yield Row("   wall time", [it.wall_s], "s", aim)
    yield Row("   CPU", [it.cpu_s], "s", aim)
    yield Row("   CPU a reading", [it.cpu_s / it.readings * 1e6], "us")
    yield Row("   memory (RSS), the first third of the days", first, "MB")
    yield Row("   the last third", last, "MB", "the same")


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def measured(folder: str, days: int) -> Measured:
    """Make them, into a journal in this folder."""
    memory: list[float] = []
    month = Month(FRIDAY, days)
    began, before = time.perf_counter(), time.process_time()
    settings = JournalSettings(folder, ballast_mb=0)
    with Writer(settings, simulated=True, site="sim-b", clock=month.clock) as writer:
        told = month.write(writer, lambda _: memory.append(_resident_mb()))
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - before
    conserved(folder, told)
    counts = told.counts.values()
    readings, kept = (
        sum(getattr(it, n) for it in counts) for n in ("readings", "kept")
    )
    return Measured(readings, kept, wall_s, cpu_s, memory)


if __name__ == "__main__":
    print(msgspec.json.encode(measured(sys.argv[1], int(sys.argv[2]))).decode())
