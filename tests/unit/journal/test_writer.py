"""Appending: groups whole and in order, keys that make a repeat harmless, stamps."""

import os
import sqlite3
import threading

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journals import clinic, entries, fill, noise, reading, writer
from waiting import wait_until

from devicelog.clock import ManualClock
from devicelog.errors import ConfigError, JournalBusy, JournalError
from devicelog.journal.reader import Reader
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model.flow import Draft


def draft(key, at_ns=1, *, body=b"{}", channel="us"):
    return Draft(at_ns, "us-1", channel, "noise", "", key, body)


def test_what_is_appended_comes_back_in_order(tmp_path):
    groups = clinic(0, 120)
    with writer(tmp_path / "data") as journal:
        fill(journal, groups)

    found = entries(tmp_path / "data")

    drafts = [it for group in groups for it in group]
    assert [it.seq for it in found] == [*range(1, len(drafts) + 1)]
    assert [(it.key, it.at_ns, it.subject, it.body) for it in found] == [
        (it.key, it.at_ns, it.subject, it.body) for it in drafts
    ]


def test_a_repeat_with_the_same_body_is_taken_once(tmp_path):
    with writer(tmp_path / "data") as journal:
        first = journal.append([draft("a"), draft("b", 2)], 5)
        again = journal.append([draft("b", 9), draft("c", 3)], 5)

    assert again[0] == first[1]
    assert [it.key for it in entries(tmp_path / "data")] == ["a", "b", "c"]


def test_a_repeat_with_another_body_is_an_alarm_told_once(tmp_path):
    with writer(tmp_path / "data") as journal:
        (first,) = journal.append([draft("a")], 5)
        for _ in range(2):
            (answer,) = journal.append([draft("a", body=b'{"other":1}')], 5)
            assert answer == first
    with Reader(str(tmp_path / "data")) as reader:
        (alarm,) = reader.alarms(open_only=True)

    assert [it.kind for it in entries(tmp_path / "data")] == ["noise", "alarm"]
    assert "key a came again with another body" in alarm.text


def test_a_taken_stamp_moves_to_the_next_free_nanosecond(tmp_path):
    with writer(tmp_path / "data") as journal:
        made = journal.append([draft(str(n), at_ns=100) for n in range(3)], 5)
        made += journal.append([draft("later", at_ns=500)], 5)
        made += journal.append([draft("back", at_ns=101)], 5)
        made += journal.append([draft("elsewhere", at_ns=100, channel="if")], 5)

    assert [it.at_ns for it in made] == [100, 101, 102, 500, 103, 100]


def test_stamps_and_keys_hold_over_a_restart(tmp_path):
    with writer(tmp_path / "data") as journal:
        journal.append([draft("a", 100)], 5)
    with writer(tmp_path / "data") as journal:
        again, new = journal.append([draft("a", 100), draft("b", 100)], 5)

    assert (again.seq, new.seq, new.at_ns) == (1, 2, 101)


