"""What a relay sends again: who waited for a clock, and what a store has lost."""

import msgspec
from contract.sinks.harsh import Harsh
from contract.sinks.test_relay import Run, drained, wait_until
from journals import clinic, fill, reading, writer

from devicelog.clock import SECOND, ManualClock, SystemClock
from devicelog.errors import SinkUnavailable
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Draft
from devicelog.model.kinds import ClockBody
from devicelog.sinks.base import Said, Store
from devicelog.sinks.relay import Relay


def clock_entry(n):
    body = ClockBody(
        event="trusted", mono_ns=n, boot_id="b", old_ns=0, new_ns=1_700_000_000
    )
    return Draft(n, "-", "-", "clock", "", f"clock/{n}", codec.encode(body))


class Timeless(Harsh):
    """Does not know when readings were until a clock entry has come."""

    def __init__(self, moods):
        super().__init__(moods)
        self.knows = False

    def send(self, entries, *, historical, view):
        self.knows = self.knows or bool(view.entries(kind="clock", limit=1))
        answers = super().send(entries, historical=historical, view=view)
        if self.knows:
            return answers
        late = {it.seq for it in entries if it.kind == "reading"}
        self.log = [it for it in self.log if it[0] not in late]
        return [
            Said.WAIT if it.seq in late and answer is Said.TAKEN else answer
            for it, answer in zip(entries, answers, strict=True)
        ]


def test_waiting_entries_hold_nothing_up_and_go_once_their_time_is_known(tmp_path):
    sink = Timeless(["ok", "ok", "ok", "keep", "torn", "ok", "down", "keep"])
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 700))
        with Run(tmp_path, sink, journal) as relay:
            wait_until(drained(relay, journal), lambda: relay.status)
            taken = {seq for seq, _ in sink.log}
            fill(journal, [[clock_entry(9)]])
            wait_until(lambda: waiting(tmp_path) == [], lambda: sink.log[-5:])
    with Reader(str(tmp_path)) as view:
        every = {it.seq: it.kind for it in view.entries(limit=10_000)}

    readings = {seq for seq, kind in every.items() if kind == "reading"}
    assert len(readings) == 700
    assert not taken & readings
    late = {seq: historical for seq, historical in sink.log if seq in readings}
    assert late.keys() == readings
    assert all(late.values())


def waiting(directory):
    with Reader(str(directory)) as view:
        return view.waiting("harsh")


def test_waiting_entries_survive_a_restart(tmp_path):
    first, second = Timeless([]), Timeless([])
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 60))
        with Run(tmp_path, first, journal) as relay:
            wait_until(drained(relay, journal))
    with writer(tmp_path) as journal:
        assert len(waiting(tmp_path)) == 60
        fill(journal, [[clock_entry(9)]])
        with Run(tmp_path, second, journal):
            wait_until(lambda: waiting(tmp_path) == [])

    assert {seq for seq, _ in second.log} >= set(range(1, 61)) - {
        seq for seq, _ in first.log
    }


class Lying(Harsh):
    """A store; `life` says when it started, `rows` what it holds."""

    def __init__(self, moods=()):
        super().__init__([*moods])
        self.life = "one"
        self.rows = set()
        self.asked = []

    def send(self, entries, *, historical, view):
        if not self.there:
            raise SinkUnavailable("it has just crashed")
        before = len(self.log)
        try:
            return super().send(entries, historical=historical, view=view)
        finally:
            self.rows |= {seq for seq, _ in self.log[before:]}

    def started(self):
        return self.life

    def lacking(self, entries, view):
        if not self.there:
            raise SinkUnavailable("it has just crashed")
        self.asked += [it.seq for it in entries]
        return [it for it in entries if it.seq not in self.rows]

    def crash(self, since):
        """It comes back without what it took from this one on."""
        self.life += "'"
        self.rows = {seq for seq in self.rows if seq < since}
        self.there = False


def alarms(directory, name="sink/harsh/lost"):
    with Reader(str(directory)) as view:
        return [it for it in view.alarms() if it.name == name]


def test_what_a_store_lost_is_sent_again_and_told(tmp_path):
    sink = Lying()
    assert isinstance(sink, Store)
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 1200))
        with Run(tmp_path, sink, journal) as relay:
            wait_until(drained(relay, journal))
            sink.crash(700)
            wait_until(lambda: any(it.cleared_ns for it in alarms(tmp_path)))
            wait_until(drained(relay, journal))
            proof = relay.status.position.proof

    (told,) = alarms(tmp_path)
    assert told.times == 2  # two pages of it
    assert sink.rows >= set(range(1, journal.committed))
    # What was written again is in doubt again; so is what went to the first life and,
    # for all that is known, to a life between.
    assert proof.since_start == 1
    assert proof.proven == 0
    assert proof.verified_to >= 1200
    assert proof.server == "one'"


