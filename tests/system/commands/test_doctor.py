"""`doctor` and `support-bundle` as commands, beside a recorder and without."""

import json
import subprocess
import zipfile

import msgspec
import pytest
from consoles import clinic
from system.commands.site import Site, served, virtual
from system.identity.canary import in_bytes
from waiting import wait_until

from devicelog.drivers.simulated.serve import PtyPort
from devicelog.operations import master, support
from devicelog.operations.doctor.finding import Finding
from devicelog.operations.doctor.table import examine
from devicelog.operations.doctor.world import within
from devicelog.operations.status import gather
from devicelog.records.passwords import hashed


def test_a_fault_of_a_recorder_is_found_remedied_and_gone(tmp_path):
    site = Site(tmp_path)
    port = PtyPort(virtual("0001"), link=site.folder / "us-1")
    site.device("us-1", port.link)
    with served(port), site.write().recording():
        site.data.chmod(0o755)
        found = {it["name"]: it for it in site.json("doctor", code=1)}
        assert {*found["directory"]} <= {*Finding.__struct_fields__}
        assert found["directory"]["severity"] == "wrong"
        assert found["ports"]["severity"] == "ok"  # held, by the recorder itself
        told = site.run("doctor", code=1).stdout
        assert f"do: chmod 0700 {site.data}" in told
        subprocess.run(found["directory"]["remedy"].split(), check=True)
        found = {it["name"]: it for it in site.json("doctor")}
        assert found["directory"]["severity"] == "ok"
    away = site.json("doctor", code=1)
    (ports,) = [it for it in away if it["name"] == "ports"]
    assert ports["case"] == "missing"


def test_a_start_logs_what_is_wrong(tmp_path):
    site = Site(tmp_path).device("us-1", tmp_path / "away").write()
    site.data.mkdir(mode=0o700)
    site.config.chmod(0o666)
    with site.running("run") as process:
        wanted = f"configuration: everybody on this machine may change {site.config}"
        for line in process.stderr:
            if wanted in line:
                break
        else:
            pytest.fail("it was not told")
    assert f"Do: chmod o-w {site.config}" in line


def test_without_a_configuration_it_says_so(tmp_path):
    site = Site(tmp_path)
    found = {it["name"]: it for it in site.json("doctor", code=1)}
    assert found["configuration"]["severity"] == "wrong"
    assert found["kind"]["case"] == "unread"
    site.write().device("us-1", tmp_path / "none")
    site.run("support-bundle", "-o", str(tmp_path / "b.zip"))
    told = site.run("support-bundle", "-o", str(tmp_path / "b.zip"), code=1)
    assert "name a new file" in told.stderr


