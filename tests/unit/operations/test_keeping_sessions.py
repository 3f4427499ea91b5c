"""Whole sessions leave by age only while they are elsewhere; each condition counts."""

import contextlib
import sqlite3
from pathlib import Path

import msgspec
import pytest
from unit.operations.retiring import YEARS, Archive, hashed, said_of

from devicelog.errors import DevicelogError
from devicelog.export.gather import Gatherer
from devicelog.export.history import Wanted, heading
from devicelog.journal import check, maintenance
from devicelog.model.delivery import Progress, Reject

ONE, TWO, THREE = (f"us-1.us.{n:04}" for n in (1, 2, 3))


@pytest.fixture
def old(tmp_path):
    """Three sessions of two patients and nobody, of ten years ago; all elsewhere."""
    made = Archive(tmp_path)
    anna, bernd = made.add("Anna"), made.add("Bernd")
    made.anna, made.bernd = anna, bernd
    made.ask("ahead", device="us-1", pseudonym=anna)
    made.clock.advance(5)
    made.treated(contacts_lost=2)
    made.desk.carry_out()
    made.treated()
    made.assign(TWO, bernd, note="said in confidence")
    made.treated()
    made.clock.advance(YEARS)
    made.elsewhere()
    yield made
    made.writer.close()


def whole(old):
    """Nothing is damaged, and what is kept is what the entries make."""
    report = check.examine(old.directory / "journal.db")
    assert (report.damage, report.stale) == ((), ())


def test_an_old_session_leaves_with_all_that_is_said_of_it(old):
    before = {it: said_of(old.directory, it) for it in (ONE, TWO)}
    with old.reader() as view:
        uses, ahead = view.uses(), view.entries(kind="binding")[0]
    assert old.night() == ""

    assert old.there() == [THREE]
    assert not said_of(old.directory, ONE) + said_of(old.directory, TWO)
    (told,) = old.retirements()
    assert told.sessions == (ONE, TWO)
    linked = [it for it in before[ONE] + before[TWO] if it.mac] + [ahead]
    kept = sorted((seq, mac) for seq, _, mac in told.links)
    assert kept == sorted((it.seq, it.mac) for it in linked)
    assert {it: count for it, (count, _) in told.patients.items()} == {
        old.anna: 1,
        old.bernd: 1,
    }
    with old.reader() as view:
        assert view.entry(ahead.seq) is None
        assert view.secret("keys", TWO) is None
        assert view.secret("identities", old.bernd) is not None
        assert view.uses() == uses
        assert view.departed(old.anna).sessions == 1
        assert view.departed().sessions == 2
    assert told.sha256 == hashed(next(old.to.glob("*.db")), told)
    whole(old)


def test_a_rebuild_makes_the_same_of_what_is_left(old):
    old.night()
    with old.reader() as view:
        before = view.sessions(), view.uses(), view.devices(), view.ahead()
    old.writer.close()
    maintenance.rebuild(str(old.directory))
    with old.reader() as view:
        assert (view.sessions(), view.uses(), view.devices(), view.ahead()) == before
    whole(old)
    old.open().open()


def test_the_newest_session_of_a_channel_stays(old):
    old.night()
    assert old.there() == [THREE]


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        ({"sessions_years": 0}, 3),
        ({"readings_days": 0}, 3),
        ({"sessions_years": 11}, 3),
        ({"sessions_years": 1, "readings_days": 3660}, 3),
        ({"sessions_years": 1}, 1),
    ],
)
def test_both_ages_count(old, keep, left):
    old.config = old._config(**keep)
    assert old.night() == ""
    assert len(old.there()) == left


def test_what_was_said_lately_must_be_elsewhere_too(old):
    old.ask("annotate", session_id=ONE, facts={"pain_before": 3})
    old.night()
    assert old.there() == [ONE, THREE]
    old.elsewhere()
    old.night()
    assert old.there() == [THREE]


@pytest.mark.parametrize("sink", ["influx", "mqtt"])
def test_a_sink_that_is_behind_keeps_what_it_has_not(old, sink):
    last = said_of(old.directory, ONE)[-1].seq
    old.taken(sink, to=last)
    old.night()
    assert old.there() == [TWO, THREE]


def test_what_was_not_read_back_since_the_stores_start_stays(old):
    last = said_of(old.directory, ONE)[-1].seq
    old.taken("influx", since_start=last + 1)
    old.night()
    assert old.there() == [TWO, THREE]


def test_what_a_sink_refused_stays(old):
    start = next(it for it in said_of(old.directory, ONE) if it.kind == "session")
    with old.reader() as view:
        position = view.position("mqtt")
    old.writer.deliver(Progress("mqtt", position, rejects=(Reject(start.seq, "no"),)))
    old.writer.append([], 10)
    old.night()
    assert old.there() == [ONE, THREE]


