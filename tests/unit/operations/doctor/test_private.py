"""Directory, secrets, master key, certificates: opened to others, closed again."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import requires

from devicelog.clock import ManualClock
from devicelog.operations import certificates, master
from devicelog.operations.config import load

STORE = '[influx]\nurl = "http://127.0.0.1:1"\ntoken_file = "{file}"\n'
CERTIFIED = '[console]\ncertificate_file = "{0}"\nkey_file = "{1}"\n'


def test_a_directory_that_is_open_to_others(place):
    assert place.one("directory")[1] == "not_yet"
    place.record().writer.close()
    assert place.right("directory")
    place.data.chmod(0o755)
    severity, case, remedy = place.one("directory")
    assert (severity, case) == ("wrong", "open")
    subprocess.run(remedy.split(), check=True)
    assert place.right("directory")


def test_a_file_that_another_user_left_in_it(place):
    requires.root()
    place.record().writer.close()
    file = place.data / "journal.db"
    os.chown(file, 65534, -1)
    severity, case, remedy = place.one("directory")
    assert (severity, case) == ("wrong", "foreign")
    subprocess.run(remedy.split(), check=True)
    assert place.right("directory")


def test_who_asks_is_not_who_records(place):
    requires.root()
    place.record().writer.close()
    for it in (place.data, *place.data.iterdir()):
        os.chown(it, 65534, -1)
    severity, case, remedy = place.one("directory")
    assert (severity, case) == ("warning", "not_ours")
    assert remedy == "ask as that user: sudo -u nobody devicelog doctor"
    for it in (place.data, *place.data.iterdir()):
        os.chown(it, os.geteuid(), -1)
    assert place.right("directory")


# Root may everything, so another user has to look.
AS_NOBODY = """
import os, sys
from pathlib import Path
from devicelog.operations.config import load
from devicelog.operations.doctor.world import World
from devicelog.operations.doctor import finding, table
it = {it.name: it.look for it in table.CHECKS}[sys.argv[2]]
world = World(sys.argv[1], load(Path(sys.argv[1])))
finding.words()  # the files of this Python may be closed to him
os.setresuid(65534, 65534, 65534)
print(*(f"{one.severity} {one.case}" for one in it(world)))
"""


def as_nobody(place, name):
    said = [sys.executable, "-c", AS_NOBODY, str(place.config), name]
    ended = subprocess.run(said, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_a_directory_that_cannot_be_made_or_written(passable):
    requires.root()
    assert as_nobody(passable, "directory") == "wrong not_to_be_made"
    passable.data.mkdir(mode=0o500)
    os.chown(passable.data, 65534, -1)
    assert as_nobody(passable, "directory") == "wrong not_writable"
    assert as_nobody(passable, "disk_sync") == "unknown not_writable"
    passable.data.chmod(0o700)
    assert as_nobody(passable, "directory") == "ok ok"
    assert as_nobody(passable, "disk_sync") in {"ok ok", "warning slow"}


def test_a_secret_that_is_open_or_closed_to_us(passable):
    requires.root()
    token = passable.folder / "token"
    token.write_text("t")
    token.chmod(0o644)
    passable.write(STORE.format(file=token))
    severity, case, remedy = passable.one("secrets")
    assert (severity, case) == ("wrong", "open")
    subprocess.run(remedy.split(), check=True)
    assert passable.right("secrets")
    assert as_nobody(passable, "secrets") == "wrong unreadable"
    os.chown(token, 65534, -1)
    assert as_nobody(passable, "secrets") == "ok ok"


def test_a_port_that_this_user_may_not_open(passable):
    requires.root()
    ours, theirs = os.openpty()
    port = os.ttyname(theirs)
    os.close(theirs)
    try:
        passable.write(
            f'[[devices]]\nname = "us-1"\nprofile = "us-modbus"\nport = "{port}"\n'
        )
        assert as_nobody(passable, "ports") == "wrong denied"
        os.chown(port, 65534, -1)
        assert as_nobody(passable, "ports") == "ok ok"
    finally:
        os.close(ours)


def test_a_master_key_that_is_open_missing_or_another(place):
    assert place.one("master_key")[1] == "not_yet"
    place.record().writer.close()
    path = master.path_of(load(place.config).config)
    assert place.right("master_key")
    path.chmod(0o644)
    severity, case, remedy = place.one("master_key")
    assert (severity, case) == ("wrong", "closed")
    assert remedy == f"chmod 600 {path}"
    subprocess.run(remedy.split(), check=True)
    assert place.right("master_key")
    away = path.rename(path.with_name("away"))
    assert "put it back" in place.one("master_key")[2]
    master.written(path, bytes(32))
    assert "put the right one in its place" in place.one("master_key")[2]
    away.rename(path)
    assert place.right("master_key")


@pytest.mark.parametrize(
    ("days", "severity", "case"), [(380, "warning", "soon"), (398, "wrong", "over")]
)
def test_a_certificate_that_ends(place, days, severity, case):
    assert place.one("certificates")[1] == "none"
    tls = place.folder / "tls"
    ago = datetime.now(UTC) - timedelta(days=days)
    made = certificates.make(tls, "test", ["localhost"], ago)
    place.write(CERTIFIED.format(made.certificate, made.key))
    found = place.one("certificates")
    assert found[:2] == (severity, case)
    assert "devicelog console cert" in found[2]
    certificates.make(tls, "test", ["localhost"])
    assert place.right("certificates")
    place.clock = ManualClock(place.clock.wall_ns())
    place.clock.step_wall(398 * 86_400)
    assert place.one("certificates")[1] == "over"


def test_a_certificate_that_is_none(place):
    file = place.folder / "ca.pem"
    file.write_text("not yet")
    place.write(f'[mqtt]\ntls = true\nca_file = "{file}"\n')
    severity, case, remedy = place.one("certificates")
    assert (severity, case) == ("wrong", "unreadable")
    assert "PEM" in remedy
    made = certificates.make(place.folder / "tls", "test", ["localhost"])
    place.write(f'[mqtt]\ntls = true\nca_file = "{made.ca}"\n')
    assert place.right("certificates")
