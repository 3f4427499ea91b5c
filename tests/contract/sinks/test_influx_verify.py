"""Sessions read back from the store: what is missing, altered or stray is named."""

import contextlib
import json
import threading

import pytest
from click.testing import CliRunner
from contract.sinks.stored import Carried, sink_for, wanted_readings
from contract.sinks.test_relay import wait_until
from journals import SITE, clinic, entries, event, fill, leaving, reading, writer

from devicelog.cli.commands import main
from devicelog.clock import ManualClock, SystemClock
from devicelog.errors import DevicelogError, SinkUnavailable
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.delivery import Position, Progress, Reject
from devicelog.records.receipts import Receipts, ends, seq_at
from devicelog.records.rounds import Rounds

FIRST = 1_800_000_000_000_000_000
SECOND = 1_000_000_000
CONFIG = """
[site]
name = "{site}"
simulated = true
[journal]
directory = "{directory}"
ballast_mb = 0
[influx]
url = "{url}"
org = "{org}"
bucket = "{bucket}"
token_file = "{token_file}"
"""


@pytest.fixture
def clinic_one(influxdb, tmp_path):
    """Six sessions, journalled and stored; the folder of the journal."""
    directory = tmp_path / "data"
    with writer(directory) as journal:
        fill(journal, clinic(0, 300))
        with Carried(directory, sink_for(influxdb), journal) as carried:
            carried.drained()
    return directory


def asked(influxdb, directory, tmp_path, *words):
    """The command, as a person says it; its JSON by session, its talk, its code."""
    settings = influxdb.settings()
    config = tmp_path / "devicelog.toml"
    told = {name: getattr(settings, name) for name in ("url", "org", "bucket")}
    text = CONFIG.format(
        site=SITE, directory=directory, token_file=settings.token_file, **told
    )
    config.write_text(text)
    words = ("sessions", "verify", "--json", "--config", str(config), *words)
    result = CliRunner().invoke(main, words)
    found = json.loads(result.stdout) if result.stdout else []
    return {it["session_id"]: it for it in found}, result.stderr, result.exit_code


def damage(influxdb):
    """A row deleted, a field altered, a stray row added, each in another session."""
    influxdb.delete("therapy_reading", FIRST + 10 * SECOND)
    where = f"therapy_reading,site={SITE},device=us-1,channel=us,modality=us"
    influxdb.write(f"{where} intensity_w_cm2=2.5 {FIRST + 60 * SECOND}")
    influxdb.write(
        f'{where} intensity_w_cm2=0.1,session_id="us-1.us.00000100",seq=1i '
        f"{FIRST + 110 * SECOND + 500}"
    )


def test_a_clean_store_is_complete_and_says_so_once(influxdb, clinic_one, tmp_path):
    first, _, code = asked(influxdb, clinic_one, tmp_path, "--from", "2000-01-01")
    with (
        writer(clinic_one) as journal,
        Carried(clinic_one, sink_for(influxdb), journal) as carried,
    ):
        carried.drained()
    second, _, _ = asked(influxdb, clinic_one, tmp_path, "--from", "2000-01-01")
    receipts = [it for it in entries(clinic_one) if it.kind == "receipt"]
    config = str(tmp_path / "devicelog.toml")
    words = ["sessions", "show", "--config", config, "us-1.us.00000000"]
    shown = CliRunner().invoke(main, words).stdout

    assert code == 0
    assert "receipt: complete, 50 decoded, 50 kept, 50 stored" in shown
    assert len(first) == 6
    for it in first.values():
        assert it["receipt"]["state"] == "complete"
        assert (it["receipt"]["decoded"], it["receipt"]["stored"]) == (50, 50)
        assert it["written"]
    assert not any(it["written"] for it in second.values())
    assert len(receipts) == 6
    sessions = influxdb.rows("therapy_session")
    assert {it["receipt_stored"] for it in sessions.values()} == {50}
    assert {it["receipt_state"] for it in sessions.values()} == {"complete"}


def test_what_differs_is_named_and_sent_again(influxdb, clinic_one, tmp_path):
    damage(influxdb)
    found, _, code = asked(influxdb, clinic_one, tmp_path, "--from", "2000-01-01")
    named = {name: it["differences"] for name, it in found.items()}

    assert code == 5
    there = "therapy_reading us-1/us/us at"
    assert named.pop("us-1.us.00000000") == [
        f"{there} {FIRST + 10 * SECOND} ns is missing"
    ]
    altered = "intensity_w_cm2 is 2.5 instead of 0.5"
    assert named.pop("us-1.us.00000050") == [
        f"{there} {FIRST + 60 * SECOND} ns {altered}"
    ]
    assert named.pop("us-1.us.00000100") == [
        f"{there} {FIRST + 110 * SECOND + 500} ns is not of the journal"
    ]
    assert [*named.values()] == [[], [], []]
    states = [it["receipt"]["state"] for it in found.values()]
    assert states == ["incomplete"] * 3 + ["complete"] * 3

    with (
        writer(clinic_one) as journal,
        Carried(clinic_one, sink_for(influxdb), journal) as carried,
    ):
        carried.drained()
        before = carried.relay.status.position.proof
    damage(influxdb)  # again: the relay has read back what it had sent, and mended it
    found, _, code = asked(
        influxdb, clinic_one, tmp_path, "--from", "2000-01-01", "--repair"
    )

    assert code == 0
    states = [it["receipt"]["state"] for it in found.values()]
    assert states == ["repaired"] * 3 + ["complete"] * 3
    stored = influxdb.rows("therapy_reading")
    assert stored.pop(("us", "us-1", "us", SITE, FIRST + 110 * SECOND + 500))
    assert stored == wanted_readings(clinic_one)
    with Reader(str(clinic_one)) as view:
        proof = view.position("influx").proof
    assert proof.since_start <= before.since_start


