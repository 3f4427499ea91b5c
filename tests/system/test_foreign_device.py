"""The program as a process, on a device that this project did not write.

pymodbus serves the registers, a pty is its port, socat the cable. A treatment of 90 s
of real time: contact lost twice, a setting changed, a pause, the cable away for 6 s.
"""

import contextlib
import itertools
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
import requires
from line.clinic import entries
from line.sums import journalled
from line.wires import Pty, wait_until
from system.foreign_device import DUTY_PCT, ERA_CM2, RUNNING, SCRIPT

from devicelog.drivers import base
from devicelog.errors import Unreachable
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import SessionEvent
from devicelog.operations.ask import ask
from devicelog.operations.status import Status

INTERVAL_S = 0.25
CUT_S, BACK_S = 50, 56
REOPENED_S = 2.0
EDGES = {
    "start": 0,
    "contact_lost": 12,
    "contact_back": 16,
    "setting": 25,
    "pause": 35,
    "resume": 43,
}
EDGES_AFTER = {"contact_lost": 70, "contact_back": 71, "end": 90}
CONFIG = """
[site]
name = "real-clinic"
[journal]
directory = "{0}/data"
[[devices]]
name = "us-1"
profile = "{0}/quick.toml"
port = "{0}/cable"
"""


def profile() -> str:
    text = (Path(base.__file__).parent / "profiles" / "us-modbus.toml").read_text()
    for old, new in (
        ("interval_s = 1.0", f"interval_s = {INTERVAL_S}"),
        ("reply_s = 0.5", "reply_s = 0.2"),
        ("quiet_s = 2.5", "quiet_s = 1.0"),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


class Cable:
    """socat between the device's port and the path that the recorder is told."""

    def __init__(self, pty: Pty, path: Path) -> None:
        self._pty, self._path = pty, path
        self.plug()

    def plug(self) -> None:
        self._socat = subprocess.Popen(
            ["socat", f"PTY,link={self._path},raw,echo=0", f"FD:{self._pty.plug}"],
            pass_fds=[self._pty.plug],
        )

    def pull(self) -> None:
        self._socat.terminate()
        self._socat.wait(5)
        assert not self._path.is_symlink()


@contextlib.contextmanager
def program(folder: Path):
    """`devicelog run`, ended as systemd would."""
    (folder / "quick.toml").write_text(profile())
    (folder / "devicelog.toml").write_text(CONFIG.format(folder))
    command = [sys.executable, "-m", "devicelog", "run"]
    config = ["--config", str(folder / "devicelog.toml")]
    running = subprocess.Popen([*command, *config], stderr=subprocess.PIPE, text=True)
    try:
        yield running
        running.terminate()
        running.wait(15)
    finally:
        running.kill()
        said = running.stderr.read()
        running.stderr.close()
        running.wait()
    assert running.returncode == 0, said


def line(folder: Path) -> str:
    """How the line stands, asked as any client asks."""
    try:
        (raw,) = ask(str(folder / "data"), "status")
    except Unreachable:
        return "no recorder"
    (it,) = msgspec.json.decode(raw, type=Status).devices
    return it.line


def boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def wait_for(at_s: float) -> None:
    threading.Event().wait(max(0.0, at_s - boottime()))


def treated(folder: Path) -> float:
    """The whole treatment, recorded; when it began (seconds of CLOCK_BOOTTIME)."""
    pty = Pty()
    script = Path(__file__).with_name("foreign_device.py")
    device = subprocess.Popen(
        [sys.executable, script, pty.port], stdin=subprocess.PIPE, text=True
    )
    cable = Cable(pty, folder / "cable")
    try:
        with program(folder):
            wait_until(lambda: line(folder) == "online", lambda: line(folder), 20)
            began = boottime() + 1
            device.stdin.write(f"{began!r}\n")
            device.stdin.flush()
            wait_for(began + CUT_S)
            cable.pull()
            wait_for(began + BACK_S)
            cable.plug()
            wait_until(lambda: line(folder) == "online", lambda: line(folder))
            wait_for(began + SCRIPT[-1][0] + 1.5)
    finally:
        device.kill()
        device.communicate()
        cable.pull()
        pty.pull()
    return began


def script_energy_j(without: tuple[float, float]) -> float:
    """What the script gave, less what it gave in this span."""
    total = 0.0
    for (begin, state, level), (end, *_) in itertools.pairwise(SCRIPT):
        if state == RUNNING:
            watts = level / 100 * DUTY_PCT / 100 * ERA_CM2
            unseen = min(end, without[1]) - max(begin, without[0])
            total += watts * (end - begin - max(0.0, unseen))
    return total


def known(event: SessionEvent) -> float:
    """When it was so; a setting counts from its first reading, told with the next."""
    waited_ns = event.at_ns - event.began_ns if event.event == "setting" else 0
    return (event.mono_ns - waited_ns) / 1e9


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_treatment_on_a_foreign_device(tmp_path):
    requires.tool("socat")
    began = treated(tmp_path)
    found = entries(tmp_path / "data")
    events = [codec.decode("session", it.body) for it in found if it.kind == "session"]
    (gap,) = [codec.decode("gap", it.body) for it in found if it.kind == "gap"]
    with Reader(str(tmp_path / "data")) as reader:
        (session,) = reader.sessions()

    at = [(it.event, known(it) - began) for it in events]
    names = [*EDGES, "line_lost", "gap", *EDGES_AFTER]
    assert [name for name, _ in at] == names

    # Each edge within one poll and 0.2 s of when the script did it.
    seen = [it for it in at if it[0] not in ("line_lost", "gap")]
    edges = [*EDGES.items(), *EDGES_AFTER.items()]
    for (name, seconds), (_, edge) in zip(seen, edges, strict=True):
        assert 0 <= seconds - edge <= INTERVAL_S + 0.2, name

    # The cable: lost at once, back within its promise, named once.
    seconds = dict(at)
    assert 0 <= seconds["line_lost"] - CUT_S <= 0.5
    assert 0 <= seconds["gap"] - BACK_S <= REOPENED_S + 0.5
    assert gap.cause == "port"
    away = (seconds["gap"] - gap.seconds, seconds["gap"])
    assert CUT_S - INTERVAL_S - 0.2 <= away[0] <= CUT_S

    totals = session.totals
    assert session.reason == "completed"
    assert totals["gaps"] == 1
    assert totals["gap_s"] == pytest.approx(gap.seconds, abs=0.001)
    assert (totals["contacts_lost"], totals["pauses"]) == (2, 1)
    assert totals["setting_changes"] == 1
    setting = next(it for it in events if it.event == "setting")
    assert (setting.field, setting.old, setting.new) == ("intensity_w_cm2", 0.8, 0.6)
    assert totals["energy_j"] == pytest.approx(script_energy_j(away), rel=0.01)
    assert totals["wall_s"] == pytest.approx(90, abs=0.9)
    assert totals["timer_error_pct"] == pytest.approx(0, abs=1)

    (counts,) = journalled(found)
    assert counts.noise_bytes == 0
    assert counts.unanswered <= 1
