"""Readings leave by age only while they are elsewhere too; each condition counts."""

import contextlib
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journals import SITE, clinic, entries, event, fill, reading, writer

from devicelog.errors import DevicelogError
from devicelog.journal import check, maintenance
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.audit import HoldBody
from devicelog.model.delivery import Position, Progress, Proof, Reject
from devicelog.model.flow import Draft
from devicelog.model.said import BindingBody
from devicelog.operations import leaving
from devicelog.operations.config import parse
from devicelog.operations.desk import Desk
from devicelog.operations.keeping import Keeping
from devicelog.operations.socket import Request
from devicelog.records import backup
from devicelog.records.request import Moment, viewing

DAY = 86_400 * 1_000_000_000
FIRST = 1_800_000_000_000_000_000
LATER = FIRST + 400 * DAY
SINKS = ("influx", "mqtt")
NEWEST = 1  # the newest reading of the one channel stays, which is the trusted one too


def config(site, **keep):
    lines = "".join(f"{name} = {it}\n" for name, it in keep.items())
    text = (
        f'[site]\nname = "{SITE}"\nsimulated = true\ntimezone = "Europe/Berlin"\n'
        f'[journal]\ndirectory = "{site.data}"\nballast_mb = 0\n'
        f'[backup]\nto = "{site.to}"\n[keep]\n{lines}'
    )
    return parse(text, "test.toml", {}).config


class Site:
    """A journal, where its backups go, and sinks that have taken all of it."""

    def __init__(self, path, readings=400, **keep):
        self.data, self.to = path / "data", path / "backup"
        self.to.mkdir(parents=True)
        self.config = config(self, **keep)
        self.moment = Moment(at_ns=LATER, mono_ns=1, boot_id="b")
        self.writing = threading.Lock()
        self.journal = writer(self.data)
        self.journal.open()
        fill(self.journal, clinic(0, readings))

    def taken(self, sink="influx", to=None, **proof):
        """This sink has taken all, or all up to there; a store was read back."""
        with Reader(str(self.data)) as view:
            to = view.last_seq() if to is None else to
        proved = Proof(**({"verified_to": to} | proof))
        self.journal.deliver(Progress(sink, Position(done_to=to, proof=proved)))
        self.journal.append([], 10)

    def copied(self):
        return backup.make(str(self.data), self.to, datetime.now(UTC))

    def ready(self):
        for sink in SINKS:
            self.taken(sink)
        self.copied()
        return self

    def keeper(self, sinks=SINKS):
        return Keeping(self.config, sinks, self.journal.append, lambda: self.moment)

    def night(self, sinks=SINKS):
        """All looks of one night; what is told then."""
        keeper = self.keeper(sinks)
        for _ in range(20):
            keeper.look(self.writing)
        return keeper.told

    def left(self):
        return [it.seq for it in entries(self.data) if it.kind == "reading"]


def retirements(site):
    found = (it for it in entries(site.data) if it.kind == "retirement")
    return [codec.decode(it.kind, it.body) for it in found]


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    yield made
    made.journal.close()


def test_what_is_old_and_elsewhere_leaves_and_all_of_it_adds_up(site):
    before = len(site.ready().left())
    with Reader(str(site.data)) as view:
        sessions = view.sessions()
    assert site.night() == ""
    assert len(site.left()) == NEWEST
    told = retirements(site)
    assert sum(it.count for it in told) == before - NEWEST
    with Reader(str(site.data)) as view:
        after = view.sessions()
        assert sum(it.retired for it in after) == before - NEWEST
    assert [msgspec.structs.replace(it, retired=0) for it in after] == sessions
    site.journal.close()
    report = check.examine(site.data / "journal.db")
    assert (report.damage, report.stale) == ((), ())
    maintenance.rebuild(str(site.data))
    report = check.examine(site.data / "journal.db")
    assert (report.damage, report.stale) == ((), ())
    site.journal = writer(site.data)
    site.journal.open()


def test_a_sink_that_is_behind_keeps_what_it_has_not(site):
    site.ready().taken("mqtt", to=100)
    assert site.night() == (
        "readings older than 365 days wait: mqtt is behind since 2027-01-15"
    )
    assert min(site.left()) == 101


def test_a_sink_that_never_took_anything_keeps_all(site):
    site.taken("influx")
    site.copied()
    assert "mqtt is behind" in site.night()
    assert len(site.left()) == 400


def test_a_sink_that_is_not_configured_any_more_still_counts(site):
    site.ready().taken("mqtt", to=100)
    assert "mqtt is behind" in site.night(sinks=("influx",))
    assert min(site.left()) == 101


@pytest.mark.parametrize("proof", [{"verified_to": 100}, {"since_start": 101}])
def test_what_was_not_read_back_since_the_stores_start_stays(site, proof):
    site.ready().taken("influx", **proof)
    assert "influx is not read back since 2027-01-15" in site.night()
    assert min(site.left()) == 101


def test_what_waits_for_its_time_keeps_what_follows(site):
    told = site.ready()
    with Reader(str(site.data)) as view:
        position = view.position("influx")
    told.journal.deliver(Progress("influx", position, waiting=(101,)))
    told.journal.append([], 10)
    assert "influx waits for the time since" in site.night()
    assert min(site.left()) == 101


