"""A name that is put in crosses no wire: everything on loopback is written down.

A recorder with a real broker and a real store, each behind a line that keeps all bytes.
"""

import base64
import json
import subprocess
import sys
from urllib.parse import quote

import pytest
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto
from servers.proxy import Proxy
from system.commands.site import served, virtual, wait_until
from system.identity.canary import forms, in_bytes, in_files
from system.identity.watched import Watch, Watched, typed

from devicelog.drivers.simulated.serve import PtyPort
from devicelog.journal.reader import Reader
from devicelog.operations import master
from devicelog.operations.config import load
from devicelog.records import audit

NAME = "Canaria Öxebø-Zwölfer"
NOTE = "her sister Canarina Ypsilontis drove"
NUMBER = "CNRY-4711-0815"
ALL = ("Canaria Öxebø", "Öxebø-Zwölfer", "Canarina Ypsilontis", NUMBER)
# The recorder as it is, but for a fault amid the sealing of a name.
FAULTY = """
import sys
import devicelog.records.patients as it
def fail(*_):
    raise RuntimeError("provoked")
it.identity_change = fail
from devicelog.__main__ import main
main(["run"])
"""
SINKS = """
[mqtt]
port = {mqtt}
user = "devicelog"
password_file = "{password}"
[influx]
url = "http://127.0.0.1:{influx}"
token_file = "{token}"
[backup]
to = "{backup}"
at = "00:00"
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """The broker, the store, and the lines that lead to them."""
    folder = tmp_path_factory.mktemp("servers")
    store = InfluxDB(folder / "influxdb")
    try:
        store.start().set_up()
        with (
            Mosquitto(folder / "broker") as broker,
            Proxy(broker.port, keep=True) as to_broker,
            Proxy(store.port, keep=True) as to_store,
        ):
            yield Servers(folder, broker, store, to_broker, to_store)
    finally:
        store.stop()


class Servers:
    def __init__(self, folder, broker, store, to_broker, to_store):
        self.folder, self.broker, self.store = folder, broker, store
        self.to_broker, self.to_store = to_broker, to_store

    def sessions(self):
        rows = self.store.rows("therapy_session").values()
        return {it["session_id"]: it for it in rows}

    def info(self):
        kept = self.broker.retained()
        return kept["devicelog/v1/sim-test/daemon/info"].body


@pytest.fixture(scope="module")
def site(servers, tmp_path_factory):
    """A patient is added, bound, looked at and forgotten while both sinks listen."""
    site = Watched(tmp_path_factory.mktemp("wire"))
    port = PtyPort(virtual("0001"), link=site.folder / "us-1")
    site.device("us-1", port.link)
    site.blocks += SINKS.format(
        mqtt=servers.to_broker.port,
        password=servers.broker.password_file(),
        influx=servers.to_store.port,
        token=servers.store.token,
        backup=site.backup,
    )
    with (
        served(port),
        site.write().recording() as process,
        Watch(process.pid) as watch,
    ):
        site.code = typed(site, "patients", "add", said=f"{NAME}\n\n{NUMBER}\n").strip()
        (row,) = wait_until(lambda: site.json("sessions", "unassigned"))
        site.one = row["session_id"]
        said = ("sessions", "assign", site.one, site.code, "--note")
        typed(site, *said, said=NOTE)
        typed(site, "patients", "find", said="öxebø\n")
        typed(site, "patients", "show", site.code)
        table = f"name;record_number\n{NAME};{NUMBER}\nBernd;2\n"
        typed(site, "patients", "import", "-", said=table)
        site.bound = wait_until(lambda: stored(servers, site.one, site.code))
        wait_until(lambda: [*site.backup.glob("*.db")])
        site.info = wait_until(lambda: told_now(site, servers))
        site.secrets = secrets(site)
        site.run("patients", "forget", site.code, "--reason", "asked", "--yes")
        site.blank = wait_until(lambda: stored(servers, site.one, ""))
        site.running_files = image_of(site.data)
    site.logs += "".join(process.told).encode()
    site.seen += b"\0".join(watch.seen)
    return site


def stored(servers, session_id, pseudonym):
    row = servers.sessions().get(session_id, {})
    return row if row.get("pseudonym") == pseudonym else None


def told_now(site, servers):
    """What the broker keeps, once it is of the journal's newest record."""
    info = servers.info()
    with Reader(str(site.data)) as reader:
        return info if info["chain_head"] == str(audit.head(reader)) else None


def secrets(site):
    """The patient's key, as it is and as it is kept; and the sealed identity."""
    ring = master.keyring(load(site.config).config)
    with Reader(str(site.data)) as reader:
        kept = [reader.secret(it, site.code) for it in ("keys", "identities")]
        return [ring.key(reader, site.code), *(it[1:] for it in kept)]


def image_of(folder):
    """All bytes of all files, the -wal and free pages among them."""
    files = sorted(it for it in folder.rglob("*") if it.is_file())
    return {it.name: it.read_bytes() for it in files}


