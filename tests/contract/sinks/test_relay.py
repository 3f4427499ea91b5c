"""The relay: nothing left out, live first, whatever the sink does."""

import threading
import time

import pytest
from contract.sinks.harsh import Harsh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journals import clinic, entries, fill, reading, writer

from devicelog.clock import SECOND, SystemClock
from devicelog.journal.reader import Reader
from devicelog.model.delivery import Position
from devicelog.sinks.relay import Relay

MOODS = st.lists(
    st.sampled_from(["ok", "ok", "down", "torn", "keep", "poison"]), max_size=25
)


class Run:
    """A relay in its thread, on a real journal."""

    def __init__(self, directory, sink, journal, clock=None):
        # Retries without waiting: how long they wait has a test of its own.
        self.relay = Relay(
            sink, str(directory), journal, clock or SystemClock(), first_wait_s=0.0
        )
        journal.listen(self.relay.wake)
        self.thread = threading.Thread(target=self.relay.run)

    def __enter__(self):
        self.thread.start()
        return self.relay

    def __exit__(self, *_: object):
        self.relay.stop()
        self.thread.join(10)
        assert not self.thread.is_alive()


def wait_until(true, told=lambda: "", seconds=20.0):
    until = time.monotonic() + seconds
    pause = threading.Event()
    while not true():
        assert time.monotonic() < until, told()
        pause.wait(0.005)


def drained(relay, journal):
    # The alarms that the relay itself tells are entries too.
    return lambda: not journal.backlog and relay.status.pending == 0


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(moods=MOODS)
def test_every_entry_arrives_or_is_set_aside(tmp_path_factory, moods):
    directory = tmp_path_factory.mktemp("relay") / "data"
    sink = Harsh([*moods])
    with writer(directory) as journal:
        fill(journal, clinic(0, 60))
        with Run(directory, sink, journal) as relay:
            fill(journal, clinic(60, 60))
            wait_until(drained(relay, journal), lambda: relay.status)
    everything = {it.seq for it in entries(directory)}
    with Reader(str(directory)) as reader:
        position = reader.position("harsh")
        rejects = {it.seq for it in reader.rejects("harsh", 1000)}

    arrived = {seq for seq, _ in sink.log}
    assert arrived | rejects >= {*range(1, position.done_to + 1)}
    assert arrived <= everything
    assert position.ranges == ()
    # An alarm of the relay's own may have been written after it had ended.
    rest = [it.kind for it in entries(directory) if it.seq > position.done_to]
    assert set(rest) <= {"alarm"}
    assert all(seq % 7 == 0 for seq in rejects)
    assert sink.closed


def test_live_entries_go_before_the_past(tmp_path):
    sink = Harsh([])
    with writer(tmp_path / "data") as journal:
        fill(journal, clinic(0, 2500))
        with Run(tmp_path / "data", sink, journal) as relay:
            wait_until(lambda: sink.log)
            (new,) = journal.append([reading(10**6)], 10)
            at = len(sink.log)
            wait_until(drained(relay, journal), lambda: relay.status)

    place = [seq for seq, _ in sink.log].index(new.seq)
    assert place - at <= 2 * 1000  # one batch of history that was under way, no more
    assert [seq for seq, historical in sink.log if historical] == sorted(
        seq for seq, historical in sink.log if historical
    )
    assert (new.seq, False) in sink.log


def test_a_restart_goes_on_where_the_last_run_stood(tmp_path):
    first, second = Harsh([]), Harsh([])
    with writer(tmp_path / "data") as journal:
        fill(journal, clinic(0, 50))
        with Run(tmp_path / "data", first, journal) as relay:
            wait_until(drained(relay, journal))
    with writer(tmp_path / "data") as journal:
        done = len(entries(tmp_path / "data"))
        fill(journal, clinic(50, 50))
        with Run(tmp_path / "data", second, journal) as relay:
            wait_until(drained(relay, journal))

    assert min(seq for seq, _ in second.log) >= done - 1


