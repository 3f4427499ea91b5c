"""In the whole world one descriptor opens the journal for writing: the recorder's.

SQLite before 3.51.3 can damage a log when two connections write and checkpoint at once;
with one it cannot. Two looks prove it while commands run: /proc names every descriptor
of every process, again and again; strace names every file that a command opens, also
those that are closed between two looks.
"""

import contextlib
import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import requires
from durability.daemon import clinic_in, recording

from devicelog.journal.reader import Reader

READING = [("status",), ("sessions", "list"), ("devices", "list")]
COMMANDS = [*READING, ("clock", "accept")]


def holders(path):
    """(pid, opened for writing) of every descriptor of this file, in the world."""
    found = []
    for folder in Path("/proc").glob("[0-9]*/fd"):
        with contextlib.suppress(OSError):  # the process ended under the look
            for entry in folder.iterdir():
                with contextlib.suppress(OSError):
                    if entry.readlink() == path:
                        flags = (folder.parent / "fdinfo" / entry.name).read_text()
                        mode = int(flags.split("flags:")[1].split()[0], 8)
                        writes = mode & os.O_ACCMODE != os.O_RDONLY
                        found.append((int(folder.parent.name), writes))
    return Counter(found)


def writers(look):
    return {pid: count for (pid, writes), count in look.items() if writes}


@pytest.fixture
def clinic(tmp_path):
    with clinic_in(tmp_path) as clinic:
        yield clinic


def test_one_descriptor_writes_the_journal_whatever_else_runs(clinic):
    path = clinic.directory / "journal.db"
    looks = []
    with recording(clinic) as daemon, Reader(str(clinic.directory)):
        for words in COMMANDS:
            with subprocess.Popen(
                clinic.command(*words), stdout=subprocess.DEVNULL
            ) as command:
                while command.poll() is None:
                    looks.append(holders(path))
            assert command.returncode == 0, words
        for look in looks:
            assert writers(look) == {daemon.pid: 1}
            assert look[os.getpid(), False] == 1
    print(f"{len(looks)} looks")

    assert len(looks) > 5 * len(COMMANDS)
    assert holders(path) == {}


def test_the_look_finds_a_second_descriptor(clinic):
    path = clinic.directory / "journal.db"
    with recording(clinic) as daemon:
        second = os.open(path, os.O_RDWR)
        look = holders(path)
        os.close(second)

    assert writers(look) == {daemon.pid: 1, os.getpid(): 1}


def test_no_command_opens_the_journal_for_writing(clinic, tmp_path):
    requires.tool("strace")
    log = tmp_path / "log"
    strace = ["strace", "-f", "-A", "-e", "trace=open,openat,creat", "-o", log]

    def trace(words):
        line = [*strace, *clinic.command(*words)]
        subprocess.run(line, stdout=subprocess.DEVNULL, check=True)

    with recording(clinic):
        for words in COMMANDS:
            trace(words)
    for words in READING:  # and where no recorder runs
        trace(words)
    opened = [line for line in log.read_text().splitlines() if 'journal.db"' in line]

    assert any("O_RDONLY" in line for line in opened)
    assert not [it for it in opened if "O_RDWR" in it or "O_WRONLY" in it]
