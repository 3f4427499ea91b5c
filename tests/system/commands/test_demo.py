"""`demo` as a process: it shows, sums up, and leaves nothing behind."""

import contextlib
import fcntl
import os
import pty
import re
import resource
import select
import shlex
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import termios
import threading
import time
from typing import Any

import httpx
import pytest
import requires
import waiting
from system.commands.site import BOUND_S, PROGRAM, wait_until

from devicelog.journal.reader import Reader


@contextlib.contextmanager
def started(tmp_path, *args: str, days="0", **options: Any):
    """The demo, which ends with the block at the latest."""
    process = subprocess.Popen(
        [*PROGRAM, "demo", "--days", days, "--console", "0", *args],
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
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()  # in order: its broker is a child of its own


LINK = re.compile(r"^ +(\w+) +(http://\S+)$", re.MULTILINE)
ANSWER_S = 5.0


def answered(url: str) -> httpx.Response | None:
    try:
        return httpx.get(url, timeout=ANSWER_S)
    except httpx.TransportError:
        return None


def come_in(link: str) -> httpx.Client:
    """Its cookie is Secure and the address http: put in by hand, as for loopback."""
    answer = httpx.get(link, timeout=ANSWER_S)
    cookie = answer.headers["set-cookie"].partition(";")[0]
    url = link.partition("/enter/")[0]
    return httpx.Client(base_url=url, headers={"cookie": cookie})


def test_it_answers_at_once_and_its_links_lead_in_later(tmp_path):
    """The time of a promise, from the start of the process."""
    until = time.monotonic() + ANSWER_S
    with started(tmp_path, "--console", "0", days="2") as process:
        assert process.stdout
        told = [process.stdout.readline() for _ in range(5)]
        links = dict(LINK.findall("".join(told)))
        first = answered(links["physio"])
        assert time.monotonic() < until, told
        assert first
        assert "0 of 2 days are made" in first.text
        assert first.headers["refresh"] == "1"
        assert "set-cookie" not in first.headers

        def entered() -> bool:
            answer = answered(links["physio"])
            assert answer, "nobody answers between the two"
            return answer.status_code == httpx.codes.SEE_OTHER

        waiting.wait_until(entered, seconds=3 * BOUND_S)
        with come_in(links["physio"]) as client:
            # Whom the physio treats now: the days before are not of today.
            waiting.wait_until(
                lambda: "/patients/" in client.get("/today").text, seconds=2 * BOUND_S
            )
        word = links["physio"].rpartition("/enter/")[2]
        other = answered(links["physio"].replace(word, "no-such-word"))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=BOUND_S)

    assert sorted(links) == ["admin", "engineer", "physio", "reception"]
    assert other
    assert other.status_code == httpx.codes.NOT_FOUND
    assert process.returncode == 0


def test_where_another_has_the_port_it_goes_on_without_pages(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as another:
        port = str(another.getsockname()[1])
        with started(tmp_path, "--for", "2s", "--console", port) as process:
            told, errors = process.communicate(timeout=BOUND_S)

    assert (process.returncode, errors) == (0, "")
    assert told.startswith(f"No console: the console cannot listen at 127.0.0.1:{port}")
    assert "entries in the journal" in told


def test_a_second_one_says_how_it_can_run_beside_the_first(tmp_path):
    with started(tmp_path, days="1") as first:
        assert first.stdout
        links = dict(LINK.findall("".join(first.stdout.readline() for _ in range(5))))
        wait_until(
            lambda: (it := answered(links["physio"])) and it.status_code == 303,
            lambda: (links, first.poll()),
            3 * BOUND_S,
        )
        with started(tmp_path, days="1") as second:
            _, errors = second.communicate(timeout=BOUND_S)

    assert second.returncode == 1
    assert "another demo is running" in errors
    assert "--seed 2 --console 0" in errors


def test_for_a_while_it_records_and_sums_up(tmp_path):
    with started(tmp_path, "--for", "7s", "--devices", "2") as process:
        told, errors = process.communicate(timeout=BOUND_S)

    assert (process.returncode, errors) == (0, "")
    assert " SIMULATED " in told
    assert "Ultrasound, room 2" in told
    assert re.search(r"SIMULATED: [12] sessions recorded: [12] still open\n", told)
    assert "us-1.us." in told
    assert "entries in the journal, which is removed now" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(tmp_path, number):
    """In order: what it sums up is what its journal holds, and that is one whole file.

    The journal is removed; another name for it keeps it for a look.
    """
    begun, kept = tmp_path / "begun", tmp_path / "kept.db"
    begun.mkdir()
    with started(begun) as process:
        wait_until(lambda: list(begun.glob("devicelog-demo-*/control.sock")))
        (journal,) = begun.glob("devicelog-demo-*/journal.db")
        kept.hardlink_to(journal)
        process.send_signal(number)
        told, errors = process.communicate(timeout=BOUND_S)
    sessions, entries = counted(kept)

    assert (process.returncode, errors) == (0, "")
    assert f"SIMULATED: {sessions or 'no'} sessions recorded" in told
    assert f"\n{entries} entries in the journal, which is removed now\n" in told
    assert entries
    assert list(begun.iterdir()) == []


def counted(journal):
    """Sessions and entries in this file alone, whatever stands in a log beside it."""
    with contextlib.closing(
        sqlite3.connect(f"file:{journal}?immutable=1", uri=True)
    ) as db:
        (sessions,), (entries,) = (
            db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
            for table in ("sessions", "entries")
        )
    return sessions, entries


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
    before, shown = shown.split(b"\x1b[?1049h")
    assert before.startswith(b"The console, by role:")
    assert b"time left" in shown
    assert b"/enter/" in shown
    assert b"SIMULATED: " in after
    assert process.returncode == 0


DAY_S = 3 * BOUND_S  # for a day to be made


def summed_up(tmp_path, *args: str):
    with started(tmp_path, *args, days="1") as process:
        told, errors = process.communicate(timeout=DAY_S)
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
        assert f"entries more in the journal, which is kept in {kept}" in told
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

    assert process.returncode == 0
    assert not LINK.sub("", told).replace("The console, by role:", "").strip()
    assert "ended before the weeks were whole" in errors
    assert list(cache.iterdir()) == []


WATCH = re.compile(
    r"Live over MQTT, port \d+: (mosquitto_sub -p \d+ -v -t 'devicelog/#')"
)


class Screen:
    """A terminal of 100 columns; what was shown on it so far."""

    def __init__(self):
        self._ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("4H", 40, 100, 0, 0))
        self._shown, self._done = b"", threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        while not self._done.is_set():
            if select.select([self._ours], [], [], 0.1)[0]:
                self._shown += os.read(self._ours, 65_536)

    @property
    def text(self):
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self._shown.decode())

    def close(self):
        self._done.set()
        self._thread.join()
        os.close(self._ours)
        os.close(self.theirs)


