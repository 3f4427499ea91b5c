"""`demo` as a process: it shows, sums up, and leaves nothing behind."""

import fcntl
import os
import pty
import re
import resource
import signal
import struct
import subprocess
import termios
from typing import Any

import pytest
from system.commands.site import BOUND_S, PROGRAM, wait_until

from devicelog.journal.reader import Reader


def started(tmp_path, *args: str, days="0", **options: Any):
    return subprocess.Popen(
        [*PROGRAM, "demo", "--days", days, *args],
        stdout=options.pop("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ
        | {
            "TMPDIR": str(tmp_path),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "TERM": "xterm",
        },
        **options,
    )


def test_for_a_while_it_records_and_sums_up(tmp_path):
    with started(tmp_path, "--for", "7s", "--devices", "2") as process:
        told, errors = process.communicate(timeout=BOUND_S)

    assert (process.returncode, errors) == (0, "")
    assert " SIMULATED " in told
    assert "Ultrasound, room 2" in told
    assert re.search(r"SIMULATED: [12] sessions recorded: [12] still open\n", told)
    assert "us-1.us." in told
    assert "entries were in the journal, which is removed now" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(tmp_path, number):
    with started(tmp_path) as process:
        wait_until(lambda: list(tmp_path.glob("devicelog-demo-*/control.sock")))
        process.send_signal(number)
        told, errors = process.communicate(timeout=BOUND_S)

    assert (process.returncode, errors) == (0, "")
    assert "SIMULATED: no sessions recorded\n" in told
    assert list(tmp_path.iterdir()) == []


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))


def test_without_a_pty_it_says_what_it_needs(tmp_path):
    with started(tmp_path, "--devices", "20", preexec_fn=few_descriptors) as process:
        told, errors = process.communicate(timeout=BOUND_S)

    assert (process.returncode, told) == (1, "")
    assert "no pseudo-terminal for room " in errors
    assert "--devices" in errors
    assert list(tmp_path.iterdir()) == []


def test_on_a_terminal_it_has_a_screen_of_its_own(tmp_path):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    with started(tmp_path, "--for", "1s", stdout=theirs) as process:
        os.close(theirs)
        screen = b""
        try:
            while data := os.read(ours, 65_536):
                screen += data
        except OSError:  # nobody has the terminal open any more
            pass
        process.wait(BOUND_S)
    os.close(ours)

    shown, after = screen.split(b"\x1b[?1049l")
    assert shown.startswith(b"\x1b[?1049h")
    assert b"time left" in shown
    assert b"SIMULATED: " in after
    assert process.returncode == 0


def summed_up(tmp_path, *args: str):
    with started(tmp_path, *args, days="1") as process:
        told, errors = process.communicate(timeout=3 * BOUND_S)
    assert (process.returncode, errors) == (0, "")
    return told


def test_the_days_before_are_made_once_and_kept(tmp_path):
    first = summed_up(tmp_path, "--for", "2s")
    (kept,) = (tmp_path / "cache" / "devicelog").iterdir()
    born = (kept / "journal.db").stat().st_ino
    again = summed_up(tmp_path, "--for", "2s")
    with Reader(kept) as reader:
        devices = {row.device for row in reader.sessions()}

    for told in (first, again):
        assert f"entries more are in the journal, kept in {kept}" in told
    assert [*(tmp_path / "cache" / "devicelog").iterdir()] == [kept]
    assert (kept / "journal.db").stat().st_ino == born
    assert devices >= {"us-1", "us-2", "if-1", "combo-1"}
    # Each day is told on the board: what ended last is of the days before.
    assert "last treatments" in again


def test_who_ends_it_while_days_are_made_keeps_nothing(tmp_path):
    with started(tmp_path, days="22") as process:
        cache = tmp_path / "cache" / "devicelog"
        wait_until(lambda: list(cache.glob("begun-*/journal.db")))
        process.send_signal(signal.SIGINT)
        told, errors = process.communicate(timeout=3 * BOUND_S)

    assert (process.returncode, told) == (0, "")
    assert "ended before the weeks were whole" in errors
    assert list(cache.iterdir()) == []
