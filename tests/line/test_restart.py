"""Sessions that a run left open, taken up by the next ones from the journal alone."""

import hashlib

import pytest
from line.rig import Rig, virtual
from line.sums import journalled

from devicelog.clock import BUILD_NS, SECOND
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model import codec
from devicelog.model.flow import Draft, SessionEvent


def sealed(rig):
    """The end of the only session; its readings are those that the journal holds."""
    (end,) = [it for it in rig.bodies("session") if it.event == "end"]
    bodies = [it.body for it in rig.entries("reading") if it.subject == end.session_id]
    digest = hashlib.sha256(b"".join(bodies)).hexdigest()
    assert (end.readings, end.readings_sha256) == (len(bodies), digest)
    return end


def restart(rig, away_s):
    rig.stop()
    rig.clock.advance(away_s)
    rig.start()


@pytest.mark.parametrize("restarts", [(100,), (100, 200), (60, 120, 180, 240)])
def test_a_session_over_several_runs_is_one(restarts, tmp_path):
    with Rig(tmp_path, us_1=virtual("R2")) as rig:
        ran = 0
        for at_s in restarts:
            rig.run(at_s - ran)
            restart(rig, 10)
            ran = at_s + 10
        rig.run(520 - ran)
        rig.stop()
        end = sealed(rig)
        counts = journalled(rig.entries())
        gaps = rig.bodies("gap")

    assert end.reason == "completed"
    assert end.totals["gaps"] == len(restarts) == len(gaps)
    assert [it.cause for it in gaps] == ["restart"] * len(restarts)
    assert end.totals["gap_s"] == pytest.approx(sum(it.seconds for it in gaps))
    assert end.totals["wall_s"] == pytest.approx(480, abs=2)
    lost_j = 5 * end.totals["gap_s"]
    assert end.totals["energy_j"] == pytest.approx(2160 - lost_j, rel=0.03)
    assert len(counts) == len(restarts) + 1


def test_runs_of_two_boots_lie_on_one_axis(tmp_path, monkeypatch):
    with Rig(tmp_path, us_1=virtual("R2")) as rig:
        rig.run(60)
        restart(rig, 10)
        rig.run(60)
        rig.reboot(30, rig.clock.wall_ns() + 30 * SECOND, monkeypatch)
        rig.start()
        rig.run(60)
        restart(rig, 10)
        rig.run(300)
        end = sealed(rig)
        gaps = [it.seconds for it in rig.bodies("gap")]

    assert gaps == [pytest.approx(away, abs=1.3) for away in (11, 31, 11)]
    assert end.reason == "completed"
    assert end.totals["gap_s"] == pytest.approx(sum(gaps), abs=0.01)
    assert end.totals["wall_s"] == pytest.approx(480, abs=2)


def test_a_pause_lasts_over_a_restart(tmp_path):
    with Rig(tmp_path, us_1=virtual("R3")) as rig:
        rig.run(10 + 100)
        restart(rig, 10)
        rig.run(200)
        end = sealed(rig)
        told = rig.events()

    assert told == [
        "start",
        "pause",
        "line_lost",
        "gap",
        "resume",
        "end stopped_early",
    ]
    assert end.totals["pauses"] == 1
    assert end.totals["energy_j"] == pytest.approx(440, rel=0.01)


def test_a_session_that_ended_while_nobody_looked_ends_with_its_last_reading(tmp_path):
    with Rig(tmp_path, us_1=virtual("R2")) as rig:
        rig.run(100)
        restart(rig, 3600)
        rig.run(5)
        end = sealed(rig)

    assert end.reason == "logger_stopped"
    assert end.totals["wall_s"] == pytest.approx(90, abs=1.1)


def test_a_run_that_ends_at_rest_leaves_its_last_reading_for_the_gap(tmp_path):
    with Rig(tmp_path, us_1=virtual("R2", begin_s=10_000)) as rig:
        rig.run(50)  # the reading at its start is the last that is kept by itself
        restart(rig, 20)
        rig.run(5)
        rig.stop()
        (gap,) = rig.bodies("gap")
        journalled(rig.entries())

    assert gap.seconds == pytest.approx(21, abs=1.2)


