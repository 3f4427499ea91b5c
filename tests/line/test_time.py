"""Clocks that lie, jump and stop. Order and durations stand; entries say what is wrong.

A treatment R2 begins at second 10 of the device and runs 480 s.
"""

import select
from itertools import pairwise

import pytest
from line.rig import Rig, virtual
from line.sums import journalled

from devicelog.clock import BUILD_NS, SECOND, ManualClock

HOUR, DAY = 3600, 86_400
# The last Sundays of March and October 2027, 01:00 UTC: Europe's two changes.
SPRING_NS = 1_806_195_600 * SECOND
AUTUMN_NS = 1_824_944_400 * SECOND


def unset(wall_ns=0):
    """A clock that nobody has set; the kernel reports no synchronisation."""
    clock = ManualClock(wall_ns)
    clock.synced = False
    return clock


def untouched(rig):
    """R2's totals, and stamps in order and unique under each anchor."""
    (session,) = rig.sessions()
    assert session.totals["wall_s"] == 480
    assert session.totals["emission_s"] == 480
    assert session.totals["energy_j"] == pytest.approx(2160, rel=0.01)
    assert session.totals["gaps"] == 0
    ordered(rig)
    return session


def ordered(rig):
    """Within one anchor `at_ns` grows with `seq`, but for what was held in memory."""
    anchors = {it.new_ns for it in rig.bodies("clock") if it.event == "anchor"}
    lines = {}
    for entry in rig.entries():
        if entry.kind in ("reading", "session", "device", "gap"):
            lines.setdefault((entry.device, entry.channel), []).append(entry)
    for line in lines.values():
        stamps = [entry.at_ns for entry in line]
        assert len(set(stamps)) == len(stamps)
        bodies = {id(it): it for it in line if b'"preroll":true' not in it.body}
        backwards = [a for a, b in pairwise(bodies.values()) if b.at_ns <= a.at_ns]
        assert len(backwards) < max(1, len(anchors))


def anchors(rig):
    return [
        ((it.new_ns - it.old_ns) / SECOND, it.clock_ok)
        for it in rig.bodies("clock")
        if it.event == "anchor" and it.old_ns is not None
    ]


def step(rig, seconds):
    rig.on_loop(lambda: rig.clock.step_wall(seconds))


# --- Steps ------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-HOUR, DAY], ids=["back-1h", "on-1d"])
def test_a_step_in_a_treatment_waits_until_it_is_over(seconds, tmp_path):
    with Rig(tmp_path, us_1=virtual("R2")) as rig:
        rig.run(200)
        step(rig, seconds)
        rig.run(200)
        assert anchors(rig) == []
        rig.run(200)
        session = untouched(rig)

        assert anchors(rig) == [(seconds, True)]
        assert session.ended_ns - session.started_ns == pytest.approx(480e9, abs=1000)


@pytest.mark.parametrize("seconds", [-HOUR, DAY], ids=["back-1h", "on-1d"])
def test_a_step_outside_of_a_treatment_is_followed_within_a_second(seconds, tmp_path):
    with Rig(tmp_path, us_1=virtual("R2", begin_s=30)) as rig:
        began_ns = rig.clock.wall_ns()
        rig.run(15)
        step(rig, seconds)
        rig.run(1.1)
        assert anchors(rig) == [(seconds, True)]
        rig.run(530)
        session = untouched(rig)

        begins_s = (session.started_ns - began_ns) / SECOND
        assert begins_s == pytest.approx(30 + seconds, abs=1.1)


@pytest.mark.parametrize("seconds", [-HOUR, DAY], ids=["back-1h", "on-1d"])
def test_a_step_in_a_pause_moves_the_events_of_its_deadlines_with_it(seconds, tmp_path):
    with Rig(tmp_path, us_1=virtual("R3")) as rig:
        rig.run(10 + 110)  # paused
        rig.jacks["us-1"].device.faults.silent = True
        step(rig, seconds)
        rig.run(5)
        assert anchors(rig) == [(seconds, True)]
        rig.jacks["us-1"].device.faults.silent = False
        rig.run(200)
        (session,) = rig.sessions()
        (lost,) = [it for it in rig.bodies("session") if it.event == "line_lost"]
        now_ns = rig.daemon.recording.timebase.anchor_ns
        ordered(rig)

    assert lost.at_ns == pytest.approx(now_ns + lost.mono_ns, abs=1000)
    assert session.totals["emission_s"] == 220
    assert session.totals["energy_j"] == pytest.approx(440, rel=0.01)


