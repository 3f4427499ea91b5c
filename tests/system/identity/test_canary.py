"""A name that is put in is found nowhere but on the screen that was asked for it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from system.commands.site import served, virtual, wait_until
from system.identity.canary import forms, in_bytes, in_files
from system.identity.watched import Watched, shown_by, typed

from devicelog.drivers.simulated.serve import PtyPort
from devicelog.journal.directory import Directory
from devicelog.journal.reader import Reader
from devicelog.operations import master
from devicelog.operations.config import load

NAME = "Canaria Öxebø-Zwölfer"
NOTE = "her sister Canarina Ypsilontis drove"
NUMBER = "CNRY-4711-0815"
ALL = ("Canaria Öxebø", "Öxebø-Zwölfer", "Canarina Ypsilontis", NUMBER)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One patient's way through the whole program while it records."""
    site = Watched(tmp_path_factory.mktemp("identity"))
    port = PtyPort(virtual("0001"), link=site.folder / "us-1")
    site.device("us-1", port.link)
    site.blocks += f'[backup]\nto = "{site.backup}"\nat = "00:00"\n'
    with served(port), site.write().recording() as process:
        who = f"{NAME}\n09.03.1958\n{NUMBER}\n"
        site.code = typed(site, "patients", "add", said=who).strip()
        site.anchors = [head(site)]
        (row,) = wait_until(lambda: site.json("sessions", "unassigned"))
        site.one = row["session_id"]
        note = ("--note",)
        typed(site, "sessions", "assign", site.one, site.code, *note, said=NOTE)
        site.found = typed(site, "patients", "find", said="öxebø\n")
        site.listed = json.loads(typed(site, "patients", "list", "--json"))
        site.shown = typed(site, "patients", "show", site.code)
        wrong = f"{NAME}\n{NUMBER}\n\n"
        typed(site, "patients", "add", said=wrong, code=1)
        table = f"name;record_number\n{NAME};{NUMBER}\nBernd;2\n"
        site.dry = typed(site, "patients", "import", "-", "--dry-run", said=table)
        site.taken = typed(site, "patients", "import", "-", said=table)
        bad = f"name,birth_date\n{NAME},{NUMBER}\nBernd\n"
        typed(site, "patients", "import", "-", said=bad, code=1)
        site.first = typed(site, "db", "backup").strip()
        wait_until(lambda: len(audits(site, "backed_up")) > 1)  # its own, by itself
        site.seen += shown_by(process.pid)
        site.anchors.append(head(site))
        site.audits = audits(site, "")
    site.logs += "".join(process.told).encode()
    return site


def audits(site, event):
    with Reader(str(site.data)) as reader:
        found = reader.entries(kind="audit")
    bodies = [json.loads(it.body) for it in found]
    return [it for it in bodies if event in ("", it["event"])]


def head(site):
    with Reader(str(site.data)) as reader:
        seq, mac = reader.head()
    return f"{seq}:{mac.hex()}"


def test_the_search_finds_every_form():
    for form in forms(NAME).values():
        assert in_bytes(b"..." + form + b"...", NAME), form


def test_who_is_asked_for_is_shown_by_name(site):
    assert NAME in site.found
    assert NUMBER in site.found
    assert [it["who"]["birth_date"] for it in site.listed] == ["1958-03-09"]
    assert NAME in site.shown
    assert site.one in site.shown


def test_no_file_holds_the_name(site):
    kinds = {path.suffix for path in site.folder.rglob("*") if path.is_file()}
    assert {".db", ".json", ".toml"} <= kinds
    assert in_files(site.folder, *ALL) == []


def test_no_process_shows_the_name_in_argv_or_environment(site):
    said = [it for it in site.seen.split(b"\0") if it.isalpha()]
    assert {b"add", b"find", b"list", b"show", b"assign", b"import", b"run"} <= {*said}
    assert b"TMPDIR=" in site.seen
    assert in_bytes(site.seen, *ALL) == []


def test_no_log_and_no_error_says_the_name(site):
    assert b"a birth date is none" in site.logs
    assert b"line 2: a birth date is none" in site.logs
    assert b"line 3: 1 cells, not 2" in site.logs
    assert in_bytes(site.logs, *ALL) == []


