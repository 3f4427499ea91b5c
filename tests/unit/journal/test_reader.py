"""Reading while a recorder runs or none does, and projections that can be made anew."""

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest
import requires
from journals import clinic, entries, event, fill, reading, writer

from devicelog.errors import JournalError
from devicelog.journal import check, maintenance, projections, queries
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Draft, Identity
from devicelog.model.kinds import TABLE, AlarmBody, ClockBody, ConfigBody, DeviceBody


def told(kind, n, body, device="-", *, at_ns=None):
    return Draft(at_ns or n, device, "-", kind, "", f"t/{n}", codec.encode(body))


@pytest.fixture
def directory(tmp_path):
    with writer(tmp_path / "data") as journal:
        fill(journal, clinic(0, 130))
    return tmp_path / "data"


def test_pages_and_filters(directory):
    with Reader(str(directory)) as reader:
        everything = entries(directory)
        noise = reader.entries(kind="noise")
        session = reader.entries(subject="us-1.us.00000050", kind="reading")
        after = reader.entries(session[0].seq, subject="us-1.us.00000050", limit=3)
        last = reader.last("reading", "us-1")
        found = reader.find("r/77")

    assert noise == [it for it in everything if it.kind == "noise"]
    assert len(session) == 50
    assert [it.seq for it in after] == [
        it.seq
        for it in everything
        if it.subject == "us-1.us.00000050" and it.seq > session[0].seq
    ][:3]
    assert last == [it for it in everything if it.kind == "reading"][-1]
    assert found.key == "r/77"


def steps(reader, **asked):
    """How many instructions of its machine SQLite takes for an answer."""
    count = []
    reader._open.set_progress_handler(lambda: count.append(1), 1)
    found = reader.entries(**asked)
    reader._open.set_progress_handler(None, 1)
    return len(count), found


def test_what_is_said_of_a_session_costs_no_walk_over_its_readings(tmp_path):
    name = "us-1.us.00000000"
    for size in (20, 2000):
        with writer(tmp_path / str(size)) as journal:
            said = [event(0, "start", name), event(size, "pause", name)]
            fill(journal, [said[:1], [reading(n, subject=name) for n in range(size)]])
            fill(journal, [said[1:]])

    with Reader(str(tmp_path / "20")) as few, Reader(str(tmp_path / "2000")) as many:
        asked = {"subject": name, "kind": "session"}
        (short, one), (long, other) = steps(few, **asked), steps(many, **asked)

    assert [len(one), len(other)] == [2, 2]
    assert long == short


def test_a_session_is_told_as_it_stands(directory):
    with Reader(str(directory)) as reader:
        ended, open_ = reader.session("us-1.us.00000050"), reader.open_sessions()
        names = [row.session_id for row in reader.sessions()]
        newest = reader.sessions(limit=1, device="us-1")

    assert (ended.reason, ended.open, ended.readings) == ("completed", False, 50)
    assert ended.totals == {"energy_j": 24.0 + 99}
    assert ended.settings == {"duty_pct": 20.0}
    assert [row.session_id for row in open_] == ["us-1.us.00000100"]
    assert open_[0].readings == 30
    assert names == [f"us-1.us.{n:08d}" for n in (100, 50, 0)]
    assert [row.session_id for row in newest] == ["us-1.us.00000100"]


def test_a_session_starts_when_its_first_reading_was_taken(tmp_path):
    with writer(tmp_path / "data") as journal:
        journal.append([event(5, "start", "us-1.us.x", began_ns=123)], 5)
    with Reader(str(tmp_path / "data")) as reader:
        assert reader.session("us-1.us.x").started_ns == 123