def test_a_group_that_cannot_be_stored_costs_no_other(tmp_path):
    wrong = draft("wrong", at_ns=2**70)
    with writer(tmp_path / "data") as journal:
        gate = threading.Barrier(3)
        answers = {}

        def hand_over(name, drafts):
            gate.wait()
            try:
                answers[name] = journal.append(drafts, 5)
            except JournalError as error:
                answers[name] = error

        asked = {
            "good": [draft("good")],
            "bad": [draft("beside"), wrong],
            "also": [draft("also", 3)],
        }
        threads = [threading.Thread(target=hand_over, args=it) for it in asked.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        journal.append([], 5)

    assert isinstance(answers["bad"], JournalError)
    keys = {it.key for it in entries(tmp_path / "data") if it.kind == "noise"}
    assert keys == {"good", "also"}
    with Reader(str(tmp_path / "data")) as reader:
        assert [it.name for it in reader.alarms()] == ["journal/refused"]


def test_beyond_the_limit_nothing_is_taken_and_nothing_is_lost(tmp_path):
    with writer(
        tmp_path / "data", pending_limit=10, commit_interval_ms=5000
    ) as journal:
        assert journal.submit([draft(str(n), n) for n in range(8)])
        assert not journal.submit([draft(str(n), n) for n in range(8, 12)])
        assert journal.submit([draft(str(n), n) for n in range(8, 10)])
        with pytest.raises(JournalError, match="takes no entries now"):
            journal.append([draft("x", 99)], 5)
        assert journal.backlog == 10

    assert [it.key for it in entries(tmp_path / "data")] == [str(n) for n in range(10)]


def test_a_group_larger_than_the_limit_is_taken_when_nothing_waits(tmp_path):
    with writer(tmp_path / "data", pending_limit=10) as journal:
        assert journal.submit([draft(str(n), n) for n in range(30)])

    assert len(entries(tmp_path / "data")) == 30


def test_a_second_writer_is_told_who_holds_the_directory(tmp_path):
    told = r"recorded into by process \d+ \(stop"
    with writer(tmp_path / "data"), pytest.raises(JournalBusy, match=told):
        writer(tmp_path / "data").open()
    with writer(tmp_path / "data"):
        pass


def test_a_simulated_name_is_for_simulated_sites(tmp_path):
    for site, simulated in (("sim-a", False), ("clinic", True)):
        with pytest.raises(ConfigError, match="sim-"):
            Writer(
                JournalSettings(str(tmp_path)),
                simulated=simulated,
                site=site,
                clock=ManualClock(),
            )


def test_directory_and_files_are_private_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        with writer(tmp_path / "data", ballast_mb=1) as journal:
            fill(journal, clinic(0, 10))
            modes = {
                it.name: it.stat().st_mode & 0o777
                for it in (tmp_path / "data").iterdir()
            }
    finally:
        os.umask(before)

    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert set(modes) == {
        *("journal.db", "journal.db-wal", "journal.db-shm", "lock", "ballast"),
    }
    assert set(modes.values()) == {0o600}


def test_entries_can_be_neither_changed_nor_removed(tmp_path):
    with writer(tmp_path / "data") as journal:
        fill(journal, clinic(0, 10))
    db = sqlite3.connect(tmp_path / "data" / "journal.db")
    for statement in ("UPDATE entries SET body = x'00'", "DELETE FROM entries"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(statement)
    db.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("submit"),
            st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), max_size=4),
        ),
        st.just(("reopen", [])),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_a_journal_is_a_dict_of_keys_that_keeps_its_first_values(
    tmp_path_factory, steps
):
    directory = tmp_path_factory.mktemp("model") / "data"
    model = {}
    journal = writer(directory)
    journal.open()
    for step, given_ in steps:
        if step == "reopen":
            journal.close()
            journal = writer(directory)
            journal.open()
            continue
        group = [draft(f"k{key}", at_ns, body=b"%d" % key) for key, at_ns in given_]
        answers = journal.append(group, 10)
        for it, answer in zip(group, answers, strict=True):
            first = model.setdefault(it.key, answer)
            assert answer == first
    journal.close()

    found = entries(directory)
    assert found == sorted(model.values(), key=lambda it: it.seq)
    assert len({it.at_ns for it in found}) == len(found)


def test_large_bodies_are_kept_whole(tmp_path):
    with writer(tmp_path / "data") as journal:
        made = journal.append([noise(n, 50_000) for n in range(3)], 5)

    assert entries(tmp_path / "data") == made


def test_many_threads_hand_over_at_once(tmp_path):
    with writer(tmp_path / "data") as journal:
        threads = [
            threading.Thread(
                target=lambda run=run: [
                    journal.submit([reading(n, run=run, device=run)])
                    for n in range(200)
                ]
            )
            for run in "abcd"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    found = entries(tmp_path / "data")
    for run in "abcd":
        own = [it.key for it in found if it.device == run]
        assert own == [f"{run}/{n}" for n in range(200)]


def test_what_comes_during_a_commit_waits_no_longer_than_others(tmp_path, monkeypatch):
    """The interval counts from its hand-over, however long the commit before took."""
    clock, begun, go_on = ManualClock(), threading.Event(), threading.Event()
    with writer(tmp_path / "data", clock=clock, commit_interval_ms=60_000) as journal:
        commit = journal._store.commit

        def slow(*told):
            begun.set()
            assert go_on.wait(10)
            return commit(*told)

        monkeypatch.setattr(journal._store, "commit", slow)
        edge = msgspec.structs.replace(draft("edge"), edge=True)
        assert journal.submit([edge])
        assert begun.wait(10)
        assert journal.submit([draft("during", 2)])
        clock.advance(61)
        go_on.set()
        wait_until(lambda: journal.committed == 2, seconds=10)
