"""`sessions` and `status` by the program itself: with a recorder, after it, without."""

import contextlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest
import requires
from system.commands.site import BOUND_S, Later, Site, served, virtual, wait_until
from terminal import terminal

from devicelog.drivers.load import load
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.equipment import Programme
from devicelog.drivers.simulated.script import Script, Step
from devicelog.drivers.simulated.serve import PtyPort
from devicelog.journal import schema
from devicelog.model.flow import Identity

SHORT = Script("two seconds", Programme(1.0, 50, 0.8, 2), 2, (Step(4, "clear"),))
NOBODY = 65_534


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A site whose recorder has stopped: one short session, one closed by hand."""
    site = Site(tmp_path_factory.mktemp("recorded"))
    who = Identity("SIM-US", "0001", "1.0")
    short = VirtualDevice(load("us-modbus"), SHORT.player(10.0), who)
    devices = [Later(short, 9.5, held=True), virtual("0002", held=True)]
    ports = [
        PtyPort(it, link=site.folder / f"us-{n}") for n, it in enumerate(devices, 1)
    ]
    site.device("us-1", ports[0].link, label="Room 1").device("us-2", ports[1].link)
    with served(*ports), site.write().recording():
        for device in devices:
            device.go()
        site.first = wait_until(lambda: _both(site.json("sessions", "list")))
        listed = site.first
        site.open = next(it["session_id"] for it in listed if it["open"])
        site.ended = next(it["session_id"] for it in listed if not it["open"])
        site.while_open = {
            "list": site.run("sessions", "list").stdout,
            "open": site.json("sessions", "list", "--open"),
            "show": site.run("sessions", "show", site.open).stdout,
            "status": site.run("status").stdout,
            "status_json": site.json("status"),
        }
        twice = ["sessions", "close", site.open, "--request-id", "request-0001"]
        site.closed = [site.run(*twice).stdout for _ in range(2)]
        site.again = site.run("sessions", "close", site.open, code=1).stderr
    site.left = [it.name for it in site.data.iterdir()]
    return site


def _both(rows):
    return rows if sorted(it["open"] for it in rows) == [False, True] else None


def test_the_list_while_it_runs(recorded):
    heads, *rows = recorded.while_open["list"].splitlines()

    assert heads.split() == ["session", "for", "how", "dose", "settings", "flags"]
    by_id = {row.split()[0]: row for row in rows}
    assert "completed" in by_id[recorded.ended]
    assert "1 MHz, 50 %, 0.8 W/cm2 (SATP), 0:02" in by_id[recorded.ended]
    assert "accidental" in by_id[recorded.ended]
    assert " open " in by_id[recorded.open]
    assert [it["session_id"] for it in recorded.while_open["open"]] == [recorded.open]
    assert recorded.while_open["show"].startswith(f"{recorded.open}  open")


def test_on_a_narrow_terminal_settings_and_flags_stand_below_their_session(recorded):
    rows, wide = (_on_terminal(recorded, columns) for columns in (80, 200))
    at = next(n for n, row in enumerate(rows) if row.startswith(recorded.ended))

    assert rows[0].split() == ["session", "for", "how", "dose"]
    assert rows[1].split() == ["settings", "flags"]
    assert rows[at].split()[1:3] == ["-", "completed"]
    assert rows[at + 1].startswith("  1 MHz, 50 %, 0.8 W/cm2 (SATP), 0:02  ")
    assert wide[0].split() == ["session", "for", "how", "dose", "settings", "flags"]


def _on_terminal(site, columns):
    """The lines of `sessions list` there, without their colours."""
    asked = ("sessions", "list", "--config", str(site.config))
    with terminal(site.folder, *asked, COLUMNS=str(columns), TERM="xterm") as shown:
        assert shown.process.wait(BOUND_S) == 0
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown.shown)
    return [line.rstrip() for line in plain.splitlines()]


def test_the_status_while_it_runs(recorded):
    text = recorded.while_open["status"]
    status = recorded.while_open["status_json"]

    assert "SIMULATED" in text
    assert "running" in text
    assert "continuous, 1 W/cm2 (SATP), 8:00" in text
    assert "last treatments" in text
    assert "Room 1" in text
    assert status["open_sessions"] == [recorded.open]
    assert status["devices"][1]["channels"][0]["session_id"] == recorded.open


def test_closing_twice_with_one_id_is_closing_once(recorded):
    assert recorded.closed == [f"{recorded.open} closed\n"] * 2
    assert "is not open" in recorded.again
    assert "sessions list --open" in recorded.again
    rows = {it["session_id"]: it for it in recorded.json("sessions", "list")}
    assert rows[recorded.open]["reason"] == "manual"
    assert rows[recorded.ended]["reason"] == "completed"
    # The device went on emitting: what it gave then is another session.
    assert {it["device"] for it in rows.values() if it["open"]} <= {"us-2"}


def test_the_story_of_a_session(recorded):
    told = recorded.run("sessions", "show", recorded.ended).stdout
    story = recorded.json("sessions", "show", recorded.ended)

    assert told.startswith(f"{recorded.ended}  completed")
    assert "  start " in told
    assert "  end: completed" in told
    assert "  energy_j " in told
    assert told.splitlines()[-1].startswith("  ")
    assert story["session"]["session_id"] == recorded.ended
    assert story["events"][0]["event"] == "start"
    assert story["events"][-1]["event"] == "end"
    # 0.8 W/cm2 at half duty on 5 cm2, as long as it was seen to emit.
    totals = story["session"]["totals"]
    assert totals["energy_j"] == pytest.approx(2.0 * totals["emission_s"], rel=0.01)


def test_filters_and_limits(recorded):
    assert len(recorded.json("sessions", "list", "--limit", "1")) == 1
    (only,) = recorded.json("sessions", "list", "--device", "us-1")
    assert only["session_id"] == recorded.ended
    empty = recorded.run("sessions", "list", "--device", "us-7")
    assert (empty.stdout, empty.stderr) == ("", "no sessions\n")
    recorded.run("sessions", "list", "--limit", "0", code=2)


def test_a_session_that_is_not_there(recorded):
    told = recorded.run("sessions", "show", "us-1.us.19700101T000000Z", code=1)

    assert told.stdout == ""
    assert "no session us-1.us.19700101T000000Z" in told.stderr
    assert "devicelog sessions list" in told.stderr


def test_the_status_when_none_runs(recorded):
    told = recorded.run("status").stdout
    status = recorded.json("status")

    assert told.startswith("sim-test: not recording. ")
    assert (status["running"], status["simulated"]) == (False, True)
    assert status["committed"] > 20


def test_what_needs_a_recorder_says_that_none_answers(recorded):
    for command in (["clock", "accept"], ["sessions", "close", recorded.ended]):
        told = recorded.run(*command, code=4).stderr
        assert f"no recorder answers in {recorded.data}" in told
        assert "is `devicelog run` running?" in told


def test_reading_leaves_a_stopped_journal_as_it_is(recorded):
    def content():
        return {
            it.name: it.read_bytes()
            for it in recorded.data.iterdir()
            if it.name in ("journal.db", "lock")
        }

    before = content()
    assert "journal.db-shm" not in recorded.left
    recorded.run("sessions", "list")
    recorded.run("status")
    assert content() == before


def test_a_pipe_gets_whole_cells_without_colour(recorded):
    told = recorded.run("sessions", "list").stdout

    assert "\x1b" not in told
    assert "…" not in told


def test_a_reader_of_the_pipe_may_go_away(recorded):
    listed = subprocess.Popen(
        [sys.executable, "-m", "devicelog", "sessions", "list", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=recorded.environ,
    )
    listed.stdout.close()
    told = listed.stderr.read()
    listed.stderr.close()
    listed.wait(BOUND_S)

    assert b"Traceback" not in told


# --- Journals that may not be read ------------------------------------------------


def test_before_the_first_run_there_is_no_journal(site):
    for command in (["status"], ["sessions", "list"]):
        told = site.write().run(*command, code=1).stderr
        assert str(site.data) in told
        assert "devicelog run" in told
    assert not site.data.exists()


def test_a_journal_of_a_newer_version_is_left_alone(recorded, site):
    shutil.copytree(recorded.data, site.data)
    site.write()
    with contextlib.closing(sqlite3.connect(site.data / "journal.db")) as db:
        meta = schema.read_meta(*db.execute("SELECT body, crc FROM meta").fetchone())
        newer = msgspec.structs.replace(meta, version=schema.VERSION + 1)
        db.execute("UPDATE meta SET body = ?, crc = ?", schema.meta_row(newer))
        db.execute(f"PRAGMA user_version={schema.VERSION + 1}")
        db.commit()
    before = (site.data / "journal.db").read_bytes()
    told = site.process("run", code=1).stderr
    read = site.run("sessions", "list", code=1).stderr

    assert "was written by a newer devicelog" in told
    assert "install that version again" in told
    assert "was written by a newer devicelog" in read
    assert (site.data / "journal.db").read_bytes() == before


AS_NOBODY = f"""
import os, sys
from devicelog.cli import commands
for name in commands._LAZY:
    commands.main.get_command(None, name)
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
sys.argv[:] = ["devicelog", *sys.argv[1:]]
commands.main()
"""


def as_nobody(site, *args: str):
    return subprocess.run(
        [sys.executable, "-c", AS_NOBODY, *args],
        capture_output=True,
        text=True,
        env=site.environ,
        check=False,
    )


def test_another_user_is_told_the_command_that_works(recorded):
    requires.root()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shutil.copytree(recorded.data, f"{folder}/data")
        config = Path(folder) / "devicelog.toml"
        text = recorded.config.read_text()
        config.write_text(text.replace(str(recorded.data), f"{folder}/data"))
        asked = ["sessions", "list", "--limit", "3", "--config", str(config)]
        read = as_nobody(recorded, *asked)
        wrote = as_nobody(recorded, "clock", "accept", "--config", str(config))

    command = f"sudo -u root devicelog sessions list --limit 3 --config {config}"
    assert read.returncode == 1
    assert command in read.stderr
    assert wrote.returncode == 4
    assert "sudo -u root devicelog clock accept" in wrote.stderr


def test_the_json_of_every_command_that_reads_is_json(clinic):
    for command in (
        ["status"],
        ["devices", "list"],
        ["sessions", "list"],
        ["config", "show"],
        ["simulate", "--list"],
    ):
        assert json.loads(clinic.run(*command, "--json").stdout) is not None, command
