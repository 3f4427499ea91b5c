"""Exports that end badly: killed, without room, where nothing may be written."""

import shutil
import subprocess
import tempfile

import pytest
import requires
from system.commands.site import BOUND_S, PROGRAM
from system.export.conftest import NAME, made


def killed(site, path, *more):
    """The export, killed when it is about to give the file its name."""
    stop = ["-P", f"{path}.partial", "-e", "trace=rename"]
    stop += ["-e", "inject=rename:signal=SIGKILL"]
    trace = ["strace", "-f", "-qq", "-o", str(site.folder / "trace"), *stop]
    asked = ["export", site.code, "-o", str(path), *more]
    return subprocess.run(
        [*trace, *PROGRAM, *asked],
        capture_output=True,
        env=site.environ,
        timeout=BOUND_S,
        check=False,
    )


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_a_killed_export_has_no_final_name_and_the_next_one_is_whole(site, form):
    requires.tool("strace")
    path = site.folder / f"history.{form}"
    ended = killed(site, path, "--readings")
    assert ended.returncode in (-9, 137), ended.stderr
    (site.folder / "trace").unlink()
    assert site.left == [path.name + ".partial"]
    assert len(site.audits()) == 1  # it was asked for
    site.export("-o", str(path), "--readings")
    assert site.left == [path.name]


def test_an_export_removes_what_a_killed_console_left(site, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / "devicelog-export-killed"
    left.mkdir()
    (left / "history.csv.partial").write_text(NAME)
    site.export("-o", str(site.folder / "history.csv"))
    assert not left.exists()


@pytest.fixture
def small_disk(tmp_path):
    requires.root()
    requires.tool("mount")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
    subprocess.run(mount, check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_a_full_disk_is_told_and_nothing_is_left(tmp_path, small_disk, form):
    (tmp_path / "site").mkdir()
    site = made(tmp_path / "site", count=9)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(60_000))
    assert shutil.disk_usage(small_disk).free < 8192
    path = small_disk / f"history.{form}"
    told = site.export("-o", str(path), "--readings", code=1)
    assert f"there is no room for {path}" in told.stderr
    assert "-o FILE" in told.stderr
    assert [it.name for it in small_disk.iterdir()] == ["filler"]


def test_where_nothing_may_be_written_it_is_told(site):
    told = site.export("-o", "/sys/history.csv", code=1)
    assert "/sys/history.csv may not be written" in told.stderr
    assert "name another place" in told.stderr
