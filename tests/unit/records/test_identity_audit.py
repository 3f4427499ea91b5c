"""The audit chain: each attack on a closed file is noticed and its place named."""

import contextlib
import hashlib
import shutil
import sqlite3
import time

import msgspec
import pytest
from unit.records.identity_clinic import RING, KeyedClinic

from devicelog.errors import DevicelogError
from devicelog.journal import retirement, schema
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model import codec
from devicelog.model.audit import AuditBody
from devicelog.model.flow import Draft, Entry
from devicelog.model.kinds import ReadingBody
from devicelog.model.retirement import RetirementBody
from devicelog.records import audit

KEY = RING.chain_key


@pytest.fixture
def clinic(tmp_path):
    """A chain of some records, with a session of three readings; closed."""
    clinic = KeyedClinic(tmp_path / "data")
    with clinic.writer:
        clinic.begin("us-1")
        code = clinic.add("Erika")
        session(clinic, "us-1.us.1")
        clinic.assign("us-1.us.1", code)
        for n in range(6):
            clinic.ask("note", event="shown", what=f"patients list {n}")
            clinic.clock.advance(1)
        clinic.anchor = anchor(clinic)
    return clinic


def session(clinic, session_id):
    """As the recorder ends it: with count and hash of its readings."""
    digest = hashlib.sha256()
    clinic.start(session_id)
    for n in range(3):
        body = ReadingBody(
            state="running", mono_ns=n, values={}, frame="00", profile="p"
        )
        entry = clinic.put("us-1", "us", "reading", body, session_id)
        digest.update(entry.body)
        clinic.clock.advance(1)
    told = {"reason": "completed", "readings": 3, "readings_sha256": digest.hexdigest()}
    clinic.event(session_id, "end", **told)


def anchor(clinic):
    with clinic.reader() as reader:
        found = audit.head(reader)
    assert found is not None
    return found


def verify(clinic, anchor=None, key=KEY):
    return audit.verify(str(clinic.directory), key, anchor)


def linked(clinic):
    with clinic.reader() as reader:
        return [it for it in reader.entries() if it.mac is not None]


def attack(clinic, *statements: tuple):
    """By the sqlite3 module on a closed file; triggers are no hindrance to it."""
    path = clinic.directory / "journal.db"
    with sqlite3.connect(path, isolation_level=None) as db:
        for name in ("entries_stand", "entries_stay"):
            db.execute(f"DROP TRIGGER {name}")
        for sql, args in statements:
            assert db.execute(sql, args).rowcount >= 0, sql
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def resealed(entry):
    """A clever attacker makes the row's own checksum fit."""
    return schema.seal(entry)


def test_what_nobody_touched_is_ok_with_an_anchor_and_not_provable_without(clinic):
    told = verify(clinic, clinic.anchor)
    assert (told.state, told.first_bad) == ("ok", None)
    assert told.records == len(linked(clinic)) == 11
    assert told.head == str(clinic.anchor)
    told = verify(clinic)
    assert (told.state, told.first_bad) == ("not provable", None)
    short = audit.anchor_of(str(clinic.anchor)[:24])
    assert verify(clinic, short).state == "ok"


def test_the_chain_begins_with_a_record_over_all_before(tmp_path):
    clinic = KeyedClinic(tmp_path / "data")
    clinic.ring = type("None_", (), {"chain_key": None})()
    with clinic.open():
        clinic.begin("us-1")
    clinic.ring = RING
    with clinic.open():
        clinic.restart()
        newest = anchor(clinic)
    genesis = linked(clinic)[0]
    assert codec.decode("audit", genesis.body).event == "chain_begun"
    assert genesis.seq == 3
    assert verify(clinic, newest).state == "ok"
    attack(clinic, ("UPDATE entries SET at_ns = at_ns + 5 WHERE seq = 1", ()))
    told = verify(clinic, newest)
    assert (told.state, told.first_bad) == ("broken", genesis.seq)


@pytest.mark.parametrize(
    "column", ["at_ns", "device", "kind", "subject", "key", "body"]
)
def test_an_edit_is_found_whatever_it_edits(clinic, column):
    entry = linked(clinic)[4]
    value = {"at_ns": 7, "body": b'{"v":1}', "kind": "user"}.get(column, "other")
    attack(
        clinic,
        (f"UPDATE entries SET {column} = ? WHERE seq = {entry.seq}", (value,)),  # noqa: S608
    )
    told = verify(clinic, clinic.anchor)
    assert (told.state, told.first_bad) == ("broken", entry.seq)
    assert verify(clinic).state == "broken"


