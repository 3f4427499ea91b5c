"""The disk: small, full, in memory, slow or lying; real where the machine has one."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requires

from devicelog.operations.doctor import disk


@contextlib.contextmanager
def mounted(folder, size):
    requires.root()
    requires.tool("mount")
    folder.mkdir()
    told = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    subprocess.run(told, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    ("size", "severity", "case"), [("64m", "wrong", "full"), ("2g", "warning", "low")]
)
def test_a_disk_without_room(place, size, severity, case):
    """A small file system; the remedy here is another one, with room."""
    with mounted(place.folder / "small", size) as small:
        place.write(directory=small / "data")
        found = place.one("disk_space")
        assert found[:2] == (severity, case)
        assert "free some" in found[2]
    with mounted(place.folder / "large", "8g") as large:
        place.write(directory=large / "data")
        assert place.right("disk_space")


def test_a_journal_in_memory(place):
    (place.root / "proc").symlink_to("/proc")
    with mounted(place.folder / "memory", "8m") as memory:
        place.write(directory=memory / "data")
        severity, case, remedy = place.one("disk_sync")
        assert (severity, case) == ("wrong", "memory")
        assert "on a disk" in remedy
        place.write()
        assert place.one("disk_sync")[1] != "memory"


@pytest.fixture
def of_kind(place):
    """The machine's word for the disk of the journal is ours; the writes are real."""
    device = place.folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"

    def say(rotational, where="pci0000:00/ata1/block/sda"):
        there = place.root / "sys/devices" / where
        (there / "sda1").mkdir(parents=True, exist_ok=True)
        (there / "queue").mkdir(exist_ok=True)
        (there / "queue/rotational").write_text(f"{rotational}\n")
        link = place.root / "sys/dev/block" / number
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(there / "sda1")

    return say


@pytest.mark.parametrize(
    ("rotational", "where", "kind"),
    [
        (1, "pci0000:00/ata1/block/sda", "rotating"),
        (0, "pci0000:00/usb2/2-1/block/sda", "USB"),
        (0, "platform/mmc_host/mmc0/block/mmcblk0", "SD card"),
        (0, "pci0000:00/nvme/nvme0/nvme0n1", ""),
        (1, "pci0000:00/virtio0/block/vda", ""),
    ],
)
def test_what_kind_of_disk_it_is(place, of_kind, rotational, where, kind):
    of_kind(rotational, where)
    assert disk.slow_kind(place.folder, place.root / "sys/dev/block") == kind


def test_a_disk_that_lies(place, of_kind, monkeypatch):
    """No disk of this machine lies to order: how long a write took is ours."""
    of_kind(1)
    monkeypatch.setattr(disk, "sync_s", lambda _: 0.000_1)
    severity, case, remedy = place.one("disk_sync")
    assert (severity, case) == ("warning", "lies")
    assert "hdparm -W 0" in remedy
    monkeypatch.setattr(disk, "sync_s", lambda _: 0.009)  # its cache is off
    assert place.right("disk_sync")
    of_kind(0)  # or an SSD in its place, however fast
    monkeypatch.setattr(disk, "sync_s", lambda _: 0.000_1)
    assert place.right("disk_sync")


def test_a_slow_disk(place, monkeypatch):
    """The same: a disk of 0.3 s a write cannot be had here."""
    monkeypatch.setattr(disk, "sync_s", lambda _: 0.3)
    severity, case, remedy = place.one("disk_sync")
    assert (severity, case) == ("warning", "slow")
    assert "SSD" in remedy
    monkeypatch.undo()
    assert place.one("disk_sync")[1] in {"ok", "slow"}


def test_each_write_that_is_timed_is_really_synced(tmp_path):
    """Seen by strace: a write, then fdatasync, twelve times at most."""
    requires.tool("strace")
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from devicelog.operations.doctor.disk import sync_s\n"
        "assert sync_s(Path(sys.argv[1])) > 0"
    )
    told = tmp_path / "trace"
    wanted = ["strace", "-f", "-e", "trace=pwrite64,fdatasync", "-o", told]
    subprocess.run([*wanted, sys.executable, "-c", script, tmp_path], check=True)
    calls = [it.split("(")[0].split()[-1] for it in told.read_text().splitlines()]
    calls = [it for it in calls if it in ("pwrite64", "fdatasync")]
    assert 2 <= len(calls) <= 24
    assert calls == ["pwrite64", "fdatasync"] * (len(calls) // 2)
    assert [it.name for it in Path(tmp_path).iterdir()] == ["trace"]