@pytest.mark.parametrize(
    ("journalctl", "why"),
    [
        (None, "this machine has no journalctl"),
        ("echo 'you see none of these' >&2", "the unit devicelog: you see none"),
        ("exit 1", "journalctl shows this user no line of the unit devicelog"),
    ],
)
def test_a_bundle_without_a_log_says_why_and_where_it_is(
    tmp_path, monkeypatch, journalctl, why
):
    programs = tmp_path / "bin"
    programs.mkdir()
    if journalctl is not None:
        program = programs / "journalctl"
        program.write_text(f"#!/bin/sh\n{journalctl}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    site = Site(tmp_path).device("us-1", tmp_path / "none").write()
    site.run("support-bundle", "-o", str(tmp_path / "b.zip"))
    with zipfile.ZipFile(tmp_path / "b.zip") as file:
        told = file.read("log.txt").decode()
    assert why in told
    assert "sudo journalctl -u devicelog -n 2000" in told


# --- A clinic full of canaries -----------------------------------------------------

NAME, NUMBER = "Zylbersztajn Öxebø-Zwölfer", "CNRY-4711-0815"
NOTE = "Canarina Ypsilontis weeps at night"
STAFF, LABEL, PLACE = "kanarienvogel", "Praxis Vogelsang Süd", "Kanaria-Straße 77"
PASSWORD, TOKEN = "Zwitscher4711piepmatz", "glsaCanaryTokenZwitscher99"
MORE = """
[mqtt]
host = "127.0.0.1"
port = 1
user = "{staff}-broker"
password_file = "{password}"
[influx]
url = "http://{staff}-store.invalid:8086"
org = "{staff}-org"
token_file = "{token}"
"""


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A recorder among canaries: its world, the canaries, a log that tells them all."""
    folder = tmp_path_factory.mktemp("full")
    password, token = folder / f"{STAFF}-password", folder / f"{STAFF}-token"
    password.write_text(PASSWORD)
    token.write_text(TOKEN)
    more = MORE.format(staff=STAFF, password=password, token=token)
    with clinic(folder / f"{STAFF}-journal", more=more) as made:
        who = [{"name": NAME, "record_number": NUMBER, "birth_date": "1958-03-09"}]
        code = made.do("add_patients", who=who).entries[0].subject
        made.do("add_user", name=STAFF[:12], role="physio", kept=hashed(PASSWORD))
        wait_until(lambda: made.session, seconds=20)
        made.do("assign", session_id=made.session, pseudonym=code)
        made.do("annotate", session_id=made.session, note=NOTE)
        recording = made.daemon.recording
        recording.writer.alarm(f"{STAFF}/alarm", f'"{LABEL}" at {PLACE}', NOTE)
        wait_until(lambda: any(LABEL in it for it in gather(recording).alarms))
        canaries = [NAME, *NAME.split(), NUMBER, NOTE, "Ypsilontis", code, "1958-03-09"]
        canaries += [STAFF, STAFF[:12], LABEL, "Vogelsang", PLACE, PASSWORD, TOKEN]
        key = master.read(master.path_of(recording.loaded.config))
        canaries += [key.hex(), recording.directory, made.session.split(".")[-1]]
        status = gather(recording)
        assert status.devices[0].channels[0].session_id
        world = msgspec.structs.replace(within(recording), status=status)
        yield world, list(examine(world)), canaries


def members(full, to):
    """What is in the bundle; its log tells every canary."""
    world, findings, canaries = full
    log = [f"1795510815.5 devicelog[7]: ERROR x: {it}" for it in canaries]
    log += ["Traceback (most recent call last):", f"ValueError: {NOTE}"]
    log += ["1795510816.5 devicelog[7]: INFO loop: the port was opened"]
    names = support.bundle(world, findings, to, lambda: log)
    with zipfile.ZipFile(to) as file:
        assert file.namelist() == names
        return {it: file.read(it) for it in names}


def singing(content, canaries):
    """Which of the canaries are in it, in any form."""
    inside = b"".join([*content.values(), *(it.encode() for it in content)])
    long = [it for it in canaries if len(it) > 12]  # shorter: no form in base64
    plain = [it for it in canaries if it.lower().encode() in inside.lower()]
    return {it for it, _ in in_bytes(inside, *long)} | {*plain}


def test_a_support_bundle_of_a_clinic_full_of_canaries_holds_none(full, tmp_path):
    content = members(full, tmp_path / "bundle.zip")
    assert singing(content, full[2]) == set()
    # And what may help is there.
    assert json.loads(content["doctor.json"])[0]["name"] == "configuration"
    assert b"no broker at" in content["doctor.json"]
    assert b'"port": 1' in content["configuration.json"]
    status = json.loads(content["status.json"])
    assert status["running"] is True
    assert status["devices"][0]["line"] == "online"
    assert len(json.loads(content["alarms.json"])) >= 1
    assert b"1795510816.5 devicelog[7]: INFO loop: the port was" in content["log.txt"]
    assert "sqlite" in json.loads(content["versions.json"])


def test_without_the_striking_out_the_canaries_would_be_found(
    full, tmp_path, monkeypatch
):
    monkeypatch.setattr(support, "redacted", lambda it: it)
    monkeypatch.setattr(support, "redacted_value", lambda it: it)
    content = members(full, tmp_path / "bundle.zip")
    assert singing(content, full[2]) == {*full[2]}
    for name in ("doctor.json", "configuration.json", "alarms.json"):
        assert STAFF.encode() in content[name]
