"""The recorder's small parts, each by an injected clock."""

import hashlib

import msgspec
import pytest

from devicelog.clock import BUILD_NS, SECOND, ManualClock, SystemClock
from devicelog.drivers.base import Request
from devicelog.errors import PortError
from devicelog.journal.reader import Reader
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model import codec
from devicelog.model.flow import Draft, Identity, Reading
from devicelog.model.kinds import NoiseBody
from devicelog.recorder.drafts import Drafter
from devicelog.recorder.gaps import GapWatch, Seen
from devicelog.recorder.keep import Keeper
from devicelog.recorder.line import IdentityCheck, LineWatch
from devicelog.recorder.noise import MINUTE_NS, RAW_ENTRIES, NoiseBook
from devicelog.recorder.polling import SETTLE_NS, Poller
from devicelog.recorder.timebase import Timebase

DAY = 86_400


def reading(second, state="idle"):
    return Reading("us", state, second * SECOND, second * SECOND, {})


def test_the_anchor_waits_until_nothing_runs():
    clock = ManualClock()
    base = Timebase(clock, "boot")
    base.observe(live=False)
    clock.step_wall(-3600)

    assert base.observe(live=True) == []

    (moved,) = base.observe(live=False)

    assert moved.new_ns - moved.old_ns == -3600 * SECOND


def test_a_boot_at_1970_is_untrusted_until_the_kernel_synchronises():
    clock = ManualClock(wall_ns=0)
    clock.synced = False
    base = Timebase(clock, "boot")
    body = NoiseBody(mono_ns=1, count=1, why="x")
    draft = Drafter("run", "d", "-", base).at("noise", body, clock.mono_ns())

    assert not codec.decode("noise", draft.body).clock_ok

    clock.step_wall(BUILD_NS / SECOND + DAY)
    clock.synced = True
    base.observe(live=False)

    assert base.trusted


def test_a_clock_long_before_the_last_trusted_entry_is_untrusted():
    clock = ManualClock(wall_ns=BUILD_NS + DAY * SECOND)
    clock.synced = False

    assert not Timebase(clock, "b", trusted_ns=BUILD_NS + 3 * DAY * SECOND).trusted
    assert Timebase(clock, "b", trusted_ns=BUILD_NS + DAY * SECOND).trusted


def test_stamps_grow_within_one_anchor_though_the_time_stands():
    drafter = Drafter("run", "d", "c", Timebase(ManualClock(), "boot"))

    assert [drafter.stamp(5) - drafter.stamp(5) for _ in range(3)] == [-1, -1, -1]