def test_each_channel_of_a_device_is_told_apart(tmp_path):
    def of(channel, n):
        return msgspec.structs.replace(reading(n), channel=channel)

    with writer(tmp_path / "data") as journal:
        fill(journal, [[of("us", 1)], [of("us", 2)], [of("if", 3)], [of("if", 4)]])
        for channel, n in (("us", 5), ("if", 6), ("us", 7)):
            start = event(n, "start", f"us-1.{channel}.{n}")
            fill(journal, [[msgspec.structs.replace(start, channel=channel)]])
    with Reader(str(tmp_path / "data")) as reader:
        newest = {c: reader.last("reading", "us-1", c) for c in ("us", "if", "e1")}
        sessions = reader.sessions(device="us-1", channel="if")

        assert newest["us"].key == "r/2"
        assert newest["if"].key == "r/4"
        assert newest["e1"] is None
        assert reader.last("reading", "us-1").key == "r/4"
        assert [row.session_id for row in sessions] == ["us-1.if.6"]


def test_devices_runs_anchors_and_alarms(tmp_path):
    who = Identity("SIM-US", "0001", "1.0")
    body = {"run_id": "r1", "boot_id": "b1", "mono_ns": 1, "version": "0"}
    raised = AlarmBody(name="a", text="first", remedy="do")
    with writer(tmp_path / "data") as journal:
        journal.append(
            [
                told("config", 1, ConfigBody(event="start", simulated=True, **body)),
                told(
                    "device",
                    2,
                    DeviceBody(event="line", mono_ns=2, line="silent", text="no byte"),
                    "us-1",
                ),
                told(
                    "device",
                    3,
                    DeviceBody(event="identified", mono_ns=3, identity=who),
                    "us-1",
                ),
                told(
                    "device",
                    4,
                    DeviceBody(
                        event="refused", mono_ns=4, identity=Identity("X", "9", "")
                    ),
                    "us-1",
                ),
                told(
                    "clock",
                    5,
                    ClockBody(
                        event="anchor", mono_ns=5, boot_id="b1", old_ns=None, new_ns=77
                    ),
                ),
                told("alarm", 6, raised),
                told("alarm", 7, AlarmBody(name="a", text="again", remedy="do")),
                told("alarm", 8, AlarmBody(name="b", text="other")),
                told("alarm", 9, AlarmBody(name="a", text="", cleared=True)),
                told("config", 10, ConfigBody(event="stop", simulated=True, **body)),
            ],
            5,
        )
    with Reader(str(tmp_path / "data")) as reader:
        (device,) = reader.devices()
        (run,) = reader.runs()
        alarms, standing = reader.alarms(), reader.alarms(open_only=True)
        anchors = reader.anchor("b1"), reader.anchor("b2")

    assert (device.line, device.text, device.identity) == ("silent", "no byte", who)
    assert (run.run_id, run.boot_id, run.stopped_ns) == ("r1", "b1", 10)
    assert [(it.text, it.times, it.cleared_ns) for it in alarms] == [
        ("again", 2, 9),
        ("other", 1, None),
    ]
    assert [it.name for it in standing] == ["b"]
    assert anchors == (77, None)


def test_the_last_trusted_time_is_the_newest_not_the_highest(tmp_path):
    late, early, wild = reading(900), reading(10), reading(5000)
    distrusted = wild.body.replace(b"{", b'{"clock_ok":false,', 1)
    wild = Draft(wild.at_ns, "us-1", "us", "reading", "", "wild", distrusted)
    with writer(tmp_path / "data") as journal:
        journal.append([late, early, wild], 5)
    with Reader(str(tmp_path / "data")) as reader:
        assert reader.last_trusted_ns() == early.at_ns


def test_projections_made_anew_are_the_same(directory):
    before = dump(directory)
    db = sqlite3.connect(directory / "journal.db", isolation_level=None)
    db.execute("BEGIN")
    count = projections.rebuild(db)
    db.execute("COMMIT")
    db.close()

    assert count == len(entries(directory))
    assert dump(directory) == before


def test_a_projection_that_was_altered_is_found(directory):
    db = sqlite3.connect(directory / "journal.db")
    with db:
        db.execute("UPDATE sessions SET reason = 'fault' WHERE reason = 'completed'")
    db.close()

    report = check.examine(directory / "journal.db")

    assert (report.damage, report.stale) == ((), ("sessions",))