def test_what_can_be_overwritten_is_presented_when_a_range_opens(tmp_path):
    sink = Harsh(["ok", "ok", "down", "ok"])
    with writer(tmp_path / "data") as journal:
        fill(journal, clinic(0, 10))
        with Run(tmp_path / "data", sink, journal) as relay:
            wait_until(drained(relay, journal))
            fill(journal, clinic(10, 10))
            wait_until(lambda: sink.connects == 2)
            wait_until(drained(relay, journal))

    assert len(sink.presented) == 2


class Hurried(SystemClock):
    """Each look at it is ten seconds later."""

    def __init__(self):
        super().__init__()
        self.looks = 0

    def mono_ns(self):
        self.looks += 1
        return self.looks * 10 * SECOND


@pytest.mark.parametrize(("failures", "alarms"), [(1, 0), (12, 1)])
def test_an_absence_that_lasts_is_told_once_and_so_is_the_return(
    tmp_path, failures, alarms
):
    directory, sink = tmp_path / "data", Harsh(["down"] * failures)
    with (
        writer(directory) as journal,
        Run(directory, sink, journal, Hurried()) as relay,
    ):
        wait_until(lambda: relay.status.connected)
        wait_until(drained(relay, journal))
    with Reader(str(directory)) as reader:
        told = reader.alarms()

    assert len(told) == alarms
    for alarm in told:
        assert (alarm.name, alarm.times) == ("sink/harsh/away", 1)
        assert alarm.cleared_ns is not None
        assert "harsh is down" in alarm.text


def test_rejects_are_counted_and_kept_with_their_reason(tmp_path):
    sink = Harsh(["ok", "poison"])
    with writer(tmp_path / "data") as journal:
        fill(journal, clinic(0, 20))
        with Run(tmp_path / "data", sink, journal) as relay:
            wait_until(drained(relay, journal))
            assert relay.status.rejected >= 2
    with Reader(str(tmp_path / "data")) as reader:
        rejects = reader.rejects("harsh")

    assert {it.reason for it in rejects} == {"divides by seven"}
    assert [it.seq for it in rejects][-2:] == [14, 7]


def test_a_reset_sends_again_as_history_and_live_goes_on(tmp_path):
    sink = Harsh([])
    with writer(tmp_path / "data") as journal:
        fill(journal, clinic(0, 30))
        with Run(tmp_path / "data", sink, journal) as relay:
            wait_until(drained(relay, journal))
            before = len(sink.log)
            relay.reset(10)
            wait_until(lambda: len(sink.log) > before)
            wait_until(drained(relay, journal))

    again = sink.log[before:]
    assert {seq for seq, _ in again} >= set(range(11, 31))
    assert all(historical for seq, historical in again if seq <= 30)
    assert min(seq for seq, _ in again) == 11


def test_holes_in_the_numbers_stop_nothing(tmp_path):
    sink = Harsh([])
    with writer(tmp_path / "data") as journal:
        fill(journal, clinic(0, 30))
        hole = Position(done_to=5, ranges=((200, 199),))
        relay = Relay(sink, str(tmp_path / "data"), journal, SystemClock())
        relay._position = hole
        with Reader(str(tmp_path / "data")) as view:
            sink.connect()
            relay._backfill(view)
            relay._backfill(view)

    assert relay._position == Position(done_to=199)
    assert [seq for seq, _ in sink.log] == [*range(6, journal.committed + 1)]


def test_retries_wait_longer_each_time_up_to_a_minute(tmp_path):
    waits = []
    with writer(tmp_path / "data") as journal:
        relay = Relay(
            Harsh(["down"] * 20), str(tmp_path / "data"), journal, SystemClock()
        )
        relay._rest = waits.append
        with Reader(str(tmp_path / "data")) as view:
            for _ in range(12):
                relay._pass(view)

    assert waits[0] <= 0.2
    assert all(
        0.5 * 0.2 * 2**n <= wait <= 0.2 * 2**n for n, wait in enumerate(waits[:8])
    )
    assert max(waits) <= 60.0
    assert waits[-1] >= 30.0
