"""Folders of what is under way: gone when it ends, or at the next start."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import requires

from devicelog.export.scratch import scratch, sweep

NAME = "Canaria Oxebo"
# What a console does: a file with a name in it, in a folder of its own.
WORKS = f"""
import sys, tempfile
from devicelog.export.scratch import scratch
tempfile.tempdir = sys.argv[1]
with scratch() as folder:
    (folder / "history.csv.partial").write_text({NAME!r})
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temp(tmp_path, monkeypatch):
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def worker(temp):
    """A process that is exporting, and its folder."""
    child = subprocess.Popen(
        [sys.executable, "-c", WORKS, str(temp)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield child, Path(child.stdout.readline().strip())
    finally:
        child.kill()
        child.communicate()


def test_it_is_private_and_gone_at_the_end(temp):
    with scratch() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "inner").mkdir()
        assert [*temp.iterdir()] == [folder]
    assert [*temp.iterdir()] == []


def test_it_is_gone_after_an_error(temp):
    with pytest.raises(FileNotFoundError), scratch() as folder:
        (folder / "missing" / "history.csv").write_text(NAME)
    assert [*temp.iterdir()] == []


def test_what_a_killed_one_left_the_next_one_removes(worker):
    child, left = worker
    with scratch():
        assert (left / "history.csv.partial").read_text() == NAME  # it is still at work
    child.kill()
    child.wait(10)
    assert (left / "history.csv.partial").exists()
    with scratch():
        assert not left.exists()


def test_one_that_is_at_work_ends_by_itself(worker, temp):
    child, folder = worker
    sweep()
    assert folder.exists()
    child.communicate("", timeout=10)
    assert child.returncode == 0
    assert [*temp.iterdir()] == []


def test_what_is_not_ours_stays(temp, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (temp / "devicelog-export-link").symlink_to(kept)
    (temp / "devicelog-export-file").write_text("x")
    (temp / "other").mkdir()
    sweep()
    assert len([*temp.iterdir()]) == 3
    assert kept.exists()


def test_what_is_anothers_stays(temp):
    requires.root()
    (temp / "devicelog-export-theirs").mkdir()
    os.chown(temp / "devicelog-export-theirs", 12345, 12345)
    sweep()
    assert (temp / "devicelog-export-theirs").exists()


def test_one_that_is_swept_before_it_is_held_is_made_again(temp, monkeypatch):
    make, made = tempfile.mkdtemp, []

    def swept(prefix):
        made.append(make(prefix=prefix))
        if len(made) == 1:
            sweep()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", swept)
    with scratch() as folder:
        assert [str(it) for it in temp.iterdir()] == [str(folder)] == made[1:]
