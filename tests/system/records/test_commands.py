"""Whose a session is, by the program: the same rules with a recorder and without."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from system.commands.site import Site, served, virtual, wait_until
from system.records.known import known

from devicelog.drivers.simulated.serve import PtyPort
from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.operations.ask import ask

ANNA, BERND = "3333-334F", "3333-335J"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Two devices; asked while it records, then asked again when it has ended."""
    site = Site(tmp_path_factory.mktemp("records"))
    held = virtual("0002", held=True)
    ports = [
        PtyPort(it, link=site.folder / f"us-{n}")
        for n, it in enumerate((virtual("0001"), held), 1)
    ]
    site.device("us-1", ports[0].link).device("us-2", ports[1].link)
    with served(*ports), known(site.write(), ANNA, BERND).recording() as process:
        (row,) = wait_until(lambda: site.json("sessions", "unassigned"))
        site.one = row["session_id"]
        site.inbox = site.run("sessions", "unassigned").stdout
        said = ["--clinician", "kb", "--request-id", "request-1"]
        site.process("sessions", "assign", site.one, ANNA, *said)
        site.raced = race(site)
        site.asked = site.run("sessions", "assign", site.one, BERND, code=1).stderr
        site.run("sessions", "ahead", "us-2", BERND, "--within", "5min")
        held.go()
        site.two = wait_until(lambda: bound(site, "us-2"))
        site.ahead = site.json("sessions", "show", site.two)
        site.run("devices", "label", "us-2", "Ultrasound, room 2")
        site.called = called(site)
        site.shown = site.json("status")["devices"]
        site.status = process.poll()
    return site


def race(site):
    """Eight clients repeat one request at once, under one id."""

    def again(_):
        args = {"session_id": site.one, "pseudonym": ANNA, "clinician": "kb"}
        return [
            bytes(it)
            for it in ask(str(site.data), "assign", request_id="request-1", **args)
        ]

    with ThreadPoolExecutor(8) as pool:
        return {tuple(it) for it in pool.map(again, range(8))}


def called(site):
    return {it["name"]: it["label"] for it in site.json("devices", "list")["devices"]}


def bound(site, device):
    rows = site.json("sessions", "list", "--device", device)
    return next((it["session_id"] for it in rows if it["pseudonym"]), None)


def test_a_session_is_taken_from_the_inbox_while_it_runs(recorded):
    assert recorded.one in recorded.inbox
    told = recorded.json("sessions", "show", recorded.one)
    assert told["session"]["pseudonym"] == ANNA
    assert told["said"][0]["facts"] == {"pseudonym": ANNA, "clinician": "kb"}
    assert recorded.status is None


def test_a_repeated_request_has_one_answer_and_one_entry(recorded):
    (answer,) = recorded.raced
    (entry,) = json.loads(answer[0])["entries"]
    with Reader(str(recorded.data)) as reader:
        entries = reader.entries(kind="binding", subject=recorded.one)
    assert entry["seq"] == entries[0].seq
    assert [it.key for it in entries].count("request-1") == 1


def test_to_change_it_a_reason_is_asked_for(recorded):
    assert f"belongs to {ANNA}" in recorded.asked
    assert "--reason" in recorded.asked


def test_what_was_said_ahead_is_carried_out_within_seconds(recorded):
    (said,) = recorded.ahead["said"]
    assert (said["how"], said["what"]) == ("ahead", "bound")
    assert recorded.ahead["session"]["pseudonym"] == BERND
    assert recorded.one.startswith("us-1.")


