"""A broker that was away: the gap drains into the real one, what is new goes first."""

import os
import threading
import time
from pathlib import Path

import msgspec
import pytest
from contract.sinks.mqtt_rig import Rig, started
from contract.sinks.published import check
from journals import clinic, fill, reading
from servers.mosquitto import Mosquitto
from servers.proxy import Proxy

from devicelog.clock import SECOND
from devicelog.journal.reader import Reader

LATE_S = 2.0
GROWTH = 20_000_000
_PAGE = os.sysconf("SC_PAGE_SIZE")


def memory():
    """Resident bytes of this process: journal, relay and sink."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


class Watch:
    """Samples memory while it is entered."""

    def __init__(self, interval_s):
        self.samples = [memory()]
        self._interval_s = interval_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_: object):
        self._done.set()
        self._thread.join()

    def _run(self):
        while not self._done.wait(self._interval_s):
            self.samples.append(memory())

    @property
    def growth(self):
        return max(self.samples) - self.samples[0]


def now(n):
    """A reading of this very moment."""
    return msgspec.structs.replace(reading(n, run="live"), at_ns=time.time_ns())


def drain(tmp_path, count, *, every_s, cut_s=None):
    """A gap of so many groups, and a live reading now and then until it is filled."""
    with (
        Mosquitto(tmp_path / "broker") as broker,
        Proxy(broker.port) as proxy,
        Rig(tmp_path, broker, port=proxy.port) as rig,
    ):
        rig.fill(started())
        for first in range(1, count, 2000):
            many = clinic(first, min(2000, count - first + 1))
            fill(rig.journal, [[it for group in many for it in group]])
        witness = broker.witness()
        live = []
        with Watch(min(1.0, every_s)) as watch:
            began = time.monotonic()
            relay = rig.connect()
            done = threading.Event()
            cut = time.monotonic()
            while relay.status.pending or rig.journal.backlog:
                live += rig.journal.append([now(10**7 + len(live))], 10)
                if cut_s and time.monotonic() - cut > cut_s:
                    cut = time.monotonic()
                    proxy.cut()
                done.wait(every_s)
                assert time.monotonic() - began < 600, relay.status
            took = time.monotonic() - began
        witness.settle()
        with Reader(str(rig.directory)) as view:
            kept = {it.seq for it in paged(view)}
        return kept, live, witness, watch, took


def paged(view):
    after = 0
    while page := view.entries(after, kind="reading", limit=5000):
        yield from page
        after = page[-1].seq


def judge(kept, live, witness, watch, took):
    seen, late_s, arrived = [], [], set()
    alive = {it.seq: it.at_ns / SECOND for it in live}
    messages = 0
    for it in witness.stream():
        messages += 1
        if messages % 50 == 0:
            seen.append(it)
        if it.topic.endswith("/telemetry"):
            for note in it.body["readings"]:
                arrived.add(note["seq"])
                if note["seq"] in alive and "historical" not in it.body:
                    late_s.append(it.received_s - alive[note["seq"]])
    check(seen)
    print(
        f"{len(kept)} readings, {len(live)} of them live, in {messages} messages,"
        f" {took:.1f} s: {len(kept) / took:.0f}/s; memory +{watch.growth / 1e6:.1f} MB;"
        f" live ones late by {max(late_s):.3f} s at most"
    )
    assert arrived == kept
    assert len(late_s) >= len(live)
    assert max(late_s) < LATE_S
    assert watch.growth < GROWTH


def test_a_gap_drains_and_live_readings_are_not_late(tmp_path):
    judge(*drain(tmp_path, 20_000, every_s=0.05))


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_a_day_away(tmp_path):
    judge(*drain(tmp_path, 1_000_000, every_s=0.1))


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_a_day_away_on_a_line_that_comes_and_goes(tmp_path):
    kept, _, witness, watch, took = drain(tmp_path, 1_000_000, every_s=0.1, cut_s=11.0)
    arrived = {
        note["seq"]
        for it in witness.stream()
        if it.topic.endswith("/telemetry")
        for note in it.body["readings"]
    }
    print(f"{len(kept)} readings with a cut every 11 s in {took:.1f} s")
    assert arrived == kept
    assert watch.growth < GROWTH