def dump(directory):
    db = sqlite3.connect(directory / "journal.db")
    rows = {
        name: db.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall()  # noqa: S608
        for name in projections.NAMES
    }
    db.close()
    return rows


def test_a_body_that_nobody_can_read_is_kept_and_passed_over(tmp_path):
    wrong = Draft(1, "us-1", "us", "session", "s", "k", b"not json")
    with writer(tmp_path / "data") as journal:
        journal.append([wrong], 5)

    assert [it.body for it in entries(tmp_path / "data")] == [b"not json"]


def test_readers_hold_no_snapshot_between_two_pages(tmp_path):
    with writer(tmp_path / "data") as journal, Reader(str(tmp_path / "data")) as reader:
        fill(journal, clinic(0, 60))
        page = reader.entries(limit=10)
        fill(journal, clinic(60, 60))
        # A TRUNCATE checkpoint is busy while anybody reads an older snapshot.
        (busy, _, _) = journal._store._db.execute(
            "PRAGMA wal_checkpoint(TRUNCATE)"
        ).fetchone()
        assert busy == 0
        assert len(reader.entries(page[-1].seq, limit=1000)) > 60


# --- Without a recorder, as others, and where there is nothing ---------------------


def test_a_directory_without_a_journal_is_said_so(tmp_path):
    with pytest.raises(JournalError, match=r"no journal in .*devicelog run"):
        Reader(str(tmp_path)).__enter__()


AS_NOBODY = """
import encodings.idna, os, sys
from devicelog.journal.reader import Reader
os.setgroups([]); os.setgid(65534); os.setuid(65534)
with Reader(sys.argv[1]) as reader:
    print(reader.last_seq())
"""


def as_nobody(directory):
    return subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def public(directory):
    """The journal's directory where another user can reach it."""
    requires.root()
    folder = Path(tempfile.mkdtemp(prefix="devicelog-"))
    folder.chmod(0o755)
    yield shutil.copytree(directory, folder / "data")
    shutil.rmtree(folder)


def test_another_user_is_told_the_command_that_works(public):
    told = as_nobody(public)

    assert told.returncode != 0
    assert (
        "may not be read by this user (say `sudo -u root devicelog ...`)" in told.stderr
    )


def test_a_directory_that_may_be_read_only_is_read(public):
    public.chmod(0o755)
    (public / "journal.db").chmod(0o644)

    told = as_nobody(public)

    assert int(told.stdout) == 130 + 3 + 2 + 2, told.stderr


def test_bindings_ahead_are_found_without_a_walk_through_the_journal(tmp_path):
    """The recorder asks each second, however many entries there are."""
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 100))
    with Reader(str(tmp_path)) as reader:
        asked = {"device": None}
        plan = reader._rows("EXPLAIN QUERY PLAN " + queries.AHEAD, asked)
        steps = [row[3] for row in plan]
    assert "SCAN e" not in steps
    assert "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)" in steps


def test_an_entry_of_a_kind_that_is_not_known_is_kept(tmp_path):
    body = b'{"v":1,"device":"us-1"}'
    other = Draft(1_900_000_000_000_000_000, "us-1", "-", "expectation", "", "k", body)
    with writer(tmp_path) as journal:
        fill(journal, [[other], *clinic(0, 60)])
    with writer(tmp_path) as journal:
        fill(journal, clinic(60, 10))
        with Reader(str(tmp_path)) as reader:
            (entry,) = reader.entries(kind="expectation")
            count = reader.last_seq()

    assert "expectation" not in TABLE
    assert codec.decode(entry.kind, entry.body) == {"v": 1, "device": "us-1"}
    assert [it.seq for it in entries(tmp_path)] == [*range(1, count + 1)]
    assert maintenance.rebuild(str(tmp_path)) == count
