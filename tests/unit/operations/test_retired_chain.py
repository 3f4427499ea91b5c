"""The chain proves what stands though records left it: each attack on real files."""

import base64
import contextlib
import sqlite3

import pytest
from unit.operations.retiring import YEARS, Archive, said_of

from devicelog.journal import chain, check, schema
from devicelog.model import codec
from devicelog.model.flow import Entry
from devicelog.model.retirement import RetirementBody

ONE, TWO, THREE, FOUR = (f"us-1.us.{n:04}" for n in (1, 2, 3, 4))
_COLUMNS = "seq, at_ns, device, channel, kind, subject, key, body, mac"


@pytest.fixture
def old(tmp_path):
    """Sessions one and three left; two is held, four is the newest. Closed."""
    made = Archive(tmp_path)
    anna = made.add("Anna")
    for _ in range(4):
        made.note_anchor()
        made.assign(made.treated(), anna)
    made.ask("hold", session_id=TWO, reason="dispute")
    made.left = said_of(made.directory, ONE) + said_of(made.directory, THREE)
    made.clock.advance(YEARS)
    made.elsewhere()
    made.night()
    made.ask("note", event="exported", what="csv")
    made.note_anchor()
    made.writer.close()
    assert made.there() == [TWO, FOUR]
    return made


def attack(old, *statements):
    """By the sqlite3 module on a closed file; triggers are no hindrance to it."""
    with sqlite3.connect(old.directory / "journal.db", isolation_level=None) as db:
        for name in ("entries_stand", "entries_stay"):
            db.execute(f"DROP TRIGGER IF EXISTS {name}")
        for sql, args in statements:
            assert db.execute(sql, args).rowcount > 0, sql
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def entry_of(old, kind):
    (found,) = (it for it, body in old.entries(kind) if body.what == "sessions")
    return found


def rewritten(entry, body):
    """As a clever attacker writes it: the row's own checksum fits."""
    forged = Entry(*(getattr(entry, it) for it in _COLUMNS.split(", ")[:7]), body)
    sql = "UPDATE entries SET body = ?, crc = ? WHERE seq = ?"
    return sql, (body, schema.seal(forged), entry.seq)


def put_in(entry):
    sql = f"INSERT INTO entries({_COLUMNS}, crc) VALUES ({'?, ' * 9}?)"  # noqa: S608
    told = (*(getattr(entry, it) for it in _COLUMNS.split(", ")), schema.seal(entry))
    return sql, told


def before(old, victim):
    """The true mac before a record, as a clever attacker reads it."""
    with contextlib.closing(sqlite3.connect(old.directory / "journal.db")) as db:
        return chain.Before(db).mac(db, victim.seq)


def broken(old, anchor=None):
    found = old.verify(anchor or old.anchors[-1])
    assert found.state == "broken"
    return found


def test_the_chain_stands_and_every_head_that_was_ever_shown_is_an_anchor(old):
    links = sum(it.mac is not None for it in old.left)
    assert len(old.anchors) > 5
    for anchor in old.anchors:
        found = old.verify(anchor)
        assert (found.state, found.retired, found.first_bad) == ("ok", links, None)
    assert {it.seq for it in old.anchors} & {it.seq for it in old.left if it.mac}


def test_an_anchor_of_a_record_that_left_must_be_its_mac(old):
    gone = next(it for it in old.left if it.mac)
    anchor = old.anchors[0]
    forged = type(anchor)(gone.seq, "00" * 32)
    found = broken(old, forged)
    assert f"record {gone.seq} is not the anchor's" in found.why


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("n", range(4))
def test_a_changed_link_is_found(old, n, at):
    entry = entry_of(old, "retirement")
    body: RetirementBody = codec.decode(entry.kind, entry.body)
    mac = base64.b64encode(body.links[n][at])
    forged = entry.body.replace(mac, base64.b64encode(b"x" * 32), 1)
    assert forged != entry.body
    attack(old, rewritten(entry, forged))
    assert broken(old).first_bad <= entry.seq
    assert old.verify().state == "broken"


@pytest.mark.parametrize(
    "name", ["ranges", "links", "sessions", "patients", "count", "sha256", "uses"]
)
def test_whatever_else_a_retirement_says_is_proved_with_it(old, name):
    entry = entry_of(old, "retirement")
    plain = codec.decode(entry.kind, entry.body)
    body = RetirementBody(
        **{it: getattr(plain, it) for it in plain.__struct_fields__ if it != name}
    )
    attack(old, rewritten(entry, codec.encode(body)))
    assert broken(old).first_bad <= entry.seq


