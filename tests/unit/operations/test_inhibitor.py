"""The lock against sleep stands while a treatment is live, and falls with it."""

import logging
import signal
import subprocess
import sys
import time

from waiting import wait_until

from devicelog.operations.inhibitor import COMMAND, Inhibitor


def holder(tmp_path):
    """As systemd-inhibit does: takes the lock, runs the command, lets the lock go."""
    told = tmp_path / "lock"
    script = tmp_path / "inhibit"
    script.write_text(
        f'#!/bin/sh\necho "$*" >{told}\nwhile [ "${{1#--}}" != "$1" ]; do shift; done\n'
        f'"$@"\nrm {told}\n'
    )
    script.chmod(0o755)
    return told, (str(script), *COMMAND[1:])


def test_it_holds_while_a_treatment_is_live_and_lets_go_after_it(tmp_path):
    lock, command = holder(tmp_path)
    inhibitor = Inhibitor(command)

    inhibitor.hold(live=False)
    assert not lock.exists()
    inhibitor.hold(live=True)
    wait_until(lock.exists)
    inhibitor.hold(live=True)
    assert "--what=sleep:shutdown --mode=block" in lock.read_text()
    inhibitor.hold(live=False)
    wait_until(lambda: not lock.exists())
    inhibitor.hold(live=True)
    wait_until(lock.exists)
    inhibitor.release()
    wait_until(lambda: not lock.exists())


def test_it_falls_with_a_recorder_that_is_killed(tmp_path):
    lock, command = holder(tmp_path)
    script = (
        "import signal\nfrom devicelog.operations.inhibitor import Inhibitor\n"
        f"it = Inhibitor({command!r})\nit.hold(live=True)\nsignal.pause()\n"
    )
    recorder = subprocess.Popen([sys.executable, "-c", script])
    try:
        wait_until(lock.exists)
    finally:
        recorder.send_signal(signal.SIGKILL)
        recorder.wait()

    wait_until(lambda: not lock.exists())


def test_without_leave_it_is_said_once_and_nothing_fails(tmp_path, caplog):
    refuses = tmp_path / "refuses"
    refuses.write_text("#!/bin/sh\nexit 1\n")
    refuses.chmod(0o755)
    inhibitor = Inhibitor((str(refuses),))
    with caplog.at_level(logging.WARNING):
        until = time.monotonic() + 10
        while not caplog.messages and time.monotonic() < until:
            inhibitor.hold(live=True)
        for live in (True, False, True, False):
            inhibitor.hold(live=live)

    assert len(caplog.messages) == 1
    assert "50-devicelog.rules" in caplog.text


def test_where_there_is_no_systemd_nothing_is_started(tmp_path):
    inhibitor = Inhibitor((str(tmp_path / "nothing"),))
    inhibitor.hold(live=True)
    inhibitor.hold(live=False)

    assert [*tmp_path.iterdir()] == []