def everywhere(blobs, secret):
    """Where these bytes stand, as they are, as hex and as base64."""
    shapes = {secret, secret.hex().encode(), base64.b64encode(secret)[:-4]}
    return [name for name, it in blobs.items() if any(one in it for one in shapes)]


@pytest.mark.parametrize("line", ["to_broker", "to_store"])
def test_nothing_that_crossed_a_line_names_the_person(site, servers, line):
    passed = [bytes(it) for it in getattr(servers, line).passed]
    assert sum(map(len, passed)) > 10_000
    # The search is of what was sent: the session, and the words that go with it.
    assert any(site.one.encode() in it for it in passed)
    for it in passed:
        assert in_bytes(it, *ALL, quote(NAME), quote(NUMBER)) == []


def test_the_pseudonym_goes_to_the_store_alone(site, servers):
    assert site.bound["pseudonym"] == site.code
    assert any(site.code.encode() in it for it in servers.to_store.passed)
    assert not any(site.code.encode() in it for it in servers.to_broker.passed)


def test_a_name_that_crosses_is_found_by_this_very_search(servers):
    """Against a search that finds nothing because it looks at nothing."""
    with Proxy(servers.broker.port, keep=True) as line:
        for form in forms(NAME).values():
            payload = form.replace(b"\0", b"\1")
            said = ["-t", "devicelog/v1/sim-other/daemon/info", "-s", "-q", "1"]
            who = ["-u", "devicelog", "-P", "writes", "-p", str(line.port)]
            subprocess.run(
                ["mosquitto_pub", *who, *said], input=payload, check=True, timeout=10
            )
        found = {name for it in line.passed for _, name in in_bytes(bytes(it), NAME)}
    assert {it for it in forms(NAME) if "utf-16" not in it} <= found


def test_neither_server_keeps_the_person(site, servers):
    servers.broker.kill()  # what it holds in memory is written at its end only
    servers.broker.start()
    assert site.one in servers.sessions()
    assert in_files(servers.folder, *ALL) == []


def test_no_process_of_the_recorder_shows_the_person(site):
    assert b"backup" in site.seen  # its child was seen too
    assert in_bytes(site.seen, *ALL) == []
    assert in_bytes(site.logs, *ALL) == []
    assert in_files(site.folder, *ALL) == []


def test_what_is_retained_proves_the_chain(site):
    told = site.json("audit", "verify", "--anchor", site.info["chain_head"])
    assert (told["state"], told["first_bad"]) == ("ok", None)


def test_who_is_forgotten_is_in_no_file_of_a_running_recorder(site, servers):
    names = {*site.running_files}
    assert {"journal.db", "journal.db-wal"} <= names
    for secret in site.secrets:
        assert everywhere(site.running_files, secret) == []
    assert site.blank["pseudonym"] == ""
    kept = servers.store.rows("therapy_session").values()
    assert site.code not in json.dumps([*kept])
    made = site.json("db", "backup")["path"]
    (older,) = {*site.backup.glob("*.db")} - {site.backup / made.rpartition("/")[2]}
    blobs = image_of(site.backup)
    for secret in site.secrets[1:]:
        assert everywhere(blobs, secret) == [older.name]  # of before, and no other
    assert everywhere(blobs, site.secrets[0]) == []  # never but wrapped


def test_an_older_backup_that_is_put_back_brings_nobody_back(site, servers):
    """Not to the journal, and not to the store that the recorder then writes to."""
    older = min(site.backup.glob("*.db"))
    assert everywhere({"": older.read_bytes()}, site.secrets[1]) != []
    told = site.json("db", "restore", str(older), "--yes")
    assert told["again"] == [site.code]
    port = PtyPort(virtual("0001"), link=site.folder / "us-1")
    with served(port), site.recording() as process:
        wait_until(lambda: taken(site), process.poll)
        kept = servers.store.rows("therapy_session").values()
        head = wait_until(lambda: told_now(site, servers))["chain_head"]
        files = image_of(site.data)
    assert site.one in {it["session_id"] for it in kept}
    assert site.code not in json.dumps([*kept])
    live = {name: it for name, it in files.items() if name.startswith("journal.db")}
    for secret in site.secrets:
        assert everywhere(live, secret) == []
    assert site.json("audit", "verify", "--anchor", head)["state"] == "ok"


def taken(site):
    """Whether both sinks have all that was journalled but the very last."""
    sinks = site.json("status").get("sinks", [])
    return len(sinks) == 2 and all(
        it["connected"] and it.get("pending", 0) < 10 for it in sinks
    )


def test_a_fault_within_the_recorder_does_not_tell_the_person(tmp_path):
    faulty = Watched(tmp_path)
    faulty.write()
    process = subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", FAULTY],
        stderr=subprocess.PIPE,
        env=faulty.environ,
    )
    with process:
        wait_until(faulty.online, lambda: faulty.last)
        typed(faulty, "patients", "add", said=f"{NAME}\n\n{NUMBER}\n", code=1)
        process.terminate()
        _, told = process.communicate(timeout=20)
    assert b"Traceback" in told
    assert b"provoked" in told
    assert in_bytes(told + faulty.logs, *ALL) == []
    assert in_files(faulty.folder, *ALL) == []
