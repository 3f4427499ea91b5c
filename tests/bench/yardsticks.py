"""What the machine itself takes, in the same minute: the yardsticks."""

import os
import pty
import sqlite3
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.table import Row
from fastcrc.crc16 import modbus

RUNS = 5
ANSWER = bytes(range(45))  # as long as a status answer
FULL = 80  # answers that a pty holds (4 kB)


def rows(folder: Path, scale: float) -> Iterator[Row]:
    yield Row("read() of a 45 byte answer from a pty, CPU", _read(scale), "us")
    yield Row("write() of an 8 byte request to a pty, CPU", _write(scale), "us")
    yield Row("CRC-16 of 20 bytes, CPU", _crc(scale), "us")
    yield Row(
        "a loop of Python that takes 100 us, after a pause of 10 ms", _cold(scale), "us"
    )
    synced = _fdatasync(folder, scale)
    yield Row("pwrite of 4 kB + fdatasync, wall", synced, "us")
    yield Row("the same, at most", [1e6 / it for it in synced], "/s")
    yield Row(
        "bare SQLite commits, WAL, synchronous=FULL", _sqlite(folder, scale), "/s"
    )


def _cpu_each(count: int, work: Callable[[], object]) -> float:
    """Microseconds of CPU for one of so many."""
    before = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - before) / count * 1e6


def _read(scale: float) -> list[float]:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    os.set_blocking(theirs, False)  # as the recorder reads
    values = []
    for _ in range(RUNS):
        spent, rounds = 0.0, int(200 * scale)
        for _ in range(rounds):
            os.write(ours, ANSWER * FULL)
            time.sleep(0.001)  # the kernel hands it over in a thread of its own
            spent += _cpu_each(FULL, lambda: os.read(theirs, len(ANSWER)))
        values.append(spent / rounds)
    os.close(ours)
    os.close(theirs)
    return values


def _write(scale: float) -> list[float]:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    values = []
    for _ in range(RUNS):
        spent = 0.0
        for _ in range(int(200 * scale)):
            spent += _cpu_each(100, lambda: os.write(theirs, ANSWER[:8]))
            os.read(ours, 65_536)
        values.append(spent / int(200 * scale))
    os.close(ours)
    os.close(theirs)
    return values


def _crc(scale: float) -> list[float]:
    data = ANSWER[:20]
    count = int(200_000 * scale)
    return [_cpu_each(count, lambda: modbus(data)) for _ in range(RUNS)]


def _cold(scale: float) -> list[float]:
    """What work costs that comes now and then, against the same work back to back.

    On a machine that falls idle in between, caches are cold and its clock is slow.
    """

    def work(size: int) -> None:
        made = {}
        for n in range(size):
            made[str(n)] = (n, n * 2.0)

    size = round(100 * 400 / _cpu_each(1000, lambda: work(400)))
    values = []
    for _ in range(RUNS):
        spent, rounds = 0.0, int(50 * scale)
        for _ in range(rounds):
            time.sleep(0.01)
            spent += _cpu_each(1, lambda: work(size))
        values.append(spent / rounds)
    return values


def _fdatasync(folder: Path, scale: float) -> list[float]:
    """As a WAL is written: one page after another into a file that has its size."""
    page, pages = os.urandom(4096), 1000
    fd = os.open(folder / "raw", os.O_RDWR | os.O_CREAT, 0o600)
    os.write(fd, bytes(len(page) * pages))
    os.fsync(fd)
    values = []
    for _ in range(RUNS):
        count = int(400 * scale)
        began = time.perf_counter()
        for n in range(count):
            os.pwrite(fd, page, n % pages * len(page))
            os.fdatasync(fd)
        values.append((time.perf_counter() - began) / count * 1e6)
    os.close(fd)
    return values


def _sqlite(folder: Path, scale: float) -> list[float]:
    db = sqlite3.connect(folder / "bare.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB)")
    body = os.urandom(400)
    values = []
    for _ in range(RUNS):
        count = int(400 * scale)
        began = time.perf_counter()
        for _ in range(count):
            db.execute("INSERT INTO t (body) VALUES (?)", (body,))
        values.append(count / (time.perf_counter() - began))
    db.close()
    return values