def test_a_session_on_its_way_is_pending_not_incomplete(influxdb, clinic_one, tmp_path):
    with writer(clinic_one) as journal:
        fill(journal, clinic(300, 50))
    found, _, code = asked(influxdb, clinic_one, tmp_path, "us-1.us.00000300")

    assert code == 0
    assert found["us-1.us.00000300"]["pending"]
    assert "receipt" not in found or not found["us-1.us.00000300"]["receipt"]


def test_no_such_session_and_no_such_store(influxdb, clinic_one, tmp_path):
    _, told, code = asked(influxdb, clinic_one, tmp_path, "us-9.us.20260101T000000Z")
    assert (code, "no session us-9" in told) == (1, True)

    config = tmp_path / "bare.toml"
    config.write_text(
        f'[site]\nname = "{SITE}"\nsimulated = true\n'
        f'[journal]\ndirectory = "{clinic_one}"\n'
    )
    result = CliRunner().invoke(main, ["sessions", "verify", "--config", str(config)])
    assert result.exit_code == 3
    assert "[influx]" in result.stderr


def rounds_for(directory, journal, carried, clock):
    audit = carried.relay.sink.audit()
    receipts = Receipts(
        str(directory),
        journal.append,
        clock,
        sinks=("influx",),
        audit=audit,
        rewrote=carried.relay.rewrote,
    )
    return Rounds(
        str(directory),
        receipts,
        clock,
        timezone="Europe/Berlin",
        audit=audit,
        prove=carried.relay.prove,
        look_s=0.02,
    )


def test_each_session_gets_its_receipt_and_the_night_mends_the_week(influxdb, tmp_path):
    clock = ManualClock(FIRST + 600 * SECOND)  # 2027-01-15 09:10 in Berlin
    with (
        writer(tmp_path) as journal,
        Carried(tmp_path, sink_for(influxdb), journal) as carried,
    ):
        rounds = rounds_for(tmp_path, journal, carried, clock)
        thread = threading.Thread(target=rounds.run)
        thread.start()
        try:
            fill(journal, clinic(0, 300))
            wait_until(lambda: len(receipts_in(tmp_path)) == 6)
            wait_until(
                lambda: all(
                    it.get("receipt_state") == "complete"
                    for it in influxdb.rows("therapy_session").values()
                )
            )
            damage(influxdb)
            clock.advance(86_400)
            wait_until(lambda: len(receipts_in(tmp_path)) == 9)
        finally:
            rounds.stop()
            thread.join()
        stored = influxdb.rows("therapy_reading")

    states = [it.state for it in receipts_in(tmp_path)]
    assert states == ["complete"] * 6 + ["repaired"] * 3
    assert stored.keys() - wanted_readings(tmp_path).keys() == {
        ("us", "us-1", "us", SITE, FIRST + 110 * SECOND + 500)
    }
    assert {key: stored[key] for key in wanted_readings(tmp_path)} == wanted_readings(
        tmp_path
    )


@contextlib.contextmanager
def recorder(influxdb, directory, clock):
    """One run with its rounds; what these look at, as it comes."""
    with (
        writer(directory) as journal,
        Carried(directory, sink_for(influxdb), journal) as carried,
    ):
        rounds = rounds_for(directory, journal, carried, clock)
        examine, looked = rounds._audit.examine, []
        rounds._audit.examine = lambda *told: looked.append(told) or examine(*told)
        thread = threading.Thread(target=rounds.run)
        thread.start()
        try:
            yield journal, rounds, looked
        finally:
            rounds.stop()
            thread.join()


def test_a_night_that_was_slept_through_is_made_up_at_the_next_start(
    influxdb, tmp_path
):
    clock = ManualClock(FIRST + 600 * SECOND)  # 2027-01-15 09:10 in Berlin
    with recorder(influxdb, tmp_path, clock) as (journal, _, _):
        fill(journal, clinic(0, 300))
        wait_until(lambda: len(receipts_in(tmp_path)) == 6)
        wait_until(lambda: nights(tmp_path) > 0)
    clock.advance(2 * 3600)
    with recorder(influxdb, tmp_path, clock) as (_, rounds, looked):
        wait_until(lambda: rounds.beats > 3)
        assert looked == []  # the same day: nothing is due

    damage(influxdb)
    clock.advance(22 * 3600)
    with recorder(influxdb, tmp_path, clock) as (_, rounds, looked):
        wait_until(lambda: len(receipts_in(tmp_path)) == 9)
        wait_until(lambda: nights(tmp_path) == rounds._night())
    stored = influxdb.rows("therapy_reading")

    assert [it.state for it in receipts_in(tmp_path)][6:] == ["repaired"] * 3
    assert wanted_readings(tmp_path).items() <= stored.items()