def test_an_edit_whose_checksum_fits_is_found_too(clinic):
    entry = linked(clinic)[5]
    body = entry.body.replace(b"physio", b"nobody")
    assert body != entry.body
    forged = Entry(
        *(entry.seq, entry.at_ns, entry.device, entry.channel),
        *(entry.kind, entry.subject, entry.key, body),
    )
    attack(
        clinic,
        (
            "UPDATE entries SET body = ?, crc = ? WHERE seq = ?",
            (body, resealed(forged), entry.seq),
        ),
    )
    assert verify(clinic).first_bad == entry.seq


@pytest.mark.parametrize("n", [1, 4, 9])
def test_a_deleted_record_is_named_as_missing(clinic, n):
    seq = linked(clinic)[n].seq
    attack(clinic, ("DELETE FROM entries WHERE seq = ?", (seq,)))
    told = verify(clinic)
    assert (told.state, told.first_bad, told.why) == ("broken", seq, "it is missing")


def test_a_deleted_beginning_is_found(clinic):
    attack(clinic, ("DELETE FROM entries WHERE seq <= 1", ()))
    told = verify(clinic)
    assert (told.state, told.first_bad) == ("broken", 1)


@pytest.mark.parametrize("mac", [None, b"m" * 32])
def test_a_record_put_in_is_found(clinic, mac):
    at = linked(clinic)[6]
    body = codec.encode(
        AuditBody(by="x", request="", mono_ns=0, boot_id="", event="exported")
    )
    attack(
        clinic,
        ("UPDATE entries SET seq = seq + 1000 WHERE seq > ?", (at.seq,)),
        (
            "INSERT INTO entries VALUES (?, 5, '-', '-', 'audit', '', 'x', ?, ?, 0)",
            (at.seq + 1, body, mac),
        ),
        ("UPDATE entries SET seq = seq - 999 WHERE seq > ?", (at.seq + 500,)),
    )
    told = verify(clinic)
    assert (told.state, told.first_bad) == ("broken", at.seq + 1)


def test_two_records_swapped_are_found(clinic):
    one, two = linked(clinic)[4], linked(clinic)[7]
    attack(
        clinic,
        ("UPDATE entries SET seq = 9999 WHERE seq = ?", (one.seq,)),
        ("UPDATE entries SET seq = ? WHERE seq = ?", (one.seq, two.seq)),
        ("UPDATE entries SET seq = ? WHERE seq = 9999", (two.seq,)),
    )
    told = verify(clinic)
    assert (told.state, told.first_bad) == ("broken", one.seq)


def test_a_cut_end_is_found_by_the_anchor_alone(clinic):
    last = linked(clinic)[-3].seq
    attack(clinic, ("DELETE FROM entries WHERE seq > ?", (last,)))
    told = verify(clinic, clinic.anchor)
    assert (told.state, told.first_bad) == ("broken", last + 1)
    assert f"{clinic.anchor.seq}, the anchor, is not there" in told.why
    assert verify(clinic).state == "not provable"


def test_an_older_copy_is_found_by_the_anchor_alone(clinic, tmp_path):
    shutil.copytree(clinic.directory, tmp_path / "old")
    with clinic.open():
        clinic.ask("note", event="exported", what="csv")
        newest = anchor(clinic)
    shutil.rmtree(clinic.directory)
    shutil.copytree(tmp_path / "old", clinic.directory)
    told = verify(clinic, newest)
    assert (told.state, told.first_bad) == ("broken", clinic.anchor.seq + 1)
    assert verify(clinic).state == "not provable"
    assert verify(clinic, clinic.anchor).state == "ok"  # that is all it can prove


def test_another_history_of_the_same_length_is_not_the_anchors(clinic, tmp_path):
    shutil.copytree(clinic.directory, tmp_path / "old")
    with clinic.open():
        clinic.ask("note", event="exported", what="csv")
        newest = anchor(clinic)
    shutil.rmtree(clinic.directory)
    shutil.copytree(tmp_path / "old", clinic.directory)
    with clinic.open():
        clinic.ask("note", event="exported", what="pdf")
    told = verify(clinic, newest)
    assert (told.state, told.first_bad) == ("broken", newest.seq)


def test_readings_stand_by_the_end_of_their_session(clinic):
    with clinic.reader() as reader:
        readings = reader.entries(kind="reading")
        end = reader.entries(kind="session")[-1]
    for statement in (
        ("UPDATE entries SET body = ? WHERE seq = ?", (b"{}", readings[1].seq)),
        ("DELETE FROM entries WHERE seq = ?", (readings[0].seq,)),
    ):
        copy = KeyedClinic.__new__(KeyedClinic)
        copy.directory = clinic.directory.with_name("copy")
        shutil.rmtree(copy.directory, ignore_errors=True)
        shutil.copytree(clinic.directory, copy.directory)
        attack(copy, statement)
        told = audit.verify(str(copy.directory), KEY)
        assert told.state == "broken"
        assert told.first_bad in (end.seq, readings[0].seq)
        assert "us-1.us.1" in told.why or told.why == "it is missing"


