"""Backups: whole or not there; put back, they forget again whom they must."""

import contextlib
import os
import shutil
import sqlite3
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from journals import fill, reading
from unit.records.identity_clinic import MASTER, RING, KeyedClinic

from devicelog.clock import SECOND
from devicelog.errors import DevicelogError, JournalBusy, JournalRefused
from devicelog.journal import check, schema
from devicelog.journal.directory import JOURNAL
from devicelog.operations import backups, master, upkeep
from devicelog.operations.config import parse
from devicelog.records import audit, backup, forgetting, keyfile, patients
from devicelog.records.backup import LIST

NOW = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
NOON = round(datetime(2026, 11, 24, 11, 0, tzinfo=UTC).timestamp()) * SECOND


@pytest.fixture
def site(tmp_path):
    return Place(tmp_path)


class Place:
    """A clinic with a master key and a place for backups."""

    def __init__(self, path):
        self.path = path
        self.to = path / "backup"
        self.to.mkdir()
        self.config = config(path)
        master.written(master.path_of(self.config), MASTER)
        self.clinic = KeyedClinic(path / "data")

    def open(self):
        return self.clinic.open()

    def names(self):
        with self.clinic.reader() as reader:
            return {it.who.name for it in patients.people(reader, RING) if it.who}

    def back_up(self, hours=0):
        now = NOW + timedelta(hours=hours)
        made = backup.make(str(self.clinic.directory), self.to, now)
        backups.list_forgotten(self.config, RING, self.to)
        return made


def config(path, **backup_):
    told = {"to": str(path / "backup"), "keep": 2} | backup_
    lines = "".join(f"{name} = {value!r}\n" for name, value in told.items())
    text = (
        '[site]\nname = "sim-test"\nsimulated = true\ntimezone = "Europe/Berlin"\n'
        f'[journal]\ndirectory = "{path / "data"}"\nballast_mb = 0\n'
        f"[backup]\n{lines}"
    )
    return parse(text.replace("'", '"'), "test.toml", {}).config


def test_a_backup_is_of_one_moment_while_entries_arrive(site):
    with site.open() as writer:
        site.clinic.add("Erika")
        fill(writer, [[reading(n)] for n in range(3000)])
        seen = []

        def busy(left, total):
            seen.append((left, total))
            n = 10_000 + len(seen)
            writer.append([reading(n)], 10)

        backup._PIECE, before = 10, backup._PIECE
        try:
            made = backup.make(str(site.clinic.directory), site.to, NOW, busy)
        finally:
            backup._PIECE = before
    assert len(seen) > 5
    assert made.entries == made.last_seq == 3000 + 2
    found = backup.examine(site.to / "sim-test-20261124T013000Z.db")
    assert (found.entries, found.head) == (made.entries, made.head)
    assert [it.name for it in site.to.iterdir()] == ["sim-test-20261124T013000Z.db"]
    assert stat.S_IMODE(Path(made.path).stat().st_mode) == 0o600


def test_the_master_key_is_in_no_backup(site):
    with site.open():
        site.clinic.add("Erika Mustermann")
    site.back_up()
    images = [it.read_bytes() for it in site.to.iterdir()]
    assert len(images) == 2
    for wanted in (MASTER, MASTER.hex().encode(), b"Mustermann"):
        assert not any(wanted in it for it in images)


def test_a_backup_that_is_not_whole_is_none(site, monkeypatch):
    with site.open() as writer:
        fill(writer, [[reading(n)] for n in range(500)])
    made = site.back_up()
    image = bytearray((site.path / made.path).read_bytes())
    image[8192:12288] = bytes(4096)
    (site.to / "bad.db").write_bytes(image)
    with pytest.raises(DevicelogError, match="no whole journal"):
        backup.examine(site.to / "bad.db")
    with pytest.raises(DevicelogError, match="no whole journal"):
        backups.restore(site.config, site.to / "bad.db")
    assert site.names() == set()
    monkeypatch.setattr(backup, "_copy", lambda _, to, __: to.write_bytes(image))
    with pytest.raises(DevicelogError, match="no whole journal"):
        backup.make(str(site.clinic.directory), site.to, NOW + timedelta(hours=1))
    assert len(backup.backups(site.to, "sim-test")) == 1