def test_without_a_recorder_the_same_rules_write(recorded):
    run = recorded.run
    assign = ["sessions", "assign", recorded.one, BERND, "--reason", "wrong_patient"]
    asked = run(*assign, code=1)
    run(*assign, "--yes")
    shown = recorded.json("sessions", "show", recorded.one)
    listed = run("sessions", "list").stdout
    undone = run("sessions", "undo", recorded.one).stdout
    again = run("sessions", "undo", recorded.one, code=1).stderr

    assert f"belongs to {ANNA}" in asked.stderr
    assert "--yes" in asked.stderr
    assert shown["session"]["pseudonym"] == BERND
    assert shown["said"][1]["facts"]["was"] == ANNA
    assert BERND in listed
    assert undone == f"{recorded.one} is as it was before\n"
    assert "to undo" in again
    assert recorded.json("sessions", "show", recorded.one)["session"]["pseudonym"] == (
        ANNA
    )
    assert run("db", "check").stderr == "nothing is damaged\n"


def test_a_request_answered_by_the_recorder_is_answered_alike_without_it(recorded):
    said = ["--clinician", "kb", "--request-id", "request-1"]
    told = recorded.run("sessions", "assign", recorded.one, ANNA, *said).stdout

    assert told == f"{recorded.one} assigned\n"
    with pytest.raises(DevicelogError):  # nobody runs who could have answered
        [*ask(str(recorded.data), "status")]


def test_a_name_or_a_note_on_the_command_line_is_no_way(recorded):
    told = recorded.run("sessions", "assign", recorded.two, "Mustermann", code=1)
    assert "ustermann" not in told.stderr
    assert "names are never given on a command line" in told.stderr
    noted = ["sessions", "unbind", recorded.two, "--reason", "other", "--note"]
    recorded.run(*noted, stdin="Erika was here\n")
    recorded.run("sessions", "assign", recorded.two, BERND)
    told = recorded.json("sessions", "show", recorded.two)["said"]
    assert [it["note"] for it in told][-2:] == [True, False]
    assert b"Erika" not in (recorded.data / "journal.db").read_bytes()


def test_the_purpose_takes_a_session_out_of_the_inbox(recorded):
    run = recorded.run
    run("sessions", "unbind", recorded.two, "--reason", "wrong_session")
    assert recorded.two in run("sessions", "unassigned").stdout
    run("sessions", "purpose", recorded.two, "demonstration")
    assert recorded.two not in run("sessions", "unassigned").stdout
    row = next(
        it
        for it in recorded.run("sessions", "list").stdout.splitlines()
        if it.startswith(recorded.two)
    )
    assert " demonstration " in row
    totals = recorded.json("sessions", "totals")
    assert totals["other"] == {"demonstration": 1}
    assert "not counted: 1 demonstration" in run("sessions", "totals").stdout


def test_before_the_first_run_nothing_can_be_said(tmp_path):
    site = Site(tmp_path).write()
    told = site.run("sessions", "assign", "us-1.us.1", ANNA, code=1).stderr

    assert "devicelog run" in told
    assert not site.data.exists()


def test_annotations_and_treatments_by_hand(recorded):
    run, one = recorded.run, recorded.one
    run("sessions", "annotate", one, "--site", "knee", "--warned", "--pain-before", "6")
    run("treatments", "add", ANNA, "massage", "--minutes", "20", "--site", "calf")
    shown = recorded.json("sessions", "show", one)
    text = run("sessions", "show", one).stdout
    run("sessions", "annotate", one, "--withdraw", "warned")
    later = run("sessions", "show", one).stdout
    run("sessions", "annotate", one, "--warned")
    history = recorded.json("treatments", "list", ANNA)
    listed = run("treatments", "list", ANNA).stdout
    number = str(history["manual"][0]["seq"])
    run("treatments", "withdraw", number, "--reason", "wrong_patient")

    facts = {"site": "knee", "warned": True, "pain_before": 6}
    assert shown["session"]["annotations"] == facts
    assert re.search(": annotation knee, warned, pain before 6$", text, re.MULTILINE)
    assert re.search(": annotation withdrawn warned$", later, re.MULTILINE)
    assert [it["session_id"] for it in history["sessions"]] == [one]
    assert "knee, warned, pain before 6" in listed
    assert "massage" in listed
    assert recorded.json("treatments", "list", ANNA)["manual"] == []


