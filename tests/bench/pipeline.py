"""From chunk to committed entry, in one process: what a reading costs and how long.

A device in treatment is fed through the recorder's own pipeline into its own journal,
back to back and paced by the clock. CPU is all of this process (both threads, the
kernel's part of the commits too), less that of the pacing alone.
"""

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.table import Row

from devicelog.clock import SystemClock, boot_id
from devicelog.drivers.load import load
from devicelog.drivers.modbus import ModbusDriver
from devicelog.journal.ledger import Answer
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.recorder.device import Device
from devicelog.recorder.settings import DeviceSettings
from devicelog.recorder.timebase import Timebase
from devicelog.wire import modbus

RUNS = 3
BURST_S = 0.01  # at 1,000 a second ten devices answer within this
PROFILE = load("us-modbus")
VALUES = {
    "state": "3",
    "time_set_s": 3600,
    "frequency_mhz": 3,
    "duty_pct": 20,
    "duty_raw": "1:4",
    "intensity_w_cm2": 0.5,
    "intensity_actual_w_cm2": 0.5,
    "power_actual_w": 2.5,
    "era_cm2": 5,
    "bnr": 4,
    "contact_ok": True,
    "head_id": "A5",
    "head_serial": "50417",
}


class TimedWriter(Writer):
    """Notes when which entry was durable."""

    def __init__(self, settings: JournalSettings) -> None:
        self.marks: deque[tuple[float, int]] = deque()
        super().__init__(
            settings, simulated=True, site="sim-bench", clock=SystemClock()
        )

    def _settle(self, answers: Sequence[Answer]) -> None:
        super()._settle(answers)
        self.marks.append((time.perf_counter(), self.committed))


class Fed:
    """One device, in treatment since `began`; its answers made before they are fed."""

    def __init__(self, writer: Writer, name: str) -> None:
        self.writer = writer
        self.clock = SystemClock()
        driver = ModbusDriver(PROFILE)
        settings = DeviceSettings(
            name=name, profile="us-modbus", port="/dev/null", access="tap"
        )
        self.device = Device(
            settings,
            driver,
            run_id=f"bench-{time.monotonic_ns()}",
            timebase=Timebase(self.clock, boot_id()),
            taken=lambda _: False,
        )
        (self.asked,) = driver.polls()
        self.driver = driver
        self.answers = {left: self._answer(left) for left in range(35_000, 36_001)}
        self.began_ns = self.clock.mono_ns()
        writer.submit(self.device.opened(self.began_ns).drafts)

    def feed(self) -> int:
        """One answer as it was read now; how many entries came of it."""
        mono_ns = self.clock.mono_ns()
        left = 36_000 - (mono_ns - self.began_ns) // 100_000_000
        self.driver.sent(self.asked)
        answer = self.answers.get(left) or self._answer(left)  # made later, if it lasts
        drafts = self.device.received(mono_ns, answer).drafts
        self.writer.submit(drafts)
        return len(drafts)

    def _answer(self, tenths: int) -> bytes:
        said = {"time_left_s": tenths / 10, "head_temp_c": 24 + tenths % 97 / 10}
        return modbus.response(10, 4, self.driver.encode("status", VALUES | said))


def rows(folder: Path, scale: float) -> Iterator[Row]:
    yield Row(
        "wire, driver, tracker: chunk to drafts, CPU", _alone(folder, scale), "us"
    )
    busy = _busy(folder / "busy", int(20_000 * scale))
    yield Row("back to back: chunk to committed entry, CPU", busy, "us", "< 40")
    fast = _paced(folder / "fast", 1000, 5 * scale)
    yield Row("at 1,000 a second, ten at a time: the same", fast.cpu, "us", "< 40")
    yield Row("   last byte to committed, median", fast.median, "ms")
    yield Row("   last byte to committed, p99", fast.p99, "ms")
    yield Row("   commits (interval 50 ms)", fast.commits, "/s")
    slow = _paced(folder / "slow", 10, 8 * scale)
    yield Row("at 10 a second, one at a time: the same", slow.cpu, "us")
    yield Row("   last byte to committed, median", slow.median, "ms")
    yield Row("   last byte to committed, p99", slow.p99, "ms")
    yield Row("   commits (interval 50 ms)", slow.commits, "/s")
    edges = _edges(folder / "edges", int(60 * scale))
    yield Row("a session's edge: handed over to committed", edges, "ms")