def test_without_a_backup_nothing_leaves(site):
    for sink in SINKS:
        site.taken(sink)
    told = site.night()
    assert told == ("readings older than 365 days wait: there is no verified backup")
    assert len(site.left()) == 400


def test_what_is_newer_than_the_backup_stays(site):
    site.copied()
    fill(site.journal, clinic(400, 50))
    for sink in SINKS:
        site.taken(sink)
    assert "the newest verified backup is sim-test-" in site.night()
    assert len(site.left()) == 50


def test_a_backup_that_holds_something_else_is_none(site):
    made = site.ready().copied()
    with contextlib.closing(sqlite3.connect(made.path)) as db:
        db.execute("DROP TRIGGER entries_stay")
        db.execute("DELETE FROM entries WHERE seq = 100")
        db.commit()
    assert "does not hold the same" in site.night()
    assert len(site.left()) == 400


def test_a_backup_of_another_journal_is_none(site, tmp_path):
    other = Site(tmp_path / "other")
    other.journal.close()
    for sink in SINKS:
        site.taken(sink)
    backup.make(str(other.data), site.to, datetime.now(UTC))
    assert "there is no verified backup" in site.night()
    assert len(site.left()) == 400


def test_an_untrusted_clock_lets_nothing_go(site):
    site.ready().moment = msgspec.structs.replace(site.moment, clock_ok=False)
    site.night()
    assert len(site.left()) == 400


def test_what_an_untrusted_clock_stamped_stays(site):
    body = codec.decode("reading", reading(1).body)
    body = msgspec.structs.replace(body, clock_ok=False)
    draft = msgspec.structs.replace(
        reading(900), body=codec.encode(body), at_ns=FIRST - 9 * DAY
    )
    (entry,) = site.journal.append([draft], 10)
    fill(site.journal, clinic(1000, 50))
    site.ready().night()
    assert entry.seq in site.left()
    assert len(site.left()) == 1 + NEWEST


def test_what_is_not_old_enough_stays(site):
    site.ready().moment = msgspec.structs.replace(
        site.moment, at_ns=FIRST + 365 * DAY + 100 * 10**9
    )
    assert site.night() == ""
    assert len(site.left()) == 300


def test_an_open_session_stays(site):
    fill(site.journal, [[reading(n, subject="us-1.us.x")] for n in range(500, 520)])
    fill(site.journal, [[event(521, "start", "us-1.us.x", values={})]])
    fill(site.journal, clinic(550, 50))
    site.ready().night()
    assert len(site.left()) == 20 + NEWEST


def hold(pseudonym, subject, *, over=False, n=0):
    body = HoldBody(by="x", pseudonym=pseudonym, reason="dispute", over=over)
    at_ns = LATER + n
    key = f"hold/{subject}/{n}"
    return Draft(at_ns, "-", "-", "hold", subject, key, codec.encode(body))


def bound(session_id, code):
    body = BindingBody(by="x", session_id=session_id, pseudonym=code)
    said = codec.encode(body)
    return Draft(LATER, "us-1", "us", "binding", session_id, "bound", said)


def test_who_is_held_keeps_the_readings_until_it_is_over(site):
    site.journal.append([bound("us-1.us.00000050", "K4M7T2XT")], 10)
    site.journal.append([hold("K4M7T2XT", "K4M7T2XT")], 10)
    site.ready().night()
    assert len(site.left()) == 50 + NEWEST
    site.journal.append([hold("K4M7T2XT", "K4M7T2XT", over=True, n=1)], 10)
    site.night()
    assert len(site.left()) == NEWEST


def test_a_session_that_is_held_keeps_its_readings_until_it_is_over(site):
    desk = asks(site)
    held = {"session_id": "us-1.us.00000050", "reason": "authority"}
    desk.perform(Request(id="h1", op="hold", args=held, by="x"))
    with pytest.raises(DevicelogError, match="is held already"):
        desk.perform(Request(id="h2", op="hold", args=held, by="x"))
    site.ready().night()
    assert len(site.left()) == 50 + NEWEST
    desk.perform(Request(id="h3", op="hold", args=held | {"over": True}, by="x"))
    site.night()
    assert len(site.left()) == NEWEST


def asks(site, *sinks: str):
    view = viewing(None, sinks)
    return Desk(str(site.data), site.journal, lambda: site.moment, view)


def test_a_sink_that_was_retired_is_not_waited_for(site):
    site.ready().taken("mqtt", to=100)
    request = Request(id="r1", op="retire_sink", args={"sink": "mqtt"}, by="x")
    with pytest.raises(DevicelogError, match="mqtt is configured"):
        asks(site, "influx", "mqtt").perform(request)
    desk = asks(site, "influx")
    with pytest.raises(DevicelogError, match="has ever taken anything"):
        desk.perform(Request(id="r2", op="retire_sink", args={"sink": "mq"}, by="x"))
    assert desk.perform(request) == desk.perform(request)
    with Reader(str(site.data)) as view:
        assert view.sinks() == ["influx"]
    assert site.night(sinks=("influx",)) == ""
    assert len(site.left()) == NEWEST


