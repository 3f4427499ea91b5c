"""Ports of this machine, as they are told: adapter, lasting names, holders."""

import os
import pty
import subprocess
import sys
import threading
import time

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from devicelog.operations import scan
from devicelog.recorder.holders import holders


@pytest.fixture
def adapter(tmp_path, monkeypatch):
    """A pty that the machine lists as a USB adapter, with its lasting names."""
    ours, theirs = pty.openpty()
    path = os.ttyname(theirs)
    os.close(theirs)
    info = ListPortInfo(path)
    info.description, info.vid, info.pid = "FT232R USB UART", 0x0403, 0x6001
    info.serial_number, info.location = "A6008isP", "1-1"
    monkeypatch.setattr(list_ports, "comports", lambda: [info])
    folders = [tmp_path / "by-path", tmp_path / "by-id"]
    for folder in folders:
        folder.mkdir()
        (folder / "other").symlink_to("/dev/null")
        (folder / "usb-port0").symlink_to(path)
    monkeypatch.setattr(scan, "_FOLDERS", [str(it) for it in folders])
    yield path, folders
    os.close(ours)


def test_an_adapter_is_told_with_its_usb_identity_and_lasting_names(adapter):
    path, (by_path, by_id) = adapter
    (port,) = scan.ports()

    assert port == scan.Port(
        path=path,
        description="FT232R USB UART",
        usb="USB VID:PID=0403:6001 SER=A6008isP LOCATION=1-1",
        by_path=f"{by_path}/usb-port0",
        by_id=f"{by_id}/usb-port0",
    )


def test_a_port_is_told_once_under_whatever_name_it_is_asked_for(adapter):
    path, (by_path, by_id) = adapter
    asked = [path, f"{by_path}/usb-port0", f"{by_id}/usb-port0", "/dev/x", "/dev/x"]

    assert [it.path for it in scan.ports(asked)] == [path, "/dev/x"]


def test_who_holds_a_port_is_named_and_the_port_is_not_opened(adapter):
    path, _ = adapter
    holder = subprocess.Popen(
        [sys.executable, "-c", f"f = open({path!r}); print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        holder.stdout.readline()
        (port,) = scan.ports()
        (heard,) = scan.listen([port], 0.1, 9600)
    finally:
        holder.communicate(b"\n")

    (who,) = port.held_by
    assert who.endswith(f"(pid {holder.pid})")
    assert heard == port


DEVICE = """
import os
ours, theirs = os.openpty()
print(os.ttyname(theirs), flush=True)
input()
port = open(os.ttyname(theirs))
print(flush=True)
input()
"""


def test_a_device_on_a_pty_holds_its_port_only_where_it_opens_it_once_more():
    """As a demo does, which is device and recorder in one process."""
    device = subprocess.Popen(
        [sys.executable, "-c", DEVICE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    path = device.stdout.readline().strip()
    alone = holders(path)
    device.stdin.write("\n")
    device.stdin.flush()
    device.stdout.readline()
    both = holders(path)
    device.communicate("\n")

    assert alone == []
    (who,) = both
    assert who.endswith(f"(pid {device.pid})")


def test_a_port_that_goes_while_it_is_heard_is_told(monkeypatch):
    ours, theirs = pty.openpty()
    path = os.ttyname(theirs)
    os.close(theirs)
    # Not as soon as its descriptor is there: it is still being set up then, and a port
    # that goes meanwhile could not be opened.
    hear, begun = scan._hear, threading.Event()
    monkeypatch.setattr(scan, "_hear", lambda *told: begun.set() or hear(*told))
    heard = []
    listening = threading.Thread(
        target=lambda: heard.extend(scan.listen([scan.Port(path=path)], 20, 9600))
    )
    began = time.monotonic()
    listening.start()
    assert begun.wait(10)
    os.close(ours)
    listening.join(10)

    assert "went away" in heard[0].heard
    assert time.monotonic() - began < 15
