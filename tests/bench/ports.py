"""The whole recorder as a process, on so many simulated ports; only its own CPU counts.

The virtual devices run in another process. CPU and memory are the kernel's figures
for the recorder's process, readings its own count.
"""

import contextlib
import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from bench.machine import spent_s
from bench.table import Row

from devicelog import drivers
from devicelog.errors import DevicelogError
from devicelog.operations.ask import ask
from devicelog.operations.status import Status

SIZES = (1, 10, 50, 200)
WINDOWS = 3
BOUND_S = 60.0
PROFILES = Path(drivers.__file__).parent / "profiles"


class Mark(NamedTuple):
    """How the recorder stood at one moment."""

    at: float
    cpu_s: float
    readings: int
    unanswered: int
    committed: int
    memory_mb: float


def rows(folder: Path, scale: float) -> Iterator[Row]:
    for size in SIZES:
        place = folder / str(size)
        place.mkdir()
        with recorder(place, size, "treating", interval_s=0.1) as process:
            marks = _marks(process.pid, place, 4 * scale)
        pairs = [*itertools.pairwise(marks)]
        cpu = [100 * (b.cpu_s - a.cpu_s) / (b.at - a.at) for a, b in pairs]
        got = [(b.readings - a.readings) / (b.at - a.at) for a, b in pairs]
        each = [c / 100 / max(g, 1e-9) * 1e6 for c, g in zip(cpu, got, strict=True)]
        lost = marks[-1].unanswered - marks[0].unanswered
        name = f"{size} port{'s' * (size > 1)}, 10 readings/s each"
        yield Row(f"{name}: readings", got, "/s")
        yield Row("   CPU of one core", cpu, "%")
        yield Row("   CPU of a reading, poll and all", each, "us")
        yield Row(f"   memory ({lost} polls unanswered)", [marks[-1].memory_mb], "MB")


def idle_rows(folder: Path, scale: float) -> Iterator[Row]:
    with recorder(folder, 8, "idle", interval_s=1.0) as process:
        marks = _marks(process.pid, folder, 7 * scale)
    cpu = [
        100 * (b.cpu_s - a.cpu_s) / (b.at - a.at) for a, b in itertools.pairwise(marks)
    ]
    yield Row("8 idle devices polled each second: CPU of a core", cpu, "%", "< 2")
    yield Row("   memory (RSS)", [marks[-1].memory_mb], "MB", "< 50")


@contextlib.contextmanager
def recorder(
    folder: Path, size: int, doing: str, *, interval_s: float
) -> Iterator["subprocess.Popen[str]"]:
    """A recorder that reads so many devices, until the block ends."""
    config = configured(folder, size, interval_s)
    asked = [sys.executable, "-m", "bench.simulator", str(size), str(folder), doing]
    with running(asked) as devices:
        assert devices.stdout is not None
        assert devices.stdout.readline() == "ready\n"
        with recording(folder, config, doing) as process:
            yield process


@contextlib.contextmanager
def recording(
    folder: Path, config: Path, doing: str = "treating"
) -> Iterator["subprocess.Popen[str]"]:
    """A recorder of devices that are there already."""
    asked = [sys.executable, "-m", "devicelog", "run", "--config", str(config)]
    with running(asked) as process:
        until = time.monotonic() + BOUND_S
        while not _online(folder, doing):
            assert process.poll() is None, "the recorder ended"
            assert time.monotonic() < until, "the devices are not online"
            time.sleep(0.1)
        time.sleep(1)  # starts of sessions are over
        yield process


@contextlib.contextmanager
def running(asked: list[str]) -> Iterator["subprocess.Popen[str]"]:
    """A process, until the block ends."""
    with subprocess.Popen(
        asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(BOUND_S)


def configured(folder: Path, size: int, interval_s: float, more: str = "") -> Path:
    """A configuration of so many devices; `more`: other tables."""
    profile = folder / "profile.toml"
    text = (PROFILES / "us-modbus.toml").read_text()
    assert "interval_s = 1.0" in text
    profile.write_text(text.replace("interval_s = 1.0", f"interval_s = {interval_s}"))
    head = '[site]\nname = "sim-bench"\nsimulated = true\n'
    blocks = "".join(
        f'[[devices]]\nname = "us-{n}"\nprofile = "{profile}"\n'
        f'port = "{folder}/us-{n}"\n'
        for n in range(size)
    )
    config = folder / "devicelog.toml"
    config.write_text(f'{head}[journal]\ndirectory = "{folder}/data"\n{more}{blocks}')
    return config


def _status(folder: Path) -> Status:
    (raw,) = ask(f"{folder}/data", "status")
    return msgspec.json.decode(raw, type=Status)


def _online(folder: Path, doing: str) -> bool:
    try:
        devices = _status(folder).devices
    except DevicelogError:
        return False
    wanted = "running" if doing == "treating" else "idle"
    return all(it.channels[0].state == wanted for it in devices)


def _marks(pid: int, folder: Path, seconds: float) -> list[Mark]:
    """The recorder before and after each window. A look costs it less than 1 ms."""
    marks = [mark(pid, folder)]
    for _ in range(WINDOWS):
        time.sleep(seconds)
        marks.append(mark(pid, folder))
    return marks


def mark(pid: int, folder: Path) -> Mark:
    """How the recorder stands now."""
    status = _status(folder)
    (memory,) = (
        int(line.split()[1]) / 1024
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS:")
    )
    counts = [it.counts for it in status.devices if it.counts]
    return Mark(
        time.perf_counter(),
        spent_s(pid),
        sum(it.readings for it in counts),
        sum(it.unanswered for it in counts),
        status.committed,
        memory,
    )