def test_a_start_brings_back_thirty_seconds_and_all_readings_are_counted():
    keeper = Keeper()
    kept = []
    for second in range(100):
        kept += keeper.offer(reading(second), live=False)
    started = keeper.offer(reading(100, "running"), live=True)

    assert [it.reading.mono_ns // SECOND for it in kept] == [0, 60]
    assert [it.reading.mono_ns // SECOND for it in started] == [*range(70, 101)]
    assert [it.preroll for it in started] == [True] * 30 + [False]
    assert keeper.kept + keeper.thinned + keeper.held == 101
    assert sum(it.thinned for it in [*kept, *started]) == keeper.thinned


def test_noise_beyond_four_kilobytes_a_minute_is_summed():
    book = NoiseBook()
    first = book.add(0, b"a" * 4000, "x")
    rest = book.add(SECOND, b"b" * 5000, "x")
    (total,) = book.tick(61 * SECOND)

    assert sum(len(it.raw) // 2 for it in (*first, *rest)) == 4096
    assert total.count == 9000 - 4096
    assert total.sha256 == hashlib.sha256(b"b" * 4904).hexdigest()


def test_single_bytes_of_noise_are_summed_beyond_some_entries_a_minute():
    book = NoiseBook()
    raw = [it for n in range(1000) for it in book.add(n, b"x", "y")]
    (total,) = book.tick(MINUTE_NS)
    again = book.add(MINUTE_NS, b"x", "y")

    assert len(raw) == RAW_ENTRIES
    assert total.count == 1000 - RAW_ENTRIES
    assert len(again) == 1
    assert book.deadline is None


def test_an_unanswered_poll_ends_its_cycle_and_identity_is_asked_again():
    who, status = Request("who", b"1"), Request("status", b"2")
    poller = Poller(who, [status], interval_s=1, reply_s=0.5)
    poller.opened(0)
    begin = SETTLE_NS

    assert poller.due(begin - 1, verified=False) is None
    assert poller.due(begin, verified=False) is who
    assert poller.due(begin + 1, verified=False) is None
    assert poller.expire(begin + SECOND // 2) is who
    assert poller.due(begin + SECOND // 2, verified=False) is None
    assert poller.due(begin + SECOND, verified=False) is who
    assert not poller.answered("status", begin + SECOND)
    assert poller.answered("who", begin + SECOND)
    assert not poller.answered("who", begin + SECOND)
    assert poller.due(begin + SECOND + 20_000_000, verified=True) is status


def test_a_beat_slow_enough_to_swap_cables_in_asks_for_identity_each_time():
    who, status = Request("who", b"1"), Request("status", b"2")
    quick = Poller(who, [status], interval_s=2, reply_s=0.5)
    slow = Poller(who, [status], interval_s=10, reply_s=0.5)
    for poller in (quick, slow):
        poller.opened(0)

    assert quick.due(SETTLE_NS, verified=True) is status
    assert slow.due(SETTLE_NS, verified=True) is who


def identity_check(serial="", known=None, owners=None):
    return IdentityCheck("us-1", serial, known, owners or {}, can_ask=True)


def test_another_serial_number_is_refused_and_named():
    check = identity_check("A1", None, {"B2": "us-2", "A1": "us-1"})

    assert "that of us-2: are cables swapped?" in check.see(Identity(serial="B2"))
    assert not check.verified
    unknown = check.see(Identity(serial="C3"))
    assert "expected A1; it is unknown here; if the device was exchanged" in unknown
    assert unknown.endswith('configure serial = "C3"')
    assert "(none) answers" in check.see(Identity())
    assert check.see(Identity(serial="A1")) == ""
    assert check.verified


def test_a_device_never_met_is_not_mistaken_for_one_that_is_known():
    check = identity_check(owners={"B2": "us-2"})

    assert "that of us-2" in check.see(Identity(serial="B2"))
    assert check.see(Identity(serial="N1")) == ""


def test_who_is_learnt_by_one_device_is_known_to_the_others():
    owners = {}
    first = IdentityCheck("us-1", "", None, owners, can_ask=True)
    second = IdentityCheck("us-2", "", None, owners, can_ask=True)

    assert first.see(Identity(serial="A1")) == ""
    assert "that of us-1" in second.see(Identity(serial="A1"))


def test_a_serial_number_of_the_configuration_replaces_what_was_learnt():
    check = identity_check("B2", Identity("OLD", "A1"), {"A1": "us-1", "B2": "us-1"})

    assert check.see(Identity("NEW", "B2")) == ""


def test_another_model_is_refused_where_there_is_no_serial_number():
    check = identity_check(known=Identity("SONO", ""))

    assert "model PULSE answers, expected SONO" in check.see(Identity("PULSE"))
    assert check.see(Identity("SONO")) == ""


def test_a_line_knows_since_when_it_is_as_it_is():
    watch = LineWatch(2 * SECOND)
    assert watch.since is None
    watch.opened(0)
    watch.judge(3 * SECOND)
    assert (watch.state, watch.since) == ("silent", 3 * SECOND)
    for second in range(4, 20):
        watch.byte(second * SECOND)
        watch.judge(second * SECOND)
    assert (watch.state, watch.since) == ("noise", 4 * SECOND)
    watch.reading(20 * SECOND)
    watch.reading(21 * SECOND)
    assert (watch.state, watch.since) == ("online", 20 * SECOND)
    watch.refuse("another", 22 * SECOND)
    assert (watch.state, watch.since) == ("foreign", 22 * SECOND)
    watch.closed(PortError("gone"), 23 * SECOND)
    assert (watch.state, watch.since) == ("missing", 23 * SECOND)


def test_each_state_of_a_line_has_its_own_sentence():
    watch = LineWatch(2 * SECOND)
    said = set()
    for state in ("missing", "busy", "forbidden", "unusable"):
        watch.closed(PortError(f"it is {state}", state=state), 0)
        said.add((watch.state, watch.text))
    watch.opened(0)
    watch.judge(3 * SECOND)
    said.add((watch.state, watch.text))
    watch.byte(3 * SECOND)
    watch.judge(4 * SECOND)
    said.add((watch.state, watch.text))

    assert [state for state, _ in sorted(said)] == sorted(
        ["missing", "busy", "forbidden", "unusable", "silent", "noise"]
    )
    assert len({text for _, text in said}) == 6


def at(second):
    return Seen(at_ns=second * SECOND, mono_ns=second * SECOND)


def test_each_loss_is_one_gap_with_its_length():
    watch = GapWatch(2 * SECOND, Seen(at_ns=0, mono_ns=None))
    first = watch.reading(at(10))
    watch.lost("port")
    watch.lost("port")
    second = watch.reading(at(11))
    third = watch.reading(at(20))
    watch.lost("suspend")
    watch.lost("port")
    fourth = watch.reading(at(21))

    assert [(it.cause, it.seconds) for it in (first, second, third, fourth)] == [
        ("restart", 10.0),
        ("port", 1.0),
        ("silence", 9.0),
        ("suspend", 1.0),
    ]
    assert watch.count == 4


@pytest.mark.parametrize(
    ("seen", "seconds"),
    [
        (Seen(at_ns=90 * SECOND, mono_ns=3 * SECOND), 7.0),
        (Seen(at_ns=4 * SECOND, mono_ns=None), 6.0),
        (Seen(at_ns=4 * SECOND, mono_ns=None, clock_ok=False), None),
        (Seen(at_ns=11 * SECOND, mono_ns=None), None),
    ],
    ids=["same-boot", "other-boot", "untrusted", "backwards"],
)
def test_a_gap_over_a_restart_is_as_long_as_a_clock_can_tell(seen, seconds):
    watch = GapWatch(2 * SECOND, seen)

    assert watch.reading(at(10)).seconds == seconds


def test_the_last_trusted_time_is_that_of_the_newest_trusted_reading(tmp_path):
    settings = JournalSettings(str(tmp_path))
    with Writer(settings, simulated=True, site="sim-x", clock=SystemClock()) as writer:
        for n, trusted in enumerate((True, True, False)):
            it = msgspec.structs.replace(reading(n + 1), clock_ok=trusted)
            body = codec.reading_body(it, "p")
            draft = Draft(it.at_ns, "d", "us", "reading", "", f"r/{n}", body)
            writer.append([draft], 10)

    with Reader(str(tmp_path)) as reader:
        assert reader.last_trusted_ns() == 2 * SECOND