def nights(directory):
    with Reader(str(directory)) as view:
        return view.position("influx").proof.night


def test_a_store_that_leaves_while_it_is_read_costs_no_receipt(influxdb, tmp_path):
    clock = ManualClock(FIRST + 600 * SECOND)
    with (
        writer(tmp_path) as journal,
        Carried(tmp_path, sink_for(influxdb), journal) as carried,
    ):
        fill(journal, clinic(0, 200))
        carried.drained()
        rounds = rounds_for(tmp_path, journal, carried, clock)
        examine, calls = rounds._audit.examine, []

        def away(row, view):
            calls.append(row.session_id)
            if len(calls) % 2:
                raise SinkUnavailable("away while it is read")
            return examine(row, view)

        rounds._audit.examine = away
        thread = threading.Thread(target=rounds.run)
        thread.start()
        try:
            wait_until(lambda: len(receipts_in(tmp_path)) == 4)
        finally:
            rounds.stop()
            thread.join()

    assert [it.state for it in receipts_in(tmp_path)] == ["complete"] * 4
    assert len(calls) == 8


def receipts_in(directory):
    with Reader(str(directory)) as view:
        found = view.entries(kind="receipt")
    return [codec.decode("receipt", it.body) for it in found]


def test_counts_are_of_each_station(tmp_path):
    """Without a store: taken by the broker but for what it refused."""
    directory = tmp_path / "data"
    with writer(directory) as journal:
        fill(journal, clinic(0, 50))
        with Reader(str(directory)) as view:
            row = view.session("us-1.us.00000000")
            receipts = Receipts(
                str(directory), journal.append, SystemClock(), sinks=("mqtt",)
            )
            assert receipts.verify(row, view, repair=False).pending
            rejects = [it.seq for it in view.entries(kind="reading")][3:5]
            told = Progress(
                "mqtt",
                Position(done_to=view.last_seq()),
                rejects=tuple(Reject(seq, "denied") for seq in rejects),
            )
            journal.deliver(told)
            journal.append([reading(900)], 10)
            verified = receipts.verify(row, view, repair=False)

    receipt = verified.receipt
    assert (receipt.decoded, receipt.kept, receipt.published) == (50, 50, 48)
    assert (receipt.stored, receipt.state) == (None, "unread")


def test_a_session_whose_readings_were_retired_is_not_compared(
    influxdb, clinic_one, tmp_path
):
    """Its last receipt stands; nothing of it is sent, even where the store lost it."""
    name = "us-1.us.00000000"
    asked(influxdb, clinic_one, tmp_path, "--from", "2000-01-01")
    with writer(clinic_one) as journal, Reader(str(clinic_one)) as view:
        row = view.session(name)
        seqs = [it.seq for it in view.entries(subject=name, kind="reading")][:30]
        journal.append([leaving(clinic_one, tuple((it, it) for it in seqs))], 10)
        head = view.last_seq()
        with Carried(clinic_one, sink_for(influxdb), journal):
            wait_until(lambda: view.position("influx").done_to >= head)
    influxdb.delete("therapy_reading", FIRST + SECOND)
    influxdb.delete("therapy_reading", FIRST + 60 * SECOND)

    words = ("--from", "2000-01-01", "--repair")
    found, _, code = asked(influxdb, clinic_one, tmp_path, *words)

    told = found.pop(name)
    assert (told["retired"], told.get("differences", []), code) == (True, [], 0)
    assert told["receipt"]["kept"] == 50
    states = [it["receipt"]["state"] for it in found.values()]
    assert sorted(states) == ["complete"] * 4 + ["repaired"]
    assert row.retired == 0
    with Reader(str(clinic_one)) as view:
        assert view.session(name).retired == 30
        with pytest.raises(DevicelogError, match="were retired"):
            sink_for(influxdb).audit().examine(view.session(name), view)


def test_ends_and_times_are_found_in_the_journal(tmp_path):
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 3000))
        fill(journal, [[event(4000, "start", "us-1.us.open", values={})]])
    with Reader(str(tmp_path)) as view:
        found = list(ends(view))
        seq = seq_at(view, FIRST + 2000 * SECOND)
        near = view.entry(seq)

    assert len(found) == 60
    assert [it.subject for it in found][:2] == ["us-1.us.00000000", "us-1.us.00000050"]
    assert near.at_ns <= FIRST + 2000 * SECOND
    assert near.at_ns >= FIRST + 900 * SECOND
