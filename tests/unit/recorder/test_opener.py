"""Opening and closing off the loop, and the words for what went wrong."""

import os
import threading

import pytest
import requires
from line.wires import LINE, Pty, wait_until

from devicelog.errors import PortError
from devicelog.recorder.opener import Opener
from devicelog.recorder.port import open_tapped
from devicelog.recorder.refusal import refusal


def opened(port):
    return open_tapped(port, LINE, dtr=False, rts=False)


@pytest.fixture
def line():
    made = Pty()
    yield made
    made.pull()


def outcome(opener):
    found = []
    wait_until(lambda: found.extend(opener.done()) or found)
    return found


def test_what_became_of_an_opening_is_fetched_after_a_waking(line):
    woken = threading.Event()
    opener = Opener(1, woken.set)
    opener.open(0, lambda: opened(line.port))
    assert woken.wait(5)
    ((number, port),) = opener.done()
    assert (number, port.address) == (0, line.port)

    opener.close_port(0, port)
    assert outcome(opener) == [(0, None)]
    opener.close()


def test_an_opening_that_fails_in_an_unknown_way_is_an_error_of_the_port():
    opener = Opener(1, lambda: None)
    opener.open(0, lambda: 1 // 0)
    ((_, error),) = outcome(opener)
    opener.close()

    assert isinstance(error, PortError)
    assert "ZeroDivisionError" in error.message


def test_an_opening_that_hangs_holds_up_no_other(line):
    hanging = threading.Event()
    opener = Opener(5, lambda: None)
    for number in range(4):
        opener.open(number, lambda: hanging.wait(20) and None)
    opener.open(4, lambda: opened(line.port))
    ((number, port),) = outcome(opener)
    hanging.set()
    port.close()
    opener.close()

    assert number == 4


def test_what_was_opened_and_not_fetched_is_closed_at_the_end(line):
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    opener = Opener(1, lambda: None)
    opener.open(0, lambda: opened(line.port))
    opener.close()

    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


# --- Words ------------------------------------------------------------------------


def test_the_group_of_a_port_is_named_if_it_helps(tmp_path):
    requires.root()
    port = tmp_path / "port"
    port.touch()
    os.chown(port, 0, 20)
    hints = []
    for mode in (0o660, 0o600):
        port.chmod(mode)
        hints.append(refusal(str(port), PermissionError(13, "no")).hint)
    os.chown(port, 0, 54_321)  # a group without a name
    hints.append(refusal(str(port), PermissionError(13, "no")).hint)

    assert hints == [
        "sudo usermod -aG dialout root, then start devicelog again",
        "no group may use it: give it one by a udev rule (GROUP, MODE 0660)",
        "ask the administrator of this machine",
    ]


def test_an_error_that_nobody_foresaw_is_told_as_it_is():
    assert "cannot be opened: what is this" in str(
        refusal("/x", OSError("what is this"))
    )
    error = TimeoutError("timed out")
    assert "does not answer (is the adapter on?)" in str(refusal("socket://x:1", error))