@pytest.mark.parametrize("changes_ns", [SPRING_NS, AUTUMN_NS], ids=["spring", "autumn"])
def test_daylight_saving_changes_nothing(changes_ns, tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    clock = ManualClock(changes_ns - 250 * SECOND)
    with Rig(tmp_path, clock=clock, us_1=virtual("R2")) as rig:
        rig.run(540)
        session = untouched(rig)
        rig.stop()
        journalled(rig.entries())

        assert anchors(rig) == []
        assert session.started_ns < changes_ns < session.ended_ns
        assert session.ended_ns - session.started_ns == pytest.approx(480e9, abs=1000)


# --- Clocks that are not set ------------------------------------------------------


def test_a_boot_at_1970_records_in_order_and_says_so_until_it_is_synchronised(tmp_path):
    with Rig(tmp_path, clock=unset(), us_1=virtual("R2")) as rig:
        rig.run(100)
        rig.on_loop(lambda: setattr(rig.clock, "synced", True))
        step(rig, BUILD_NS / SECOND + DAY)  # 56 years, in the middle of a treatment
        rig.run(300)
        assert not rig.status.clock_ok
        rig.run(200)
        session = untouched(rig)
        bodies = [it.clock_ok for it in rig.bodies("reading")]
        moves = anchors(rig)

        assert "clock_untrusted" in session.flags
        assert session.started_ns < DAY * SECOND
        assert moves == [(BUILD_NS / SECOND + DAY, True)]
        assert bodies == sorted(bodies)  # doubted first, then believed
        assert False in bodies
        assert True in bodies
        assert rig.status.clock_ok


def test_a_boot_at_1970_that_is_synchronised_before_a_treatment_leaves_it_whole(
    tmp_path,
):
    with Rig(tmp_path, clock=unset(), us_1=virtual("R2", begin_s=60)) as rig:
        rig.run(20)
        rig.on_loop(lambda: setattr(rig.clock, "synced", True))
        step(rig, BUILD_NS / SECOND + DAY)
        rig.run(540)
        session = untouched(rig)

    assert session.flags == ()
    assert session.started_ns > BUILD_NS


def test_a_doubted_clock_marks_every_kind_of_entry(tmp_path):
    with Rig(tmp_path, clock=unset(), us_1=virtual("R1")) as rig:
        rig.run(30)
        rig.say("us-1", b"garbage")
        rig.jacks["us-1"].device.faults.silent = True
        rig.run(10)
        rig.stop()
        marks = {
            entry.kind: b'"clock_ok":false' in entry.body for entry in rig.entries()
        }

    assert marks == dict.fromkeys(
        ("audit", "config", "clock", "device", "reading", "session", "noise"), True
    )


def test_clock_accept_is_an_entry_with_both_offsets_and_is_believed(tmp_path):
    wrong_ns = BUILD_NS - 300 * DAY * SECOND
    with Rig(tmp_path, clock=unset(wrong_ns), us_1=virtual("R2", begin_s=60)) as rig:
        rig.run(20)
        assert not rig.status.clock_ok
        step(rig, 5)
        rig.ask("accept_clock")
        rig.run(5)
        assert rig.status.clock_ok
        (accepted,) = [it for it in rig.bodies("clock") if it.event == "accepted"]
        step(rig, -200 * DAY)  # whatever was accepted, this is another matter
        rig.run(5)
        assert not rig.status.clock_ok
        rig.run(540)
        untouched(rig)

    assert accepted.new_ns - accepted.old_ns == 5 * SECOND


def test_clock_accept_in_a_treatment_takes_effect_after_it(tmp_path):
    with Rig(tmp_path, clock=unset(), us_1=virtual("R2")) as rig:
        rig.run(100)
        step(rig, BUILD_NS / SECOND - 10 * DAY)
        rig.ask("accept_clock")
        rig.run(5)
        assert not rig.status.clock_ok
        rig.run(450)
        assert rig.status.clock_ok
        untouched(rig)


def test_an_anchor_of_an_unset_clock_is_not_believed_after_a_restart(tmp_path):
    with Rig(tmp_path, clock=unset(), us_1=virtual("R2", begin_s=10_000)) as rig:
        rig.run(5)
        rig.stop()
        rig.clock.synced = True
        rig.clock.step_wall(BUILD_NS / SECOND + DAY)
        rig.start()
        rig.run(5)
        starts = [it.clock_ok for it in rig.bodies("config") if it.event == "start"]
        assert rig.status.clock_ok

    assert starts == [False, False]  # stamped before the anchor moved


# --- Sleep ------------------------------------------------------------------------


def test_a_sleep_outside_of_a_treatment_is_one_gap(tmp_path):
    with Rig(tmp_path, us_1=virtual("R2", begin_s=10_000)) as rig:
        rig.run(20)
        rig.away(HOUR, asleep=True)
        rig.run(20)
        gaps = [(it.cause, it.seconds) for it in rig.bodies("gap")]
        ordered(rig)

    ((cause, seconds),) = gaps
    assert cause == "suspend"
    assert HOUR <= seconds <= HOUR + 3


def test_a_short_sleep_in_a_treatment_is_a_gap_that_is_not_dosed(tmp_path):
    with Rig(tmp_path, us_1=virtual("R2")) as rig:
        rig.run(100)
        rig.away(60, asleep=True)
        rig.run(440)
        (session,) = rig.sessions()
        gaps = [it.cause for it in rig.bodies("gap")]
        rig.stop()
        journalled(rig.entries())

    assert gaps == ["suspend"]
    assert session.reason == "completed"
    assert session.totals["gaps"] == 1
    assert session.totals["gap_s"] == pytest.approx(60, abs=3)
    assert session.totals["emission_s"] + session.totals["gap_s"] == pytest.approx(
        480, abs=1
    )
    assert session.totals["energy_j"] == pytest.approx(2160 - 60 * 5, rel=0.02)


def test_an_answer_that_slept_in_the_port_is_no_reading(tmp_path):
    with Rig(tmp_path, us_1=virtual("R2")) as rig:
        rig.run(100)
        link = rig.link()
        asked = link.device.poller.sent
        rig.on_loop(lambda: rig.clock.advance(1.0))  # a request is on its way
        assert link.device.poller.sent == asked + 1

        def answered():
            rig.jacks["us-1"].answer(link, rig.now_s)  # running, 390 s left
            assert select.select([link.port.fileno()], [], [], 5)[0]

        rig.away(2 * HOUR, asleep=True, meanwhile=answered)
        rig.run(10)
        silent = link.device.counts.silent_frames
        (session,) = rig.sessions()
        rig.stop()
        journalled(rig.entries())

    # Two identities, and what was so at no known time.
    assert silent == 3
    assert session.reason == "link_lost"
    assert session.totals["wall_s"] == pytest.approx(90, abs=1.1)
    assert session.totals["gaps"] == 0


# --- Restarts ---------------------------------------------------------------------


def test_a_restart_in_the_same_boot_takes_the_same_anchor(tmp_path):
    with Rig(tmp_path, us_1=virtual("R2")) as rig:
        rig.run(100)
        rig.stop()
        rig.clock.step_wall(-HOUR)
        rig.clock.advance(20)
        rig.start()
        rig.run(440)
        (session,) = rig.sessions()
        (gap,) = rig.bodies("gap")

        assert anchors(rig) == [(-HOUR, True)]
        assert (gap.cause, gap.seconds) == ("restart", pytest.approx(21, abs=1.2))
        assert session.reason == "completed"
        assert session.totals["gap_s"] == gap.seconds
        assert session.totals["emission_s"] == pytest.approx(459, abs=2)
        assert session.ended_ns - session.started_ns == pytest.approx(480e9, abs=2e9)
        ordered(rig)


def test_after_a_boot_with_a_set_clock_the_gap_is_known(tmp_path, monkeypatch):
    with Rig(tmp_path, us_1=virtual("R2")) as rig:
        rig.run(100)
        wall_ns = rig.clock.wall_ns()
        rig.reboot(60, wall_ns + 60 * SECOND, monkeypatch)
        rig.start()
        rig.run(400)
        (session,) = rig.sessions()
        (gap,) = rig.bodies("gap")

        assert gap.seconds == pytest.approx(61, abs=1.2)
        assert session.reason == "completed"
        assert session.totals["gap_s"] == pytest.approx(61, abs=1.2)


@pytest.mark.parametrize("first", [True, False], ids=["then-set", "then-unset"])
def test_after_a_boot_with_an_unset_clock_only_the_timer_decides(
    first, tmp_path, monkeypatch
):
    clock = unset() if first else ManualClock()
    with Rig(tmp_path, clock=clock, us_1=virtual("R2")) as rig:
        rig.run(100)
        rig.reboot(60, BUILD_NS + DAY * SECOND if first else 0, monkeypatch)
        rig.clock.synced = first
        rig.start()
        rig.run(400)
        (session,) = rig.sessions()
        (gap,) = rig.bodies("gap")

        assert gap.seconds is None
        assert session.reason == "completed"
        assert session.totals["emission_s"] == pytest.approx(480 - 61, abs=1.2)
        assert "clock_untrusted" in session.flags


def test_another_patient_after_a_boot_is_another_session(tmp_path, monkeypatch):
    with Rig(tmp_path, us_1=virtual("R2")) as rig:
        rig.run(100)
        rig.reboot(600, 0, monkeypatch)
        rig.clock.synced = False
        rig.jacks["us-1"].pull()
        rig.jacks["us-1"].plug(virtual("R3", begin_s=640))  # a minute ago
        rig.start()
        rig.run(400)
        old, new = rig.sessions()

    assert (old.reason, new.reason) == ("logger_stopped", "stopped_early")
    assert old.totals["wall_s"] == pytest.approx(90, abs=1.1)
    assert "start_unseen" in new.flags
    assert new.totals["energy_j"] == pytest.approx(440 - 60 * 2, rel=0.01)