def test_a_hold_does_not_slip_in_while_a_batch_is_made(site):
    """The keeper waits for who writes; and who writes for the keeper."""
    site.ready()
    keeper = site.keeper()
    site.writing.acquire()
    looking = threading.Thread(target=keeper.look, args=(site.writing,))
    looking.start()
    site.journal.append([bound("us-1.us.00000050", "K4M7T2XT")], 10)
    site.journal.append([hold("K4M7T2XT", "K4M7T2XT")], 10)
    site.writing.release()
    looking.join(20)
    assert len(site.left()) == 50 + NEWEST


def test_what_a_sink_refused_stays(site):
    site.ready()
    with Reader(str(site.data)) as view:
        position = view.position("mqtt")
    told = Progress("mqtt", position, rejects=(Reject(50, "no"), Reject(60, "no")))
    site.journal.deliver(told)
    site.journal.append([], 10)
    site.night()
    kept = {50, 60} & {it.seq for it in entries(site.data) if it.kind == "reading"}
    assert kept == {50, 60}
    assert len(site.left()) == 2 + NEWEST


def test_a_night_is_done_once_and_the_next_looks_again(site):
    keeper = site.keeper()
    keeper.look(site.writing)
    assert "no verified backup" in keeper.told
    site.ready()
    keeper.look(site.writing)
    assert len(site.left()) == 400
    site.moment = msgspec.structs.replace(site.moment, at_ns=LATER + DAY)
    keeper.look(site.writing)
    assert len(site.left()) == NEWEST
    assert keeper.told == ""


def test_for_ever_is_for_ever(tmp_path):
    site = Site(tmp_path, readings=60, readings_days=0).ready()
    assert site.night() == ""
    assert len(site.left()) == 60
    site.journal.close()


@settings(max_examples=12, deadline=None)
@given(
    done=st.integers(0, 300),
    proven=st.integers(0, 300),
    size=st.integers(1, 120),
    age_s=st.integers(0, 300),
)
def test_whatever_holds_back_the_sums_agree(
    tmp_path_factory, done, proven, size, age_s
):
    site = Site(tmp_path_factory.mktemp("sums"), readings=200)
    site.ready().taken("mqtt", to=done)
    site.taken("influx", verified_to=proven)
    site.moment = msgspec.structs.replace(
        site.moment, at_ns=FIRST + 365 * DAY + age_s * 10**9
    )
    before = {it.seq: it for it in entries(site.data)}
    keeper, usual, leaving.BATCH = site.keeper(), leaving.BATCH, size
    try:
        for _ in range(250):
            keeper.look(site.writing)
    finally:
        leaving.BATCH = usual
        site.journal.close()
    after = {it.seq: it for it in entries(site.data)}
    gone = {seq: it for seq, it in before.items() if seq not in after}
    told = retirements(site)
    numbers = [seq for it in told for a, b in it.ranges for seq in range(a, b + 1)]
    assert sorted(numbers) == sorted(gone)
    assert len(set(numbers)) == len(numbers) == sum(it.count for it in told)
    assert all(it.count <= size for it in told)
    assert all(it.kind == "reading" for it in gone.values())
    assert all(seq <= min(done, proven) for seq in gone)
    assert all(it.at_ns < FIRST + age_s * 10**9 for it in gone.values())
    report = check.examine(site.data / "journal.db")
    assert (report.damage, report.stale) == ((), ())


NIGHT = """
import sys, threading, types
from pathlib import Path
from unit.operations import test_keeping as it

site = types.SimpleNamespace(data=Path(sys.argv[1]), to=Path(sys.argv[2]))
it.leaving.BATCH = 20
moment = it.Moment(at_ns=it.LATER, mono_ns=1, boot_id="b")
with it.writer(site.data) as journal:
    keeper = it.Keeping(it.config(site), it.SINKS, journal.append, lambda: moment)
    for n in range(60):
        keeper.look(threading.Lock())
        print(n, flush=True)
"""


def test_a_recorder_that_is_killed_between_batches_loses_no_count(tmp_path):
    site = Site(tmp_path, readings=600).ready()
    site.journal.close()
    before = {it.seq for it in entries(site.data)}
    tests = Path(__file__).parents[2]
    for at in (1, 4, 9):
        child = subprocess.Popen(
            [sys.executable, "-c", NIGHT, site.data, site.to],
            env={"PYTHONPATH": str(tests)},
            stdout=subprocess.PIPE,
        )
        with child:
            for line in child.stdout:
                if int(line) == at:
                    child.send_signal(signal.SIGKILL)
        assert child.returncode == -signal.SIGKILL
        assert len(site.left()) > NEWEST
    with writer(site.data) as site.journal:
        site.night()
    told = retirements(site)
    numbers = [seq for it in told for a, b in it.ranges for seq in range(a, b + 1)]
    assert len(told) > 14
    assert sorted(numbers) == sorted(before - {it.seq for it in entries(site.data)})
    assert len(site.left()) == NEWEST
    report = check.examine(site.data / "journal.db")
    assert (report.damage, report.stale) == ((), ())