def test_a_missing_folder_or_a_full_disk_is_told(site, monkeypatch):
    with site.open():
        pass
    with pytest.raises(DevicelogError, match="mounted"):
        backup.make(str(site.clinic.directory), site.path / "usb", NOW)
    full = os.statvfs_result((4096, 4096, 9, 0, 0, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: full)
    with pytest.raises(DevicelogError, match="no room"):
        backup.make(str(site.clinic.directory), site.to, NOW)
    assert [*site.to.iterdir()] == []


def test_the_oldest_go_and_nothing_else(site):
    with site.open():
        pass
    (site.to / "other-20261124T013000Z.db").touch()
    (site.to / "sim-test-notes.txt").touch()
    for hours in range(4):
        site.back_up(hours)
    gone = backup.rotate(site.to, "sim-test", 2)
    assert [it.name[9:] for it in gone] == [
        "20261124T023000Z.db",
        "20261124T013000Z.db",
    ]
    names = {it.name for it in site.to.iterdir()}
    assert {"other-20261124T013000Z.db", "sim-test-notes.txt", LIST} < names
    assert len(names) == 5


# --- Restore -----------------------------------------------------------------------


def test_drill_backup_wipe_restore(site):
    with site.open() as writer:
        fill(writer, [[reading(n)] for n in range(500)])
        site.clinic.add("Erika")
    made = site.back_up()
    keys = site.path / "elsewhere.json"
    backups.back_up_keys(site.config, keys, "correct horse battery")
    shutil.rmtree(site.clinic.directory)
    assert MASTER.hex().encode() not in keys.read_bytes()

    backups.put_back_keys(site.config, keys, "correct horse battery")
    restored = backups.restore(site.config, site.path / made.path)

    told = (restored.entries, restored.last_seq, restored.head)
    assert told == (made.entries, made.last_seq, made.head)
    assert (restored.again, restored.kept_in) == ((), "")
    assert site.names() == {"Erika"}
    report = check.examine(site.clinic.directory / "journal.db")
    assert (report.damage, report.stale, report.lost) == ((), (), ())
    assert report.entries == made.entries + 1  # that it was restored
    anchor = audit.anchor_of(made.head)
    assert audit.verify(str(site.clinic.directory), RING.chain_key, anchor).state == (
        "ok"
    )


def test_an_older_backup_forgets_again_and_gives_no_number_twice(site):
    with site.open():
        anna, bernd = site.clinic.add("Anna"), site.clinic.add("Bernd")
        site.clinic.begin("us-1")
        site.clinic.start()
        site.clinic.assign("us-1.us.1", anna)
        with site.clinic.reader() as reader:
            wrapped = reader.secret("keys", anna)
    made = site.back_up()
    with site.open() as writer:
        site.clinic.ask("forget", pseudonym=anna, reason="asked", confirm=True)
        fill(writer, [[reading(n)] for n in range(50)])
        last = writer.committed
    restored = backups.restore(site.config, site.path / made.path)
    assert restored.again == (anna,)
    assert site.names() == {"Bernd"}
    assert site.clinic.whose("us-1.us.1") == ""
    kept = site.path / restored.kept_in / "journal.db"
    assert kept.exists()
    image = (site.clinic.directory / "journal.db").read_bytes()
    assert wrapped not in image
    with site.clinic.reader() as reader:
        (stone,) = reader.entries(kind="tombstone")
        note = reader.entries(kind="audit")[-1]
    assert note.seq > last
    assert stone.subject == anna != bernd
    state = audit.verify(str(site.clinic.directory), RING.chain_key)
    assert state.state == "not provable"
    assert [
        *forgetting.read_list((site.to / LIST).read_bytes(), RING.list_key).forgotten
    ]


def test_the_list_beside_the_backup_is_enough_and_a_missing_one_is_told(site):
    with site.open():
        anna = site.clinic.add("Anna")
    made = site.back_up()
    with site.open():
        site.clinic.ask("forget", pseudonym=anna, reason="asked", confirm=True)
    backups.list_forgotten(site.config, RING, site.to)
    key = master.path_of(site.config)
    kept = key.read_bytes()
    for has_list in (True, False):
        shutil.rmtree(site.clinic.directory)
        key.parent.mkdir(parents=True)
        key.write_bytes(kept)
        key.chmod(0o600)
        site.clinic.directory.chmod(0o700)
        if not has_list:
            (site.to / LIST).write_text("{}")
        restored = backups.restore(site.config, site.path / made.path)
        assert restored.again == ((anna,) if has_list else ())
        missed = " ".join(restored.missed)
        assert (LIST in missed) is not has_list
        # None stood there, so that none was missed.
        assert "journal that was there" not in missed
        assert restored.kept_in == ""


def test_a_journal_that_stood_there_and_cannot_be_read_is_missed(site):
    with site.open():
        site.clinic.add("Anna")
    made = site.back_up()
    (site.clinic.directory / JOURNAL).write_bytes(b"no journal")
    restored = backups.restore(site.config, site.path / made.path)
    (missed,) = restored.missed
    assert missed.startswith("the journal that was there: ")
    assert restored.kept_in


def test_a_restore_is_refused_while_a_recorder_runs(site):
    with site.open():
        made = site.back_up()
        with pytest.raises(JournalBusy):
            backups.restore(site.config, site.path / made.path)


def test_what_is_of_another_site_or_key_is_not_put_back(site):
    with site.open():
        site.clinic.add("Anna")
    made = site.back_up()
    key = master.path_of(site.config)
    key.unlink()
    master.written(key, b"x" * 32)
    with pytest.raises(DevicelogError, match="master key is not that of"):
        backups.restore(site.config, site.path / made.path)
    changed = parse(
        '[site]\nname = "sim-two"\nsimulated = true\n'
        f'[journal]\ndirectory = "{site.path / "data"}"\n',
        "",
        {},
    ).config
    with pytest.raises(JournalRefused, match="sim-test"):
        backups.restore(changed, site.path / made.path)


# --- Keys --------------------------------------------------------------------------


def test_the_master_key_opens_by_its_passphrase_alone():
    content = keyfile.locked(MASTER, "correct horse battery")
    assert keyfile.unlocked(content, "correct horse battery") == MASTER
    with pytest.raises(DevicelogError, match="does not open"):
        keyfile.unlocked(content, "correct horse batterie")
    with pytest.raises(DevicelogError, match="fewer than"):
        keyfile.locked(MASTER, "short")
    for wrong in (b"", b"{}", content[:-4]):
        with pytest.raises(DevicelogError):
            keyfile.unlocked(wrong, "correct horse battery")


def test_keys_never_lie_beside_what_they_open(site):
    for place in (site.to / "k", site.clinic.directory / "k", site.to / "../backup/k"):
        with pytest.raises(DevicelogError, match="beside what the key opens"):
            backups.elsewhere(site.config, place)
    with pytest.raises(DevicelogError, match="there is a master key"):
        backups.put_back_keys(site.config, site.path / "none", "")


# --- Each day ----------------------------------------------------------------------


def test_a_backup_is_due_once_a_day_at_the_clinics_time(site):
    """02:30 in Berlin is 01:30 UTC."""
    clinic = site.clinic
    with site.open() as writer:
        site.back_up()  # named 01:30:00 UTC
        look = upkeep.Upkeep(site.config, "none.toml", writer, clinic.clock)
        started = []
        look._start = lambda: started.append(clinic.clock.wall_ns())
        clinic.clock.step_wall(NOW.timestamp() + 60 - clinic.clock.wall_ns() / SECOND)
        for _ in range(26 * 12):
            look.look()
            clinic.clock.advance(300)
        first = datetime.fromtimestamp(started[0] / SECOND, UTC)
        assert (first.day, first.hour, first.minute) == (25, 1, 31)
        assert len(started) == 2  # and again each hour while none is there


def test_the_chains_head_goes_to_the_log_each_day(site, caplog):
    caplog.set_level("INFO", "devicelog")
    with site.open() as writer:
        look = upkeep.Upkeep(config(site.path, to=""), "", writer, site.clinic.clock)
        for _ in range(48):
            look.look()
            site.clinic.clock.advance(3600)
        with site.clinic.reader() as reader:
            head = str(audit.head(reader))
    told = [it.message for it in caplog.records if "audit chain" in it.message]
    assert len(told) == 3
    assert all(head in it for it in told)


def test_the_alarm_of_a_reused_request_ends_a_day_after_the_last(site):
    """One id for two requests: the second comes a night later."""
    clinic = site.clinic
    clinic.clock.advance((NOON - clinic.clock.wall_ns()) / SECOND)
    with site.open() as writer:
        look = upkeep.Upkeep(config(site.path, to=""), "", writer, clinic.clock)
        look.look()
        clinic.add("Erika")
        clinic.ask("add_patients", who=[{"name": "Anna"}], request_id="request-r")
        for hours in (0, 20):
            clinic.clock.advance(hours * 3600)
            with pytest.raises(DevicelogError, match="asked before"):
                clinic.ask("undo", session_id="us-1.us.1", request_id="request-r")
        hours = 0
        while reused(clinic, writer):
            clinic.clock.advance(3600)
            hours += 1
            look.look()
            assert hours <= 48
        assert hours >= 24
        assert not reused(clinic, writer)
        with pytest.raises(DevicelogError, match="asked before"):
            clinic.ask("undo", session_id="us-1.us.1", request_id="request-r")
        assert reused(clinic, writer)


def reused(clinic, writer):
    """Whether that alarm is open, in the journal and so on every screen."""
    writer.append([], 10)
    with clinic.reader() as reader:
        return "request/reused" in {it.name for it in reader.alarms(open_only=True)}


def test_a_backup_that_fails_is_an_alarm_until_one_is_written(site):
    with site.open() as writer:
        look = upkeep.Upkeep(
            site.config, str(site.path / "no"), writer, site.clinic.clock
        )
        look.look()
        assert look._copying is not None
        look._copying.wait(20)
        look.look()
        writer.append([], 10)
        with site.clinic.reader() as reader:
            (alarm,) = reader.alarms(open_only=True)
        assert alarm.name == upkeep.FAILED
        assert "cannot be read" in alarm.text
        look.stop()


def test_a_backup_that_is_still_written_is_left_alone(site):
    """A leftover is one whose process is dead, or that nobody touched for a day."""
    dead = subprocess.Popen(["true"])
    dead.wait()
    name = "sim-test-20261123T013000Z.db"
    living = site.to / f"{name}.{os.getpid()}.partial"
    old = site.to / f"sim-test-20261120T013000Z.db.{os.getpid()}.partial"
    others = site.to / f"sim-test-2-20261123T013000Z.db.{dead.pid}.partial"
    left = [site.to / f"{name}.{dead.pid}.partial", site.to / f"{name}.partial", old]
    for it in (living, others, *left):
        it.write_bytes(b"half")
    now_s = NOW.timestamp()
    os.utime(living, (now_s, now_s))
    os.utime(old, (now_s - 100_000, now_s - 100_000))
    theirs = site.to / "sim-test-2-20261123T013000Z.db"
    theirs.write_bytes(b"whole")
    with site.open():
        made = site.back_up()
    assert backup.backups(site.to, "sim-test") == [Path(made.path)]
    there = {it.name for it in site.to.iterdir()}
    assert there == {Path(made.path).name, living.name, others.name, theirs.name, LIST}


def test_an_older_versions_backup_that_is_put_back_forgets_again(site, tmp_path):
    with site.open():
        code = site.clinic.add("Erika")
        made = site.back_up()
        older = tmp_path / "older" / "sim-test-20261124T013000Z.db"
        older.parent.mkdir()
        shutil.copy(made.path, older)
        site.clinic.ask("forget", pseudonym=code, reason="asked", confirm=True)
    backups.list_forgotten(site.config, RING, site.to)
    age(older)
    told = backups.restore(site.config, older)
    assert told.again == (code,)
    assert site.names() == set()
    assert not [*(site.path / "data" / "backups").glob("*.db")]
    assert check.examine(site.path / "data" / "journal.db").damage == ()


def age(path):
    """Version 3 of the same file: what step 3 makes is taken out."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        (body,) = db.execute("SELECT body FROM meta").fetchone()
        meta = msgspec.structs.replace(
            msgspec.json.decode(body, type=schema.Meta), version=3
        )
        db.execute("DROP INDEX entries_said")
        db.execute("UPDATE meta SET body=?, crc=?", schema.meta_row(meta))
        db.execute("PRAGMA user_version = 3")
        db.commit()