def test_a_restart_that_broke_no_connection_is_noticed_within_a_minute(tmp_path):
    clock, sink = ManualClock(), Lying()
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 50))
        relay = Relay(sink, str(tmp_path), journal, clock)
        relay._rest = clock.advance
        with Reader(str(tmp_path)) as view:
            for _ in range(5):
                relay._pass(view)
            sink.crash(20)
            sink.there = True
            passes = 0
            while 30 not in sink.rows:
                relay._pass(view)
                passes += 1

    assert clock.mono_ns() <= 70 * SECOND
    assert passes <= 62


def test_the_same_life_is_not_read_twice(tmp_path):
    sink = Lying()
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 600))
        with Run(tmp_path, sink, journal) as relay:
            wait_until(drained(relay, journal))
            for _ in range(3):
                sink.there = False  # a lost connection, nothing else
                wait_until(lambda: relay.status.position.unread is None)
                wait_until(drained(relay, journal))

    assert len(sink.asked) == len(set(sink.asked))
    assert not alarms(tmp_path)


def test_a_store_that_does_not_say_when_it_started_is_read_from_the_beginning(
    tmp_path,
):
    sink = Lying()
    sink.life = ""
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 100))
        with Run(tmp_path, sink, journal) as relay:
            wait_until(drained(relay, journal))
            assert relay.status.position.proof.since_start == 1
            sink.crash(5)
            sink.life = ""
            wait_until(lambda: sink.rows >= set(range(1, 101)))
            assert relay.status.position.proof.since_start == 1


def test_what_is_refused_for_good_is_not_missed(tmp_path):
    sink = Lying(["ok", "poison"])
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 60))
        with Run(tmp_path, sink, journal) as relay:
            wait_until(drained(relay, journal))
            sink.there = False
            wait_until(lambda: relay.status.position.proof.verified_to >= 60)

    assert not alarms(tmp_path)


def test_a_store_that_leaves_while_it_is_read_is_read_on_later(tmp_path):
    class Leaving(Lying):
        def lacking(self, entries, view):
            if not hasattr(self, "left"):
                self.left = True
                raise SinkUnavailable("away while it is read")
            return super().lacking(entries, view)

    sink = Leaving()
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 100))
        with Run(tmp_path, sink, journal) as relay:
            wait_until(drained(relay, journal))
            sink.crash(50)
            wait_until(lambda: sink.rows >= set(range(1, 101)))


def test_a_reset_keeps_the_proof_and_reads_what_it_sent(tmp_path):
    sink = Lying()
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 100))
        with Run(tmp_path, sink, journal) as relay:
            wait_until(drained(relay, journal))
            relay.reset(10)
            wait_until(lambda: sink.log.count((11, True)) == 2)
            wait_until(drained(relay, journal))
            relay.rewrote(7)
            relay.prove(0, 7)
            wait_until(lambda: relay.status.position.unread is None)
            position = relay.status.position

    assert position.proof.since_start == 1
    assert position.proof.verified_to >= 100
    assert position.proof.night == 7


def test_each_beat_of_a_long_read_back_lets_live_entries_through(tmp_path):
    sink = Lying()
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 3000))
        relay = Relay(sink, str(tmp_path), journal, SystemClock())
        with Reader(str(tmp_path)) as view:
            relay._pass(view)
            while relay.status.pending:
                relay._pass(view)
            sink.crash(1)
            sink.there = True
            relay._connected = False
            seen = []
            for n in range(3):
                fill(journal, [[reading(10**6 + n)]])
                newest = journal.committed
                relay._pass(view)
                seen.append(newest in sink.rows)
            proof = relay.status.position.proof

    assert seen == [True] * 3
    # Two pages: the first pass sent what was written before it had connected.
    assert proof.verified_to == 1000
    assert msgspec.json.encode(proof)


def test_what_was_left_out_goes_before_what_is_read_back(tmp_path):
    """Where the sink comes and goes, a slow read-back would let the gap grow."""
    sink = Lying()
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 3000))
        relay = Relay(sink, str(tmp_path), journal, SystemClock())
        with Reader(str(tmp_path)) as view:
            relay._pass(view)
            while relay.status.pending:
                relay._pass(view)
            sink.crash(1)
            sink.there = True
            relay._connected = False
            known = relay.status.position.last
            fill(journal, clinic(3000, 3000))
            filled = journal.committed
            while relay.status.position.gap:
                assert relay.status.position.proof.verified_to == 0
                relay._pass(view)
            while relay.status.position.proof.verified_to < known:
                relay._pass(view)

    assert sink.rows >= set(range(1, filled))
