"""The final name never holds half a file, whatever happens while it is written."""

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from devicelog.errors import DevicelogError
from devicelog.export.files import PARTIAL, told, whole

BEFORE = b"as it was"
OLD_MAX = b"x" * 100


@pytest.fixture
def path(tmp_path):
    return tmp_path / "history.csv"


def names(path):
    return sorted(it.name for it in path.parent.iterdir())


def test_it_gets_its_name_at_the_end(path):
    with whole(path) as out:
        out.write(b"all")
        assert names(path) == [path.name + PARTIAL]
    assert names(path) == [path.name]
    assert path.read_bytes() == b"all"


def test_it_is_its_owners_alone_from_the_first_byte(path):
    old = os.umask(0)
    try:
        with whole(path) as out:
            partial = path.with_name(path.name + PARTIAL)
            assert stat.S_IMODE(partial.stat().st_mode) == 0o600
            out.write(b"x")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_what_fails_leaves_what_was_there(path, error):
    def half():
        with whole(path) as out:
            out.write(b"half")
            raise error

    path.write_bytes(BEFORE)
    with pytest.raises(type(error)):
        half()
    assert names(path) == [path.name]
    assert path.read_bytes() == BEFORE


def test_a_half_of_a_killed_export_is_overwritten(path):
    path.with_name(path.name + PARTIAL).write_bytes(OLD_MAX)
    with whole(path) as out:
        out.write(b"new")
    assert path.read_bytes() == b"new"
    assert names(path) == [path.name]


def test_two_exports_to_one_name_do_not_mix(path):
    with (
        whole(path) as out,
        pytest.raises(DevicelogError, match="another export"),
        whole(path),
    ):
        pass
    with whole(path) as out:
        out.write(b"one")
    assert path.read_bytes() == b"one"


def test_a_link_in_the_place_of_the_half_is_not_followed(path, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(BEFORE)
    path.with_name(path.name + PARTIAL).symlink_to(other)
    with pytest.raises(DevicelogError, match="cannot be written"), whole(path):
        pass
    assert other.read_bytes() == BEFORE


@pytest.mark.parametrize(
    ("place", "why"),
    [("missing/history.csv", "No such file"), (".", "Is a directory")],
)
def test_where_no_file_can_be_it_is_said(tmp_path, place, why):
    with pytest.raises(DevicelogError, match=why) as raised, whole(tmp_path / place):
        pass
    assert "-o FILE" in raised.value.hint


LIMITED = """
import resource, signal, sys
from pathlib import Path
from devicelog.errors import DevicelogError
from devicelog.export.files import whole
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
try:
    with whole(Path(sys.argv[1])) as out:
        for _ in range(100):
            out.write(b"x" * 100_000)
except DevicelogError as error:
    print(error.message)
"""


def test_a_full_disk_is_told_and_leaves_nothing(path):
    path.write_bytes(BEFORE)
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "there is no room for" in ended.stdout
    assert names(path) == [path.name]
    assert path.read_bytes() == BEFORE


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_has_one_sentence(number, path):
    error = told(OSError(number, os.strerror(number)), path)
    assert "there is no room" in error.message
    assert "free some space" in error.hint


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_forbidden_folder_too(number, path):
    error = told(OSError(number, os.strerror(number)), path)
    assert "may not be written" in error.message
    assert str(path.parent) in error.hint


KILLED = """
import os, signal, sys
from pathlib import Path
from devicelog.export import files
with files.whole(Path(sys.argv[1])) as out:
    for n in range(int(sys.argv[2])):
        out.write(b"x" * 300_000)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("blocks", [0, 1, 20])
def test_kill_9_leaves_no_final_file(path, blocks):
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(blocks)], check=False, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL
    assert names(path) == [path.name + PARTIAL]


def test_everything_is_on_disk_before_it_has_its_name(path, monkeypatch):
    happened = []
    real = os.fsync, Path.replace
    monkeypatch.setattr(
        os, "fsync", lambda it: (happened.append("fsync"), real[0](it))[1]
    )
    monkeypatch.setattr(
        Path, "replace", lambda *it: (happened.append("rename"), real[1](*it))[1]
    )
    with whole(path) as out:
        out.write(b"x")
    assert happened == ["fsync", "rename", "fsync"]