@pytest.fixture
def screen():
    it = Screen()
    yield it
    it.close()


def test_anybody_can_watch_with_the_line_that_it_shows(tmp_path, screen):
    requires.tool("mosquitto_sub")
    with socket.socket() as usual:  # somebody else's broker
        usual.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not usual.connect_ex(("127.0.0.1", 1883)):
            usual.close()
        else:
            usual.bind(("127.0.0.1", 1883))
            usual.listen()
        with started(tmp_path, "--devices", "2", stdout=screen.theirs) as process:
            line = wait_until(lambda: WATCH.search(screen.text), lambda: screen.text)
            wait_until(lambda: "mqtt: there since" in screen.text, lambda: screen.text)
            words = [*shlex.split(line[1]), "-C", "40", "-W", "20"]
            watched = subprocess.run(words, capture_output=True, text=True, check=False)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=BOUND_S)

    assert (process.returncode, errors) == (0, "")
    assert watched.returncode == 0, watched
    topics = {it.split(" ", 1)[0] for it in watched.stdout.splitlines()}
    root = "devicelog/v1/sim-clinic"
    assert topics >= {f"{root}/daemon/info", f"{root}/us-1/us/state"}
    assert any(it.endswith("/telemetry") for it in topics)
    assert list(tmp_path.iterdir()) == []


def test_days_that_were_made_up_are_not_sent_as_live(tmp_path, screen):
    """Weeks of a clinic would keep a small broker busy; only what is new goes out."""
    requires.tool("mosquitto_sub")
    with started(tmp_path, days="1", stdout=screen.theirs) as process:
        told = re.compile(r"mosquitto_sub (?:-p (\d+) )?-v")
        line = wait_until(lambda: told.search(screen.text), lambda: screen.text, DAY_S)
        words = ["-p", line[1] or "1883", "-t", "devicelog/#", "-W", "3"]
        wait_until(lambda: "mqtt: there since" in screen.text, lambda: screen.text)
        watched = subprocess.run(
            ["mosquitto_sub", *words], capture_output=True, text=True, check=False
        )
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=BOUND_S)
    (kept,) = (tmp_path / "cache" / "devicelog").iterdir()
    with Reader(kept) as reader:
        position, head = reader.position("mqtt"), reader.last_seq()

    assert watched.stdout
    assert watched.stdout.count('"historical":true') < 40
    assert position.pending(head) < 100


def test_without_the_broker_it_says_how_to_get_one_and_goes_on(tmp_path):
    code = (
        "import sys; sys.modules['amqtt'] = None\n"
        "from devicelog.__main__ import main; sys.argv[0] = 'devicelog'; main()"
    )
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            "demo",
            "--days",
            "0",
            "--for",
            "2s",
            "--console",
            "0",
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )

    assert (told.returncode, told.stderr) == (0, "")
    assert "For the live feed over MQTT: pip install amqtt\n" in told.stdout
    assert "mqtt:" not in told.stdout
