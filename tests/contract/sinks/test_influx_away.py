"""The store is away for a day and comes back: nothing lost, live entries first."""

import os
import threading
import time
from pathlib import Path

import pytest
from contract.sinks.stored import Carried, sink_for
from contract.sinks.test_relay import wait_until
from journals import SITE, clinic, fill, writer

from devicelog.journal.reader import Reader

PAGE = os.sysconf("SC_PAGE_SIZE")
LATE_S = 2.0
GROWN_MB = 20


def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


def prepare(directory, count):
    """A journal with so many readings, and an hour of sessions between."""
    with writer(directory) as journal:
        for first in range(0, count, 2000):
            drafts = [it for group in clinic(first, 2000) for it in group]
            assert journal.submit(drafts)
            while journal.backlog > 20_000:
                time.sleep(0.01)
        journal.append([], 60)


class Live:
    """A reading each 50 ms while the store is caught up, and how late each one was."""

    def __init__(self, journal, relay, first):
        self.journal, self.relay, self.first = journal, relay, first
        self.n = 0  # written
        self.late = []
        self.memory = []

    def go_on(self, until, seconds, flap=None):
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, self.relay.status
            since_ns = self.relay.status.since_ns
            (entry,) = self.journal.append(clinic(self.first + self.n, 1)[0][:1], 10)
            self.n += 1
            self.memory.append(resident_mb())
            self.follow(entry.seq, since_ns)
            if flap:
                flap()
            time.sleep(0.05)

    def follow(self, seq, since_ns):
        """Until it is taken; what comes while the store is away is history."""
        began = time.monotonic()
        while not self.relay.status.position.takes(seq):
            status = self.relay.status
            if not status.connected or status.since_ns != since_ns:
                return
            assert time.monotonic() - began < LATE_S, status
            time.sleep(0.002)
        self.late.append(time.monotonic() - began)


def told(live, count, seconds):
    late = sorted(live.late)
    print(
        f"{count} readings drained in {seconds:.1f} s, {count / seconds:.0f}/s;"
        f" {len(late)} live ones: median {late[len(late) // 2] * 1000:.0f} ms,"
        f" worst {late[-1] * 1000:.0f} ms late;"
        f" memory {live.memory[0]:.0f} to {max(live.memory):.0f} MB"
    )


def away(influxdb, directory, count, seconds, *, flap=None):
    prepare(directory, count)
    sink = sink_for(influxdb)
    with (
        writer(directory, commit_interval_ms=5) as journal,
        Carried(directory, sink, journal) as carried,
    ):
        relay = carried.relay
        wait_until(lambda: relay.status.connected)
        live = Live(journal, relay, 10**7)
        before = time.monotonic()
        live.go_on(lambda: relay.status.position.ranges == (), seconds, flap)
        told(live, count, time.monotonic() - before)
        carried.drained(60)
    early = live.memory[min(20, len(live.memory) - 1)]
    assert max(live.memory) - early <= GROWN_MB
    return live


def stored(influxdb):
    query = 'SELECT count("seq") FROM "therapy_reading"'
    (result,) = influxdb.admin(query)
    return result["series"][0]["values"][0][1]


def test_a_backlog_drains_and_live_entries_are_not_late(own_influxdb, tmp_path):
    live = away(own_influxdb, tmp_path, 20_000, 60)

    assert live.late
    assert stored(own_influxdb) == 20_000 + live.n


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_a_day_away(own_influxdb, tmp_path):
    live = away(own_influxdb, tmp_path, 1_000_000, 1200)

    assert stored(own_influxdb) == 1_000_000 + live.n


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_a_day_away_and_then_a_connection_that_flaps(own_influxdb, tmp_path):
    """Killed each five seconds, so that a drain of half a minute meets it often."""
    state = {"next": time.monotonic() + 5}

    def flap():
        if time.monotonic() > state["next"]:
            own_influxdb.kill()
            own_influxdb.start()
            state["next"] = time.monotonic() + 5

    live = away(own_influxdb, tmp_path, 1_000_000, 1200, flap=flap)

    wait_until(lambda: stored(own_influxdb) == 1_000_000 + live.n)


def test_a_hung_store_is_noticed_and_blocks_no_thread(own_influxdb, tmp_path):
    """Half open: the line stands, nobody answers."""
    directory = tmp_path / "data"
    with writer(directory) as journal:
        fill(journal, clinic(0, 100))
        with Carried(directory, sink_for(own_influxdb), journal) as carried:
            carried.drained()
            own_influxdb.front.send_signal(19)  # SIGSTOP
            try:
                since = time.monotonic()
                fill(journal, clinic(100, 10))
                worst, beats = 0.0, carried.relay.beats
                last = since
                while carried.relay.status.connected:
                    now = time.monotonic()
                    assert now - since < 20
                    if carried.relay.beats != beats:
                        beats, last = carried.relay.beats, now
                    worst = max(worst, now - last)
                    threading.Event().wait(0.02)
            finally:
                own_influxdb.front.send_signal(18)  # SIGCONT
            carried.drained()

    assert worst < 5
    with Reader(str(directory)) as view:
        assert view.position("influx").done_to >= 110


def test_what_the_users_of_the_shipped_configuration_may(influxdb, tmp_path):
    """Grafana reads and cannot write; the recorder cannot drop; nobody is refused."""
    if not hasattr(influxdb, "admin"):
        pytest.skip("another server has users of its own")
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 50))
        with Carried(tmp_path, sink_for(influxdb), journal) as carried:
            carried.drained()
    line = f"therapy_reading,site={SITE},device=us-1,channel=us,modality=us seq=1i 1"

    assert influxdb.may("grafana", 'SELECT count("seq") FROM "therapy_reading"')
    assert not influxdb.may("grafana", 'DROP MEASUREMENT "therapy_reading"')
    assert not influxdb.may("grafana", 'DELETE FROM "therapy_reading"')
    assert not influxdb.may("grafana", lines=line)
    assert not influxdb.may("recorder", 'DROP MEASUREMENT "therapy_reading"')
    assert not influxdb.may("recorder", "CREATE USER eve WITH PASSWORD 'x'")
    assert not influxdb.may("recorder", 'DROP DATABASE "devicelog_sim"')
    assert influxdb.may("recorder", lines=line)
    assert not influxdb.may(None, 'SELECT count("seq") FROM "therapy_reading"')
    assert not influxdb.may(None, lines=line)
