"""A disk without a free byte: what was promised is there, and the ballast is a start.

A real small disk. The recorder is killed, its wal-index is gone as after a power cut,
and something else has taken the last byte: that alone keeps SQLite from opening. Once
with the ballast still held, once after the recorder had filled the disk past it.
"""

import contextlib
import os
import select
import shutil
import subprocess

import pytest
import requires
from durability.check import entries, faults, quarantined
from durability.child import ENVIRONMENT, command, writer
from durability.plan import Plan, group

from devicelog.errors import JournalError

BALLAST_MB = 1
SILENT_S = 0.9
MB = 1024 * 1024


@pytest.fixture
def disk(tmp_path):
    requires.root()
    requires.tool("mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    size = ["-o", f"size={6 * MB}"]
    subprocess.run(["mount", "-t", "tmpfs", *size, "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk):
    """Take every byte that is left."""
    filler = (disk / "filler").open("ab", buffering=0)
    with filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))
    assert shutil.disk_usage(disk).free == 0


def recorded(plan, enough):
    """What a recorder acknowledged until it was enough; then it is killed.

    `enough` gets what was told so far, and whether nothing was for a while.
    """
    with subprocess.Popen(
        command(plan), env=ENVIRONMENT, stdout=subprocess.PIPE, bufsize=0
    ) as child:
        told, silent = b"", False
        while not enough(told, silent):
            silent = not select.select([child.stdout], [], [], SILENT_S)[0]
            more = b"" if silent else os.read(child.stdout.fileno(), 65536)
            assert silent or more, "the recorder ended by itself"
            told += more
        child.kill()
        told += child.stdout.read()
    lines = told.decode().splitlines()
    return [line for line in lines if line[:1].isdigit() or line[:5] == "open "]


def left_without_a_byte(disk):
    """As after a power cut: no wal-index; and something took the last byte."""
    (disk / "data" / "journal.db-shm").unlink()
    fill(disk)


def on(disk):
    return Plan(str(disk / "data"), largest=20, ballast_mb=BALLAST_MB)


def all_there(plan, after, acknowledged):
    found = entries(plan.directory)
    wrong = faults(found, [plan, after], [*acknowledged, f"{after.run}/0"])
    return wrong + quarantined(plan.directory) == []


def test_the_ballast_starts_a_recorder_on_a_disk_without_a_free_byte(disk):
    plan, after = on(disk), Plan("", run=1)
    acknowledged = recorded(plan, lambda told, _: told.count(b"\n") > 60)
    left_without_a_byte(disk)

    with writer(plan.directory, BALLAST_MB) as journal:
        journal.append(group(after, 0), 30)

    assert not (disk / "data" / "ballast").exists()
    assert len(acknowledged) > 60
    assert all_there(plan, after, acknowledged)


def test_past_its_ballast_a_recorder_says_so_and_loses_nothing(disk):
    plan, after = on(disk), Plan("", run=1)
    ballast = disk / "data" / "ballast"
    acknowledged = recorded(plan, lambda _, silent: silent and not ballast.exists())
    left_without_a_byte(disk)

    with pytest.raises(JournalError, match="is the disk full"):
        writer(plan.directory, BALLAST_MB).open()
    (disk / "filler").unlink()
    with writer(plan.directory, BALLAST_MB) as journal:
        journal.append(group(after, 0), 30)

    assert len(acknowledged) > 60
    assert all_there(plan, after, acknowledged)