def test_another_key_proves_nothing(clinic):
    told = verify(clinic, key=b"k" * 32)
    assert (told.state, told.first_bad) == ("broken", 1)


def test_records_made_without_the_key_are_named(clinic):
    clinic.ring = type("None_", (), {"chain_key": None})()
    with clinic.open():
        clinic.restart()
    told = verify(clinic)
    assert told.state == "broken"
    assert told.first_bad == clinic.anchor.seq + 1
    assert "carries no mac" in told.why


def test_a_failed_group_leaves_no_gap_in_the_chain(clinic):
    with clinic.open():
        fine = Draft(1, "-", "-", "user", "", "a/1", b"{}")
        wrong = Draft(2, "-", "-", "user", "", "a/2", None)
        with pytest.raises(DevicelogError):
            clinic.writer.append([fine, wrong], 10)
        clinic.writer.append([fine], 10)
        clinic.writer.append([fine], 10)
        newest = anchor(clinic)
    assert verify(clinic, newest).state == "ok"


def test_what_is_no_anchor_is_told():
    for text in ("", "12", "12:34", "x:0123456789abcdef", "12:0123456789abcdeg"):
        with pytest.raises(DevicelogError, match="no anchor"):
            audit.anchor_of(text)
    assert audit.anchor_of(" 12:0123456789ABCDEF ").seq == 12


def test_the_newest_records_tell_who_did_what(clinic):
    rows = audit.newest(str(clinic.directory), 3)
    assert (rows[0].by, rows[0].what) == ("physio", "shown")
    assert rows[0].more == "patients list 5"
    of = audit.newest(str(clinic.directory), 100, "us-1.us.1")
    assert [it.what for it in of] == ["bound"]


def test_a_long_chain_is_verified_and_each_record_counted(tmp_path):
    """The figure is printed; what is asserted is that none is passed over."""
    directory, count = tmp_path / "data", 20_000
    body = codec.encode(
        AuditBody(by="x", request="", mono_ns=0, boot_id="", event="shown")
    )
    with Writer(
        JournalSettings(str(directory), ballast_mb=0),
        simulated=True,
        site="sim-test",
        clock=KeyedClinic(tmp_path / "other").clock,
        chain_key=KEY,
    ) as writer:
        drafts = [
            Draft(n + 1, "-", "-", "audit", "", f"k/{n}", body) for n in range(count)
        ]
        for at in range(0, count, 2000):
            writer.append(drafts[at : at + 2000], 60)
    counted = []
    began = time.perf_counter()
    told = audit.verify(str(directory), KEY, None, counted.append)
    took = time.perf_counter() - began
    print(f"{count / took:.0f} records a second")
    assert told.records == sum(counted) == count + 1


def _retired(clinic, *, by_hand=False):
    """A retirement of the first session's readings, made by the writer or put in."""
    path = clinic.directory / "journal.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        rows = "SELECT seq FROM entries WHERE kind = 'reading' ORDER BY seq LIMIT 3"
        spans = tuple((seq, seq) for (seq,) in db.execute(rows))
        left = retirement.look(db, spans)
    told = msgspec.structs.asdict(left)
    del told["macs"]
    body = codec.encode(RetirementBody(by="x", what="readings", ranges=spans, **told))
    at_ns = 1_900_000_000_000_000_000
    if not by_hand:
        draft = Draft(at_ns, "-", "-", "retirement", "", "retirement/1", body)
        with clinic.open() as writer:
            return writer.append([draft], 10)[0].seq
    with clinic.reader() as reader:
        seq = reader.last_seq() + 1
    entry = Entry(seq, at_ns, "-", "-", "retirement", "", "forged", body)
    row = (*msgspec.structs.astuple(entry), schema.seal(entry))
    gone = [("DELETE FROM entries WHERE seq = ?", span[:1]) for span in spans]
    put_in = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    attack(clinic, (put_in, row), *gone)
    return seq


def test_the_chain_stands_though_readings_left_by_a_retirement(clinic):
    _retired(clinic)
    assert verify(clinic, clinic.anchor).state == "ok"


def test_a_retirement_that_the_recorder_did_not_make_excuses_nothing(clinic):
    forged = _retired(clinic, by_hand=True)
    found = verify(clinic, clinic.anchor)
    assert found.state == "broken"
    assert found.first_bad < forged