def test_a_traceback_that_is_provoked_does_not_say_the_name(site):
    script = (
        "import devicelog.records.patients as it\n"
        "def fail(*_): raise RuntimeError('provoked')\n"
        "it.identity_change = fail\n"
        "from devicelog.__main__ import main\n"
        "main(['patients', 'add'])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-c", script],
        input=f"{NAME} Two\n\n{NUMBER}-2\n".encode(),
        capture_output=True,
        env=site.environ,
        check=False,
        timeout=30,
    )
    assert b"Traceback" in ended.stderr
    assert b"provoked" in ended.stderr
    assert in_bytes(ended.stderr + ended.stdout, *ALL) == []
    assert in_files(site.folder, *ALL) == []


def test_a_table_is_tried_first_and_known_ones_are_left_out(site):
    assert site.dry == "2 patients could be taken; nothing was written\n"
    assert site.taken == "1 patient added, 1 already there\n"


def test_each_look_is_one_record_that_says_who_looked_at_whom(site):
    shown = [it for it in site.audits if it["event"] == "shown"]
    assert [it["what"] for it in shown] == [
        "patients find",
        "patients list",
        "patients show",
    ]
    assert all(it["subjects"] == [site.code] for it in shown)
    assert all(it["by"] for it in shown)


def test_what_cannot_be_recorded_is_not_shown(site):
    held = Directory(str(site.data))
    held.take()  # as a recorder that does not answer
    try:
        for args, said in (
            (["list"], ""),
            (["show", site.code], ""),
            (["find"], "öxebø\n"),
        ):
            told = site.run("patients", *args, stdin=said, code=4)
            assert told.stdout == ""
    finally:
        held.release()


def test_the_chain_stands_from_the_first_anchor_to_the_last(site):
    for anchor in site.anchors:
        told = site.json("audit", "verify", "--anchor", anchor)
        assert told["state"] == "ok"
    told = site.run("audit", "verify", code=5)
    assert "not provable" in told.stderr
    assert "cut off" in told.stderr
    assert "shown" in site.run("audit", "show", "--of", site.code).stdout


def test_the_recorder_backs_up_by_itself_and_tells_the_heads(site):
    names = sorted(it.name for it in site.backup.iterdir())
    assert len([it for it in names if it.endswith(".db")]) >= 1
    assert "forgotten.json" in names
    assert not [it for it in names if it.endswith(".partial")]


def test_forgotten_and_restored_and_forgotten_again(site):
    ring = master.keyring(load(site.config).config)
    with Reader(str(site.data)) as reader:
        key = ring.key(reader, site.code)
        secrets = [reader.secret(it, site.code) for it in ("keys", "identities")]
    wanted = [key, *(it[1:] for it in secrets)]
    asked = site.run("patients", "forget", site.code, "--reason", "asked", code=1)
    assert "--yes" in asked.stderr
    site.run("patients", "forget", site.code, "--reason", "asked", "--yes")
    assert left(site.data, wanted) == []
    assert left(site.backup, wanted) != []  # of before, and told so in the manual
    assert site.json("sessions", "show", site.one)["session"]["pseudonym"] == ""
    assert site.code not in site.run("sessions", "list").stdout
    assert "no patient" in site.run("patients", "show", site.code, code=1).stderr
    made = site.json("db", "backup")
    assert [it for it in wanted if it in Path(made["path"]).read_bytes()] == []

    told = site.json("db", "restore", site.first, "--yes")
    assert told["again"] == [site.code]
    assert site.code not in site.run("patients", "list").stdout
    live = [it for it in site.data.iterdir() if it.is_file()]
    assert [it for it in live if any(one in it.read_bytes() for one in wanted)] == []
    assert site.json("sessions", "show", site.one)["session"]["pseudonym"] == ""
    assert site.run("db", "check").stderr == "nothing is damaged\n"
    assert "not provable" in site.run("audit", "verify", code=5).stderr


def left(folder, wanted):
    files = [it for it in folder.rglob("*") if it.is_file()]
    return [it.name for it in files if any(one in it.read_bytes() for one in wanted)]


def test_without_its_key_a_recorder_records_and_says_what_is_closed(site):
    path = master.path_of(load(site.config).config)
    away = path.with_name("away")
    path.rename(away)
    try:
        with site.running("run") as process:
            alarms = wait_until(lambda: site.json("status").get("alarms"), process.poll)
            told = site.run("patients", "add", stdin="Bernd Two\n", code=1).stderr
            assert "master key is missing" in told
        assert any("names and notes stay closed" in it for it in alarms)
        assert not path.exists()
    finally:
        away.rename(path)
        os.sync()
