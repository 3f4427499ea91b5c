"""Records: the audit chain verified, a patient bound, a big journal backed up.

The journal of ten million readings is made once and kept, some GB, in the folder for
caches; DEVICELOG_BENCH_CACHE names another. A backup is a process of its own, as the
recorder starts it, while five devices are recorded at 500 readings a second.
"""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.pipeline import Feed, TimedWriter
from bench.table import Row
from durability import million
from unit.records.clinic import ANNA, BERND

from devicelog.clock import SystemClock, boot_id
from devicelog.journal.reader import Reader
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model import codec
from devicelog.model.audit import AuditBody
from devicelog.model.flow import Draft
from devicelog.operations.desk import Desk
from devicelog.operations.socket import Request
from devicelog.records import audit
from devicelog.records.request import Moment, View

RUNS = 3
KEY = b"k" * 32
ENTRIES = 10_000_000
RECORDS = 200_000
RATE, DEVICES = 500, 5
BACKUP = (
    "import sys; from datetime import UTC, datetime; from pathlib import Path;"
    " from devicelog.records import backup;"
    " backup.make(sys.argv[1], Path(sys.argv[2]), datetime.now(UTC))"
)


def rows(folder: Path, scale: float) -> Iterator[Row]:
    yield Row("audit chain verified", _verified(folder, scale), "/s", "> 100,000")
    yield from _binding(folder / "bound", scale)
    yield from _backup(folder, scale)


def _verified(folder: Path, scale: float) -> list[float]:
    """Records of the chain a second, each with its mac made again."""
    directory, count = str(folder / "chain"), int(RECORDS * scale)
    body = codec.encode(
        AuditBody(by="x", request="", mono_ns=0, boot_id="", event="shown")
    )
    with _writer(directory) as writer:
        for first in range(0, count, 2000):
            numbers = range(first, min(first + 2000, count))
            writer.append(
                [Draft(n + 1, "-", "-", "audit", "", f"k/{n}", body) for n in numbers],
                60,
            )
        head = _head(directory)
    values = []
    for _ in range(RUNS):
        began = time.perf_counter()
        told = audit.verify(directory, KEY, head)
        values.append(told.records / (time.perf_counter() - began))
        assert told.state == "ok"
    return values


def _binding(folder: Path, scale: float) -> Iterator[Row]:
    """From the request to the durable answer, amid 500 readings a second."""
    with TimedWriter(JournalSettings(str(folder))) as writer:
        feed = Feed(writer, DEVICES)
        desk = Desk(str(folder), writer, _moment, View)
        with Reader(str(folder)) as reader:
            sessions = [it.session_id for it in reader.open_sessions()]
        took: list[float] = []
        ending = threading.Event()

        def ask() -> None:
            n = 0
            while not ending.wait(0.037):  # no beat of the commits or of the readings
                args = {
                    "session_id": sessions[n % len(sessions)],
                    "pseudonym": (ANNA, BERND)[n // len(sessions) % 2],
                    "reason": "wrong_patient",
                    "confirm": True,
                }
                began = time.perf_counter()
                desk.perform(
                    Request(id=f"bench-{n:06}", op="assign", args=args, by="x")
                )
                took.append((time.perf_counter() - began) * 1e3)
                n += 1

        asker = threading.Thread(target=ask)
        asker.start()
        _pace(feed, until=_after(10 * scale))
        ending.set()
        asker.join()
    took.sort()
    what = f"a patient bound amid {RATE} readings a second"
    yield Row(f"{what}, median", [statistics.median(took)], "ms")
    yield Row("   the same, p99", [took[int(len(took) * 0.99)]], "ms")


def _backup(folder: Path, scale: float) -> Iterator[Row]:
    count = round(ENTRIES * scale * scale)
    directory = _big(count)
    to = folder / "to"
    to.mkdir()
    size = (directory / "journal.db").stat().st_size / 1e9
    with TimedWriter(JournalSettings(str(directory))) as writer:
        feed = Feed(writer, DEVICES)
        before = _p99(feed, writer, _after(10 * scale))
        began = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-c", BACKUP, str(directory), str(to)]
        )
        try:
            meanwhile = _p99(feed, writer, lambda: child.poll() is not None)
        finally:
            child.terminate()
            child.wait()
        took = time.perf_counter() - began
        assert child.returncode == 0
    yield Row(f"backup of {count:,} readings ({size:.1f} GB), looked at", [took], "s")
    yield Row(f"at {RATE} readings a second: last byte to committed, p99", before, "ms")
    yield Row("   the same while it is backed up", meanwhile, "ms")


def _big(count: int) -> Path:
    """A journal of so many entries; made once."""
    default = Path.home() / ".cache" / "devicelog-bench"
    place = Path(os.environ.get("DEVICELOG_BENCH_CACHE", default)) / str(count)
    done = place / "done"
    if not done.exists():
        began = time.perf_counter()
        with TimedWriter(JournalSettings(str(place))) as writer:
            for n in range(writer.committed, count, million.GROUP):
                group = range(n, min(n + million.GROUP, count))
                writer.append([million.draft(it) for it in group], 300)
        done.touch()
        print(f"  ({count:,} entries made in {time.perf_counter() - began:.0f} s)")
    return place


def _p99(feed: Feed, writer: TimedWriter, until: Callable[[], bool]) -> list[float]:
    """Milliseconds from the last byte to the commit; p99 of all that were fed."""
    feed.fed.clear()
    writer.marks.clear()
    _pace(feed, until)
    writer.append([], 60)
    commits = iter(writer.marks)
    at, durable = next(commits)
    waited = []
    for fed_at, entry in feed.fed:
        while durable < entry:
            at, durable = next(commits)
        waited.append((at - fed_at) * 1e3)
    waited.sort()
    return [waited[int(len(waited) * 0.99)]]


def _pace(feed: Feed, until: Callable[[], bool]) -> None:
    """So many readings a second, five at a time, not on the commits' own beat."""
    interval, pause = DEVICES / RATE, threading.Event()
    began, n = time.perf_counter(), 0
    while not until():
        feed.burst()
        n += 1
        due = began + n * interval + interval * (n * 7 % 11 - 5) / 40
        pause.wait(max(0.0, due - time.perf_counter()))


def _after(seconds: float) -> Callable[[], bool]:
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() >= end


def _writer(directory: str) -> Writer:
    settings = JournalSettings(directory, ballast_mb=0)
    clock = SystemClock()
    return Writer(
        settings, simulated=True, site="sim-bench", clock=clock, chain_key=KEY
    )


def _head(directory: str) -> audit.Anchor | None:
    with Reader(directory) as reader:
        return audit.head(reader)


def _moment() -> Moment:
    clock = SystemClock()
    return Moment(at_ns=clock.wall_ns(), mono_ns=clock.mono_ns(), boot_id=boot_id())