def test_checks_correct_the_dose_and_recall_whom_a_head_touched(recorded):
    run, one = recorded.run, recorded.one
    head = recorded.json("sessions", "show", one)["session"]["head"]
    # Before the session: the check that counts.
    frequency = recorded.json("sessions", "show", one)["session"]["settings"]
    said = [
        *("calibration", "add", "--head", head, "--point", "10:7"),
        *("--frequency-mhz", str(frequency["frequency_mhz"])),
        *("--mode", "continuous" if frequency["duty_pct"] == 100 else "pulsed"),
        *("--on", "2026-01-05"),
    ]
    added = run(*said).stdout
    run("sessions", "close", one, code=4)
    recalled = recorded.json("calibration", "recall", head)
    talk = run("calibration", "recall", head)
    listed = recorded.json("calibration", "list")
    due = recorded.json("calibration", "due")

    assert "failed, -30 %" in added
    assert one in {it["session"]["session_id"] for it in recalled["touched"]}
    assert recalled["pseudonyms"] == [ANNA]
    assert recalled["why"] == "it never passed a check"
    assert ANNA in talk.stdout
    assert listed[0]["error_pct"] == -30.0
    assert ("head", head) in {(it["thing"], it["name"]) for it in due}
    run("calibration", "withdraw", str(listed[0]["seq"]), "--reason", "mistake")
    assert recorded.json("calibration", "list") == []
    run("calibration", "add", "--point", "10:7", code=2)
    run(*said[:3], head, "--point", "ten", code=2)


def test_a_label_is_shown_by_a_recorder_that_runs(recorded):
    names = {"us-1": "us-1", "us-2": "Ultrasound, room 2"}
    assert recorded.called == names
    assert {it["name"]: it["label"] for it in recorded.shown} == names


def test_the_register_is_dated(recorded):
    run = recorded.run
    moved = ["devices", "register", "H-9", "moved", "--head", "--device", "us-2"]
    run(*moved, "--on", "2026-03-01", "--serial", "S9")
    run("devices", "label", "us-1", "Ultrasound, room 1")
    assert called(recorded) == {
        "us-1": "Ultrasound, room 1",
        "us-2": "Ultrasound, room 2",
    }
    stands = {it["name"]: it for it in recorded.json("devices", "registered")}
    stood = recorded.json("devices", "registered", "--on", "2026-02-28")

    assert stands["H-9"]["device"] == "us-2"
    assert stands["us-1"]["label"] == "Ultrasound, room 1"
    assert stood == []
    assert "H-9" in run("devices", "registered").stdout
    assert "no device" in run("devices", "label", "us-9", "x", code=1).stderr


def test_a_backup_goes_to_a_new_place_unasked_and_over_a_journal_only_with_yes(
    tmp_path,
):
    for name in ("old", "new", "third", "to"):
        (tmp_path / name).mkdir()
    old, new, third = (
        Site(tmp_path / name).write() for name in ("old", "new", "third")
    )
    known(old, ANNA)
    made = old.json("db", "backup", "--to", str(tmp_path / "to"))
    keys = str(tmp_path / "keys")
    old.run("db", "backup", "--keys", keys, stdin="correct horse battery\n")

    words = ("db", "restore", made["path"], "--keys", keys)
    told = new.json(*words, stdin="correct horse battery\n")
    asked = new.run(*words, stdin="correct horse battery\n", code=1)
    said = third.run(*words, stdin="correct horse battery\n").stderr

    assert (told["entries"], told["head"]) == (made["entries"], made["head"])
    assert new.json("patients", "show", ANNA)["who"]["name"] == f"Patient {ANNA}"
    assert "no journal stood there" in said
    assert "not reached" not in said
    assert "would be replaced" in asked.stderr
    assert "--yes" in asked.stderr
