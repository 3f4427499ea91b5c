"""What goes wrong on one line stays on it; in real time, through the whole program."""

import contextlib
import fcntl
import os
import random
import resource
import socket
import sqlite3
import threading
import time
from pathlib import Path
from typing import Self

import pytest
from line.clinic import device, entries, fast, lines, recording, virtual
from line.sums import journalled
from line.wires import Adapter, Pty, serving, wait_until

from devicelog.drivers.simulated.serve import PtyPort, TcpPort
from devicelog.journal.directory import JOURNAL
from devicelog.model import codec
from devicelog.recorder.noise import RAW_BYTES, RAW_ENTRIES

rfc2217 = pytest.mark.filterwarnings("ignore:set.* is deprecated:DeprecationWarning")


def of(found, kind, name):
    return [
        codec.decode(kind, it.body)
        for it in found
        if it.kind == kind and it.device == name
    ]


# --- Bad ports beside a good one --------------------------------------------------


@contextlib.contextmanager
def closing():
    """An adapter that takes each client and hangs up at once."""
    ending = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)

    def serve():
        while not ending.is_set():
            with contextlib.suppress(TimeoutError):
                listener.accept()[0].close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        ending.set()
        thread.join()
        listener.close()


@contextlib.contextmanager
def locked():
    """A pty that somebody else holds."""
    made = Pty()
    other = os.open(made.port, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(other, fcntl.LOCK_EX)
    try:
        yield made.port
    finally:
        os.close(other)
        made.pull()


BAD = {
    "folder": ("unusable", "is a directory"),
    "file": ("unusable", "is not a serial port"),
    "none": ("missing", "is not there"),
    "held": ("busy", "is held by"),
    "silent": ("silent", "no byte arrives"),
    "refused": ("missing", "nothing listens at"),
    "closing": ("missing", "was closed by the other side"),
    "other": ("unusable", "not as RFC 2217 asks"),
}


@rfc2217
def test_each_bad_port_has_its_own_sentence_and_the_good_one_records(tmp_path):
    (tmp_path / "file").write_text("")
    silent, good, raw = Pty(), PtyPort(virtual()), TcpPort(virtual())
    with serving(good, raw), closing() as number, locked() as held:
        ports = {name: tmp_path / name for name in BAD} | {
            "folder": tmp_path,
            "held": held,
            "silent": silent.port,
            "refused": "socket://127.0.0.1:1",
            "closing": f"socket://127.0.0.1:{number}",
            "other": raw.address.replace("socket", "rfc2217") + "?timeout=0.2",
            "good": good.path,
        }
        with recording(tmp_path / "data", ports) as daemon:
            wanted = BAD | {"good": ("online", "online")}

            def wrong():
                told = lines(daemon)
                return {
                    name: told[name]
                    for name, (state, words) in wanted.items()
                    if told[name][0] != state or words not in told[name][1]
                }

            wait_until(lambda: not wrong(), wrong)
            daemon.recording.writer.append([], 10)
            before = len(entries(tmp_path / "data"))
            readings = device(daemon, "good").counts.readings
            wait_until(lambda: device(daemon, "good").counts.readings > readings + 1)
            said = [text for _, text in lines(daemon).values()]
            found = entries(tmp_path / "data")[before:]
    silent.pull()

    assert len(set(said)) == len(wanted)
    # A bad port is told once, not at each try.
    assert {it.device for it in found} <= {"good"}


# --- A device that babbles --------------------------------------------------------


class Babble(threading.Thread):
    """Writes about a megabyte a second to a pty, as far as it is read."""

    def __init__(self, piece: bytes) -> None:
        super().__init__()
        self.pty = Pty()
        self.piece = (piece * 1000)[:1000]
        self.sent = 0
        self._ending = threading.Event()
        os.set_blocking(self.pty.plug, False)

    def run(self):
        while not self._ending.wait(0.001):
            with contextlib.suppress(BlockingIOError):
                self.sent += os.write(self.pty.plug, self.piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        if self.is_alive():
            self.join()
        self.pty.pull()


def rss_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def babble(seconds, tmp_path):
    seed = random.randrange(2**32)
    print("seed", seed)
    noisy = {
        "zeros": Babble(b"\0"),
        "random": Babble(random.Random(seed).randbytes(1000)),
        "starts": Babble(b"\x0a\x04"),  # each pair may begin a frame
    }
    good = PtyPort(virtual())
    with contextlib.ExitStack() as ending:
        ending.enter_context(serving(good))
        for it in noisy.values():
            ending.enter_context(it)
        ports = {name: it.pty.port for name, it in noisy.items()} | {"good": good.path}
        with recording(tmp_path / "data", ports) as daemon:
            wait_until(lambda: device(daemon, "good").line.state == "online")
            for it in noisy.values():
                it.start()
            wait_until(
                lambda: all(lines(daemon)[name][0] == "noise" for name in noisy),
                lambda: lines(daemon),
            )
            warm, began = rss_mb(), time.monotonic()
            readings = device(daemon, "good").counts.readings
            threading.Event().wait(seconds)
            readings = device(daemon, "good").counts.readings - readings
            passed = time.monotonic() - began
            grown = rss_mb() - warm
    print({name: it.sent for name, it in noisy.items()}, readings, passed, grown)
    return noisy, readings, passed, grown


def quiet_beside_noise(seconds, tmp_path):
    noisy, readings, passed, grown = babble(seconds, tmp_path)
    found = entries(tmp_path / "data")
    journalled(found)

    assert readings >= passed - 2  # one a second
    assert grown < 20
    assert of(found, "gap", "good") == []
    assert [it.event for it in of(found, "session", "good")] == ["start"]
    minutes = 1 + (passed + 10) // 60
    for name in noisy:
        kept = [it for it in of(found, "noise", name) if it.raw]
        assert sum(it.count for it in kept) <= RAW_BYTES * minutes
        assert len(kept) <= RAW_ENTRIES * minutes
        assert of(found, "reading", name) == []


def test_three_devices_that_babble_leave_the_fourth_alone(tmp_path):
    quiet_beside_noise(2.5, tmp_path)


@pytest.mark.torture
def test_a_minute_of_babble_leaves_memory_flat(tmp_path):
    quiet_beside_noise(70, tmp_path)


# --- A journal that stalls --------------------------------------------------------


def stall(directory, seconds):
    """Keep the journal's writer waiting, as a slow disk would."""
    other = sqlite3.connect(directory / JOURNAL, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    threading.Event().wait(seconds)
    other.execute("ROLLBACK")
    other.close()


def test_a_stalled_journal_costs_a_gap_and_no_byte(tmp_path):
    directory, profile = tmp_path / "data", fast(tmp_path)
    port = PtyPort(virtual(profile), link=tmp_path / "us-1")
    more = "pending_limit = 5\n"
    with (
        serving(port),
        recording(directory, {"us-1": port.link}, profile=profile, more=more) as daemon,
    ):
        channel = device(daemon).channels["us"]
        wait_until(lambda: channel.emitting)
        stall(directory, 3)
        kept = channel.keeper.kept
        wait_until(lambda: channel.keeper.kept > kept + 5)
    found = entries(directory)
    (counts,) = journalled(found)
    (gap,) = of(found, "gap", "us-1")
    events = [it.event for it in of(found, "session", "us-1")]

    assert gap.cause == "overload"
    assert 2 <= gap.seconds <= 5
    assert events == ["start", "line_lost", "gap"]
    assert port.device.answered - counts.bytes <= 45  # the last, on its way
    assert counts.unanswered <= 1


# --- An RFC 2217 adapter ----------------------------------------------------------


@rfc2217
def test_an_rfc2217_adapter_that_loses_its_network_is_one_gap(tmp_path):
    behind = TcpPort(virtual())
    with serving(behind):
        adapter = Adapter(behind.address)
        with recording(tmp_path / "data", {"us-1": adapter.address}) as daemon:
            line = device(daemon).line
            wait_until(lambda: line.state == "online", lambda: line.text)
            adapter.drop()
            wait_until(lambda: line.state == "missing", lambda: line.text)
            wait_until(lambda: line.state == "online", lambda: line.text)
        adapter.end()
    found = entries(tmp_path / "data")
    journalled(found)

    assert [it.cause for it in of(found, "gap", "us-1")] == ["port"]
