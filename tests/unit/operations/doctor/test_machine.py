"""SQLite, clock, sleep, upgrades, backups: the machine's faults and their remedies."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requires

from devicelog.clock import SECOND, ManualClock
from devicelog.operations import backups
from devicelog.operations.config import load
from devicelog.operations.doctor.machine import sqlite_version
from devicelog.operations.status import Status

DAY = 86_400
READ_S = 1_800_000_001  # the reading that the journal has


@pytest.mark.parametrize(
    ("version", "severity", "case"),
    [
        ((3, 36, 0), "wrong", "old"),
        ((3, 37, 0), "ok", "reset_bug"),
        ((3, 44, 5), "ok", "reset_bug"),
        ((3, 44, 6), "ok", "ok"),
        ((3, 50, 7), "ok", "ok"),
        ((3, 51, 2), "ok", "reset_bug"),
        ((3, 51, 3), "ok", "ok"),
    ],
)
def test_versions_of_sqlite(version, severity, case):
    """Another SQLite cannot be linked in here: the version is ours."""
    found = sqlite_version(version)
    assert (found.severity, found.case) == (severity, case)
    if case == "reset_bug":  # in the line itself, which is read without the meaning
        assert "cannot strike here: one connection writes" in found.found
        assert "one connection of one process" in found.meaning


def test_the_sqlite_that_is_here(place):
    assert place.right("sqlite")


def test_a_clock_that_is_not_believed(place):
    """The clock of this machine must not be set: it is ours, and set for real."""
    place.record().writer.close()
    place.clock = ManualClock((READ_S + DAY) * SECOND)
    assert place.right("clock")
    place.clock.step_wall(-30 * DAY)
    place.clock.synced = False
    severity, case, remedy = place.one("clock")
    assert (severity, case) == ("wrong", "untrusted")
    assert "devicelog clock accept" in remedy
    place.clock.step_wall(30 * DAY)
    severity, case, remedy = place.one("clock")
    assert (severity, case) == ("warning", "free")
    assert "set-ntp" in remedy
    place.clock.synced = True
    assert place.right("clock")


def test_what_a_running_recorder_believes_stands(place):
    told = {"running": True, "site": "", "simulated": True, "directory": ""}
    place.clock = ManualClock()
    place.status = Status(clock_ok=False, **told)
    assert place.one("clock")[1] == "untrusted"
    place.status = Status(clock_ok=True, **told)
    assert place.right("clock")


def test_a_machine_that_may_sleep(place):
    assert place.one("sleep")[:2] == ("unknown", "no_systemd")
    units = place.root / "etc/systemd/system"
    units.mkdir(parents=True)
    (units / "sleep.target").symlink_to("/usr/lib/systemd/system/sleep.target")
    severity, case, remedy = place.one("sleep")
    assert (severity, case) == ("warning", "possible")
    (units / "sleep.target").unlink()
    # `systemctl mask` does exactly this.
    for it in remedy.removeprefix("systemctl mask ").split():
        (units / it).symlink_to("/dev/null")
    assert place.right("sleep")


def test_upgrades_that_start_the_machine_anew(place):
    assert place.right("upgrades")
    place.file(
        "etc/apt/apt.conf.d/50unattended-upgrades",
        '//Unattended-Upgrade::Automatic-Reboot "false";\n'
        'Unattended-Upgrade::Automatic-Reboot "true";\n'
        'Unattended-Upgrade::Automatic-Reboot-Time "02:00";\n',
    )
    severity, case, remedy = place.one("upgrades")
    assert (severity, case) == ("wrong", "reboots")
    assert "02:00" in place.look("upgrades")[0].found
    line = remedy.removeprefix("set ").split(" in a file")[0]
    place.file("etc/apt/apt.conf.d/99devicelog", f"{line};\n")
    assert place.right("upgrades")


def test_backups_missing_old_or_beside_the_journal(place):
    requires.root()
    assert place.one("backup")[:2] == ("warning", "off")
    to = place.folder / "backup"
    place.write(f'[backup]\nto = "{to}"\n')
    place.record().writer.close()
    assert place.one("backup")[:2] == ("wrong", "no_folder")
    to.mkdir()
    severity, case, remedy = place.one("backup")
    assert (severity, case) == ("wrong", "none")
    assert "devicelog db backup" in remedy
    backups.back_up(load(place.config).config)
    severity, case, remedy = place.one("backup")
    assert (severity, case) == ("warning", "same_disk")
    assert "another disk" in remedy
    elsewhere = Path("/dev/shm") / f"devicelog-{os.getpid()}"  # noqa: S108
    elsewhere.mkdir()
    try:
        place.write(f'[backup]\nto = "{elsewhere}"\n')
        backups.back_up(load(place.config).config)
        assert place.right("backup")
        _age(elsewhere, timedelta(hours=51))
        severity, case, _ = place.one("backup")
        assert (severity, case) == ("wrong", "old")
        backups.back_up(load(place.config).config)
        assert place.right("backup")
    finally:
        for it in elsewhere.iterdir():
            it.unlink()
        elsewhere.rmdir()


def _age(folder, by):
    """As if it had been made so much earlier: its name says when."""
    (file,) = folder.glob("*.db")
    old = datetime.now(UTC) - by
    file.rename(folder / f"sim-test-{old:%Y%m%dT%H%M%SZ}.db")