def test_a_session_of_a_device_that_is_no_longer_configured_ends(tmp_path):
    with Rig(tmp_path, us_1=virtual("R2")) as rig:
        rig.run(100)
    with Rig(tmp_path, clock=rig.clock, us_2=virtual("R1", "0002")) as rig:
        rig.run(5)
        end = sealed(rig)
        (session,) = rig.sessions()

    assert (session.device, end.reason) == ("us-1", "logger_stopped")
    assert end.totals["wall_s"] == pytest.approx(90, abs=1.1)


def test_a_session_whose_readings_are_gone_is_taken_up_by_what_its_start_said(tmp_path):
    with Rig(tmp_path, us_1=virtual("R2", begin_s=10_000)) as rig:
        rig.stop()
        start(rig, "us-1.us.20261124T000001Z", {"time_left_s": 478.0})
        rig.clock.advance(5)
        rig.start()
        rig.run(10)
        (session,) = rig.sessions()

    assert session.session_id == "us-1.us.20261124T000001Z"
    assert session.reason == "logger_stopped"  # it is idle


def start(rig, name, values):
    """Only the start of a session, as the journal would hold it."""
    at_ns = rig.clock.wall_ns()
    event = SessionEvent(
        session_id=name,
        event="start",
        channel="us",
        at_ns=at_ns,
        mono_ns=rig.clock.mono_ns(),
        values={"time_set_s": 480.0, **values},
    )
    draft = Draft(
        at_ns, "us-1", "us", "session", name, "old/us-1/us/0", codec.encode(event)
    )
    settings = JournalSettings(rig.directory)
    with Writer(settings, simulated=True, site="sim-line", clock=rig.clock) as writer:
        writer.append([draft], 10)


def test_entries_of_others_about_a_session_are_no_part_of_it(tmp_path):
    with Rig(tmp_path, us_1=virtual("R2")) as rig:
        rig.run(100)
        (session,) = rig.sessions()
        rig.stop()
        settings = JournalSettings(rig.directory)
        with Writer(
            settings, simulated=True, site="sim-line", clock=rig.clock
        ) as writer:
            note = Draft(
                BUILD_NS, "-", "-", "annotation", session.session_id, "note", b'{"v":1}'
            )
            writer.append([note], 10)
        rig.clock.advance(5)
        rig.start()
        rig.run(450)
        end = sealed(rig)

    assert end.reason == "completed"


def test_a_person_closes_a_session_and_the_device_goes_on_in_a_new_one(tmp_path):
    with Rig(tmp_path, us_1=virtual("R2")) as rig:
        rig.run(100)
        (session,) = rig.sessions()
        rig.ask("close_session", session_id=session.session_id)
        rig.run(450)
        old, new = rig.sessions()

    assert (old.reason, new.reason) == ("manual", "completed")
    assert "start_unseen" in new.flags
    whole_j = old.totals["energy_j"] + new.totals["energy_j"]
    assert whole_j == pytest.approx(2160, rel=0.01)


def test_a_session_in_a_second_that_was_used_gets_a_number(tmp_path):
    with Rig(tmp_path, us_1=virtual("accidental")) as rig:
        rig.run(30)
        (first,) = rig.sessions()
        rig.jacks["us-1"].pull()
        # The clock is set back, and another treatment begins in that same second.
        second_ns = first.started_ns // SECOND * SECOND
        back_ns = rig.clock.wall_ns() - (second_ns - 5 * SECOND)
        rig.on_loop(lambda: rig.clock.step_wall(-back_ns / SECOND))
        rig.jacks["us-1"].plug(virtual("accidental", begin_s=rig.now_s + 5.05))
        rig.run(30)
        names = [it.session_id for it in rig.sessions()]

    assert names == [first.session_id, f"{first.session_id}-2"]
