"""A full disk and a damaged file: nothing is lost, nothing is passed over."""

import contextlib
import os
import subprocess
import threading

import pytest
import requires

from devicelog.clock import SystemClock
from devicelog.errors import JournalError
from devicelog.journal.reader import Reader
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model.flow import Draft

PAGE = 4096


def drafts(first, count):
    return [
        Draft(n + 1, "d", "c", "noise", "", f"r/{n}", b"x" * 500)
        for n in range(first, first + count)
    ]


def writer(directory):
    settings = JournalSettings(str(directory))
    return Writer(settings, simulated=True, site="sim-disk", clock=SystemClock())


@pytest.fixture
def small_disk(tmp_path):
    requires.root()
    requires.tool("mount")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=True
    )
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_waited_for_longer_than_other_failures(small_disk):
    with writer(small_disk / "data") as journal:
        journal.append(drafts(0, 200), 10)
        filler = os.open(small_disk / "filler", os.O_WRONLY | os.O_CREAT)
        with contextlib.suppress(OSError):
            while True:
                os.write(filler, bytes(PAGE))
        os.close(filler)
        assert journal.submit(drafts(200, 2000))
        wait = threading.Event()
        for _ in range(240):
            wait.wait(0.05)
        state = (journal.state, journal.failed, journal.committed)
        (small_disk / "filler").unlink()
        journal.append([], 10)

    with Reader(str(small_disk / "data")) as reader:
        entries = reader.entries(limit=10_000)

    # 12 s are more attempts than any other failure is given.
    assert state == ("disk_full", None, 200)
    assert [entry.key for entry in entries] == [f"r/{n}" for n in range(2200)]


def test_a_journal_with_broken_pages_is_refused_and_left_as_it_is(tmp_path):
    with writer(tmp_path) as journal:
        journal.append(drafts(0, 3000), 20)
    path = tmp_path / "journal.db"
    content = bytearray(path.read_bytes())
    for page in range(20, 40):
        content[page * PAGE : page * PAGE + 64] = b"\xa5" * 64
    path.write_bytes(content)

    with pytest.raises(JournalError, match="damaged"):
        writer(tmp_path).open()

    assert path.read_bytes() == content