def test_a_record_that_did_not_leave_cannot_be_made_to_have_left(old):
    """Its link in a true retirement, its number in the ranges: the mac is the key's."""
    entry = entry_of(old, "retirement")
    body = codec.decode(entry.kind, entry.body)
    victim = next(it for it in said_of(old.directory, TWO) if it.kind == "binding")
    told = {it: getattr(body, it) for it in body.__struct_fields__}
    told["links"] = tuple(
        sorted((*body.links, (victim.seq, before(old, victim), victim.mac)))
    )
    told["ranges"] = tuple(sorted((*body.ranges, (victim.seq, victim.seq))))
    attack(
        old,
        rewritten(entry, codec.encode(RetirementBody(**told))),
        ("DELETE FROM entries WHERE seq = ?", (victim.seq,)),
    )
    assert broken(old).first_bad == entry.seq


@pytest.mark.parametrize("mac", [None, b"m" * 32])
def test_a_retirement_that_was_put_in_excuses_nothing(old, mac):
    victim = next(it for it in said_of(old.directory, TWO) if it.kind == "binding")
    body = RetirementBody(
        by="devicelog",
        what="sessions",
        sessions=(TWO,),
        ranges=((victim.seq, victim.seq),),
        links=((victim.seq, before(old, victim), victim.mac),),
        count=1,
    )
    seq = old.anchors[-1].seq + 1
    of = (seq, 5, "-", "-", "retirement", "", "forged", codec.encode(body), mac)
    delete = ("DELETE FROM entries WHERE seq = ?", (victim.seq,))
    attack(old, put_in(Entry(*of)), delete)
    assert broken(old).first_bad in (victim.seq, seq)


@pytest.mark.parametrize("kind", ["binding", "hold", "session"])
def test_a_record_deleted_beside_what_left_is_missing(old, kind):
    said = said_of(old.directory, TWO)
    victim = next(it for it in said if it.kind == kind and it.mac)
    attack(old, ("DELETE FROM entries WHERE seq = ?", (victim.seq,)))
    found = broken(old)
    assert (found.first_bad, found.why) == (victim.seq, "it is missing")


def test_what_left_and_stands_again_is_found(old):
    gone = next(it for it in old.left if it.mac)
    attack(old, put_in(gone))
    found = broken(old)
    assert found.first_bad == gone.seq
    assert "stands there again" in found.why
    report = check.examine(old.directory / "journal.db")
    assert f"entry {gone.seq} had left by a retirement" in report.damage


def test_a_retirement_that_is_taken_away_is_missed(old):
    entry = entry_of(old, "retirement")
    attack(old, ("DELETE FROM entries WHERE seq = ?", (entry.seq,)))
    assert broken(old).first_bad <= entry.seq


def test_a_cut_end_takes_its_retirements_with_it_and_is_found(old):
    entry = entry_of(old, "retirement")
    attack(old, ("DELETE FROM entries WHERE seq >= ?", (entry.seq,)))
    assert old.verify().state == "broken"  # what left is not excused any more


def test_a_cut_end_behind_a_retirement_is_found_by_the_anchor_alone(old):
    entry = entry_of(old, "retirement")
    attack(old, ("DELETE FROM entries WHERE seq > ?", (entry.seq,)))
    assert broken(old).first_bad == entry.seq + 1
    assert old.verify().state == "not provable"


def test_a_false_record_is_not_let_go(tmp_path):
    """Nobody could see it afterwards."""
    made = Archive(tmp_path)
    anna = made.add("Anna")
    for _ in range(2):
        made.assign(made.treated(), anna)
    made.clock.advance(YEARS)
    made.writer.close()
    victim = next(it for it in said_of(made.directory, ONE) if it.kind == "binding")
    forged = victim.body.replace(b"physio", b"nobody")
    assert forged != victim.body
    attack(made, rewritten(victim, forged))
    made.open().open()
    made.elsewhere()
    assert f"record {victim.seq} of the audit chain is not what was" in made.night()
    assert made.there() == [ONE, TWO]
    made.writer.close()
    assert made.verify().first_bad == victim.seq