def test_without_a_backup_nothing_leaves(old):
    for it in old.to.iterdir():
        it.unlink()
    assert "there is no verified backup" in old.night()
    assert len(old.there()) == 3


def test_a_backup_that_holds_something_else_is_none(old):
    end = next(it for it in said_of(old.directory, ONE) if it.mac)
    with contextlib.closing(sqlite3.connect(next(old.to.glob("*.db")))) as db:
        db.execute("DROP TRIGGER entries_stand")
        db.execute("UPDATE entries SET mac = x'00' WHERE seq = ?", (end.seq,))
        db.commit()
    assert "does not hold the same" in old.night()
    assert len(old.there()) == 3


@pytest.mark.parametrize("of", ["patient", "session"])
def test_a_hold_keeps_a_session_until_it_is_over(old, of):
    whose = {"session_id": ONE} if of == "session" else {"pseudonym": old.anna}
    old.ask("hold", reason="dispute", **whose)
    old.elsewhere()
    old.night()
    assert old.there() == [ONE, THREE]
    old.ask("hold", reason="dispute", over=True, **whose)
    old.elsewhere()
    old.night()
    assert old.there() == [THREE]
    whole(old)


def test_an_untrusted_clock_tells_no_age(old):
    old.trusted = False
    old.night()
    assert len(old.there()) == 3


def test_what_an_untrusted_clock_stamped_stays(tmp_path):
    made = Archive(tmp_path)
    made.start("us-1.us.0000", clock_ok=False)
    made.end("us-1.us.0000")
    made.treated()
    made.clock.advance(YEARS)
    made.elsewhere()
    made.night()
    assert made.there() == ["us-1.us.0000", "us-1.us.0001"]
    made.writer.close()


def test_an_open_session_stays(tmp_path):
    made = Archive(tmp_path)
    made.start("us-1.us.0000")
    for _ in range(2):
        made.treated()
    made.clock.advance(YEARS)
    made.elsewhere()
    made.night()
    assert made.there() == ["us-1.us.0000", "us-1.us.0002"]
    made.writer.close()


def test_without_the_master_key_no_record_leaves_the_chain(old):
    assert "its key is not there" in old.night(key=None)
    assert len(old.there()) == 3


def test_a_record_made_without_the_key_keeps_its_session(old):
    old.writer.close()
    ring, old.ring = old.ring, type("None_", (), {"chain_key": None})()
    with old.open():
        old.ask("annotate", session_id=ONE, facts={"pain_before": 3})
    old.ring = ring
    old.open().open()
    old.clock.advance(YEARS)
    old.elsewhere()
    old.night()
    assert old.there() == [ONE, THREE]


def test_what_is_gone_is_not_there_for_who_asks(old):
    old.night()
    with pytest.raises(DevicelogError, match=f"no session {ONE}"):
        old.assign(ONE, old.bernd)
    old.ask("forget", pseudonym=old.anna, reason="asked", confirm=True)
    old.treated()
    whole(old)
    assert old.verify(old.anchors[0]).state == "ok"


def test_many_leave_in_batches_and_a_night_is_enough(tmp_path, monkeypatch):
    monkeypatch.setattr("devicelog.operations.leaving.SESSIONS", 3)
    made = Archive(tmp_path)
    anna = made.add("Anna")
    for _ in range(20):
        made.assign(made.treated(), anna)
    made.clock.advance(YEARS)
    made.elsewhere()
    made.night()
    told = made.retirements()
    assert [len(it.sessions) for it in told] == [3] * 6 + [1]
    with made.reader() as view:
        departed = view.departed(anna)
    assert departed.sessions == 19
    assert made.there() == ["us-1.us.0020"]
    whole(made)
    for anchor in made.anchors:
        found = made.verify(anchor)
        assert (found.state, found.retired) == ("ok", 2 * 19)
    made.writer.close()


def test_a_backup_made_afterwards_has_the_same_head(old):
    old.night()
    head = old.verify().head
    made = old.copied()
    old.writer.close()
    for it in old.directory.glob("journal.db*"):
        it.unlink()
    (old.directory / "journal.db").write_bytes(Path(made.path).read_bytes())
    found = old.verify(old.anchors[-1])
    assert (found.state, found.head) == ("ok", head)
    old.open().open()
    assert old.there() == [THREE]
    whole(old)


def test_an_export_says_how_many_are_gone(old):
    old.night()
    with old.reader() as view:
        wanted = Wanted(pseudonym=old.anna)
        head = heading(view, wanted, timezone="Europe/Berlin", made_ns=1)
        (told,) = Gatherer(view, head).history.absent
        later = msgspec.structs.replace(wanted, from_ns=old.clock.wall_ns())
        head = heading(view, later, timezone="Europe/Berlin", made_ns=1)
        assert Gatherer(view, head).history.absent == ()
    assert told.startswith("1 session retired by age, the newest of 20")
