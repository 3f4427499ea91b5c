"""A full disk: the ballast is given up, then memory holds what is handed over."""

import contextlib
import os
import shutil
import subprocess
import sys
import time

import pytest
import requires
from journals import clinic, entries, fill, reading, writer

from devicelog.errors import JournalError
from devicelog.journal.reader import Reader

PAGE = 4096
MB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path):
    requires.root()
    requires.tool("mount")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True
    )
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill_disk(folder):
    """Take every byte that is left."""
    filler = os.open(folder / "filler", os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(filler, bytes(PAGE))
    os.close(filler)
    assert shutil.disk_usage(folder).free == 0


def wait_until(true, seconds):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        os.sched_yield()


def keys(directory):
    return [it.key for it in entries(directory) if it.kind == "reading"]


def test_a_full_disk_costs_the_ballast_first_and_nothing_else(small_disk):
    directory = small_disk / "data"
    with writer(directory, ballast_mb=1) as journal:
        assert (directory / "ballast").stat().st_size == MB
        fill_disk(small_disk)
        made = [journal.append([reading(n)], 20)[0] for n in range(100)]
        assert not (directory / "ballast").exists()
    (alarm,) = alarms(directory)

    assert [it.key for it in made] == [f"r/{n}" for n in range(100)]
    assert alarm.name == "journal/disk_full"


def alarms(directory):
    with Reader(str(directory)) as reader:
        return reader.alarms()


def test_without_ballast_a_full_disk_is_waited_for_and_told(small_disk):
    directory = small_disk / "data"
    with writer(directory) as journal:
        fill(journal, clinic(0, 100))
        fill_disk(small_disk)
        for n in range(1000, 4000):
            assert journal.submit([reading(n)])
        wait_until(lambda: journal.state == "disk_full", 20)
        before = journal.committed
        with pytest.raises(JournalError, match="not durable after"):
            journal.append([], 0.2)
        state = journal.state, journal.failed
        (small_disk / "filler").unlink()
        journal.append([], 20)
        assert journal.state == "recording"

    assert state == ("disk_full", None)
    assert before < 4000
    assert keys(directory) == [f"r/{n}" for n in (*range(100), *range(1000, 4000))]
    assert "the disk was full" in alarms(directory)[-1].text


def test_room_made_again_brings_the_ballast_back_and_clears_the_alarm(small_disk):
    directory = small_disk / "data"
    with writer(directory, ballast_mb=1) as journal:
        fill_disk(small_disk)
        for n in range(100):
            journal.append([reading(n)], 20)
        (small_disk / "filler").unlink()
        wait_until((directory / "ballast").exists, 10)
        wait_until(lambda: alarms(directory)[0].cleared_ns is not None, 10)


KILLED = """
import os, signal, sys
from journals import reading, writer
journal = writer(sys.argv[1], ballast_mb=1)
journal.open()
for n in range(300):
    journal.append([reading(n)], 10)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_start_with_no_free_byte_after_a_kill_finds_everything(small_disk):
    directory = small_disk / "data"
    environment = os.environ | {"PYTHONPATH": "tests"}
    subprocess.run(
        [sys.executable, "-c", KILLED, str(directory)], env=environment, check=False
    )
    # After a cut of the power there is no wal-index either: it must be made anew.
    (directory / "journal.db-shm").unlink()
    fill_disk(small_disk)

    with writer(directory, ballast_mb=1) as journal:
        journal.append([reading(1000)], 20)

    assert keys(directory) == [f"r/{n}" for n in (*range(300), 1000)]
    assert "ballast was given up to start" in alarms(directory)[0].text


def test_readers_read_on_a_full_disk(small_disk):
    directory = small_disk / "data"
    with writer(directory) as journal:
        fill(journal, clinic(0, 100))
    fill_disk(small_disk)

    assert len(keys(directory)) == 100