class Paced:
    """What the runs at one rate came to; each list has one value a run."""

    def __init__(self) -> None:
        self.cpu: list[float] = []
        self.median: list[float] = []
        self.p99: list[float] = []
        self.commits: list[float] = []


def _alone(folder: Path, scale: float) -> list[float]:
    """Nothing is committed: what the pipeline alone takes, at full speed."""
    values = []
    with TimedWriter(JournalSettings(str(folder / "alone"))) as writer:
        for run in range(RUNS):
            fed = Fed(writer, f"us-{run}")
            fed.writer = _Nowhere()  # type: ignore[assignment]
            count = int(10_000 * scale)
            before = time.process_time()
            for _ in range(count):
                fed.feed()
            values.append((time.process_time() - before) / count * 1e6)
    return values


def _busy(folder: Path, count: int) -> list[float]:
    """As fast as it goes, a thousand readings a commit: the CPU never falls idle."""
    values = []
    for run in range(RUNS):
        with TimedWriter(JournalSettings(str(folder / str(run)))) as writer:
            feed = Feed(writer, 10)
            before = time.process_time()
            for n in range(count // 10):
                feed.burst()
                if n % 100 == 99:
                    writer.append([], 10)
            writer.append([], 10)
            values.append((time.process_time() - before) / len(feed.fed) * 1e6)
    return values


class _Nowhere:
    def submit(self, _: object) -> bool:
        return True


def _paced(folder: Path, rate: int, seconds: float) -> Paced:
    """So many readings a second, of as many devices as one burst has readings."""
    result = Paced()
    each = max(1, round(rate * BURST_S))
    interval = each / rate
    idle = _cpu_of(interval, seconds, lambda: None)
    for run in range(RUNS):
        with TimedWriter(JournalSettings(str(folder / str(run)))) as writer:
            feed = Feed(writer, each)
            spent = _cpu_of(interval, seconds, feed.burst)
            writer.append([], 10)
            waited = sorted(_waited(feed.fed, writer.marks))
            result.cpu.append((spent - idle) / len(waited) * 1e6)
            result.median.append(statistics.median(waited) * 1e3)
            result.p99.append(waited[int(len(waited) * 0.99)] * 1e3)
            result.commits.append(len(writer.marks) / seconds)
    return result


class Feed:
    """Devices that are fed together; `fed`: when, and which entry came last of it."""

    def __init__(self, writer: TimedWriter, size: int) -> None:
        self.fed: list[tuple[float, int]] = []
        self._devices = [Fed(writer, f"us-{n}") for n in range(size)]
        for it in self._devices:  # starts are edges; they are not what is measured
            it.feed()
        writer.append([], 10)
        self._last = writer.committed
        writer.marks.clear()

    def burst(self) -> None:
        for it in self._devices:
            self._last += it.feed()
            self.fed.append((time.perf_counter(), self._last))


def _cpu_of(interval: float, seconds: float, work: Callable[[], None]) -> float:
    """CPU seconds of this process while it does this work so often, for so long."""
    pause = threading.Event()
    before, began, n = time.process_time(), time.perf_counter(), 0
    while n * interval < seconds:
        work()
        n += 1
        # Not on the commits' own beat: a prime part of the interval to and fro.
        due = began + n * interval + interval * (n * 7 % 11 - 5) / 40
        pause.wait(max(0.0, due - time.perf_counter()))
    return time.process_time() - before


def _waited(
    fed: Sequence[tuple[float, int]], marks: deque[tuple[float, int]]
) -> Iterator[float]:
    """Seconds from each feeding to the commit that made its last entry durable."""
    commits = iter(marks)
    at, durable = next(commits)
    for fed_at, entry in fed:
        while durable < entry:
            at, durable = next(commits)
        yield at - fed_at


def _edges(folder: Path, count: int) -> list[float]:
    """Milliseconds until a start is durable, each."""
    values = []
    with TimedWriter(JournalSettings(str(folder))) as writer:
        for n in range(max(count, 3)):
            fed = Fed(writer, f"us-{n}")
            writer.append([], 10)
            began = time.perf_counter()
            until = writer.committed + fed.feed()
            while writer.committed < until:
                time.sleep(0.0001)
            values.append((time.perf_counter() - began) * 1e3)
    return values
