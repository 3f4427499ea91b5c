"""A clinic under everything at once: what its devices said, and who is busy with it.

Four devices of two profiles at fifty frames a second, polled and unasked; people who
look at the console, bind and export; backups. What the devices said is remembered frame
by frame, by no code of the recorder's.
"""

import contextlib
import itertools
import re
import threading
from collections import Counter
from pathlib import Path

import httpx
import msgspec
from visitors import entered, viewers
from waiting import wait_until

from devicelog.drivers import base
from devicelog.drivers.load import load
from devicelog.drivers.simulated.clinic import clinic
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.machine import machine
from devicelog.drivers.simulated.script import Player
from devicelog.drivers.simulated.serve import PtyPort, serve
from devicelog.journal.reader import Reader
from devicelog.model.flow import Identity
from devicelog.operations.ask import ask

SCALE = 0.1  # of a treatment's length: no pause between two is longer than 30 s
SEED = 7
PROFILES = ("us-modbus", "us-modbus", "ifc-classic", "ifc-classic")
MODALITY = {"us-modbus": "us", "ifc-classic": "if"}
# What is other than in the shipped profile: fifty frames a second.
QUICK = {
    "us-modbus": {
        "interval_s = 1.0": "interval_s = 0.02",
        "reply_s = 0.5": "reply_s = 2.0",  # of a machine that does all else too
        "silence_ms = 50": "silence_ms = 10",
    },
    "ifc-classic": {
        "interval_s = 0.5": "interval_s = 0.02",
        'style = "counted"': 'style = "counted"\nsilence_ms = 10',
    },
}
VIEWERS = 6
PATIENTS = 20
FORMS = ("html", "csv", "json", "zip")
PHYSIO = (
    *("/", "/inbox", "/patients", "/today", "/patients/{code}", "/bind"),
    *("/sessions/{id}", "/sessions/{id}/frames", "/devices", "/devices/dev-1"),
)
ENGINEER = ("/", "/system", "/system/doctor", "/recall", "/devices/dev-3")
# The fifth byte of a status is the state: ramping, running, held, paused.
STATUS = {"us-modbus": (1, 0x04), "ifc-classic": (3, 0x21)}
STATE_AT, LIVE = 4, {2, 3, 4, 5}


class Remembered:
    """A device on its wire that speaks while it is `loud`; what it said, in order."""

    def __init__(self, folder, number, profile):
        self.name, self.profile = f"dev-{number}", profile
        self.file = quick(folder, profile)
        has = frozenset({MODALITY[profile]})
        steps = clinic(SEED, room=number, scale=SCALE, modalities=has)
        source = Player(machine(has, number), steps)
        who = Identity("SIM-1", f"SIM{number:05d}", "1.0")
        self.device = VirtualDevice(load(str(self.file)), source, who)
        # A name that goes with the device: the number of its pty is given away.
        self.port = PtyPort(self, link=folder / self.name)
        self.loud = False
        self.bytes = 0
        self.frames = []
        self.longest_s = 0.0  # in which this process did not get to it
        self._looked_s = 0.0

    unplugged = False

    def receive(self, data, now_s):
        return self._note(self.device.receive(data, now_s))

    def speak(self, now_s):
        self.longest_s = max(self.longest_s, now_s - self._looked_s)
        self._looked_s = now_s
        return self._note(self.device.speak(now_s))

    @property
    def treated(self):
        """Its status frames from the first in a treatment to the last."""
        return live(self.frames)

    def _note(self, said):
        if not self.loud:
            return b""
        self.bytes += len(said)
        at, is_status = STATUS[self.profile]
        whole = said
        while whole:
            size = whole[2] + (3 if self.profile == "ifc-classic" else 5)
            frame, whole = whole[:size], whole[size:]
            if frame[at] == is_status:
                self.frames.append(frame)
        return said


def quick(folder, profile):
    """The shipped profile with another pace."""
    text = (Path(base.__file__).parent / "profiles" / f"{profile}.toml").read_text()
    for said, instead in QUICK[profile].items():
        assert said in text
        text = text.replace(said, instead)
    file = folder / f"quick-{profile}.toml"
    file.write_text(text)
    return file


def live(frames):
    """From the first of a treatment to the last."""
    at = [n for n, it in enumerate(frames) if it[STATE_AT] in LIVE]
    return frames[at[0] : at[-1] + 1] if at else []


@contextlib.contextmanager
def devices(folder):
    """All of them, served until the block ends; not loud yet."""
    made = [Remembered(folder, n, it) for n, it in enumerate(PROFILES, 1)]
    ending = threading.Event()
    ports = [it.port for it in made]
    served = threading.Thread(target=serve, args=(ports, ending.is_set))
    served.start()
    try:
        yield made
    finally:
        ending.set()
        served.join()


class Busy:
    """People and clocks that want something, each in a thread of its own.

    `done` counts what they got, `troubles` says what they did not.
    """

    def __init__(self, recorder, folder, url, seconds):
        self.recorder, self.folder, self.url = recorder, folder, url
        self.directory = str(folder / "data")
        self.seconds = seconds
        self.done = Counter()
        self.troubles = []
        self._over = threading.Event()
        wait_until(self._served, lambda: "no console", 30)
        who = [{"name": f"Patient {n}"} for n in range(PATIENTS)]
        (raw,) = ask(self.directory, "add_patients", who=who)
        codes = [it["subject"] for it in msgspec.json.decode(raw)["entries"]]
        # Whose record is exported has one treatment: the work is the same each time.
        self.exported, *self.codes = codes

    @contextlib.contextmanager
    def at_work(self):
        """Everybody, until the block ends."""
        with contextlib.ExitStack() as stack:
            physio, engineer = (
                stack.enter_context(entered(self.directory, self.url, role))
                for role in ("physio", "engineer")
            )
            for each_s, work in (
                (0.7, lambda n: self._looks(physio, PHYSIO, n)),
                (1.3, lambda n: self._looks(engineer, ENGINEER, n)),
                (0.1, lambda _: self._watches(physio)),
                (4, self._binds),
                # All forms within the warm-up: what they need is imported once.
                (min(20, self.seconds / 40), lambda n: self._exports(physio, n)),
                (min(120, self.seconds / 4), lambda _: self._command("db", "backup")),
                (60, self._exports_by_command),
            ):
                thread = threading.Thread(target=self._again, args=(each_s, work))
                thread.start()
                stack.callback(thread.join)
            stack.callback(self._over.set)
            yield

    def _served(self):
        """The console comes up after the recording."""
        with contextlib.suppress(httpx.ConnectError):
            return httpx.get(f"{self.url}/login").status_code == 200
        return False

    def _again(self, each_s, work):
        for n in itertools.count():
            if self._over.wait(each_s):
                return
            try:
                work(n)
            except Exception as error:  # noqa: BLE001  told by the test that looks at it
                self.troubles.append(repr(error))

    def _looks(self, client, pages, n):
        page = pages[n % len(pages)].format(code=self._code(n), id=self._session())
        answer = client.get(page)
        assert answer.status_code == 200, (page, answer.status_code)
        self.done["pages"] += 1

    def _watches(self, client):
        """Live pages, for half a minute; then they are opened anew."""
        with viewers(client, VIEWERS) as got:
            self._over.wait(30)
            if not self._over.is_set():
                assert all(got), got
        self.done["pieces, live"] += sum(got)

    def _binds(self, n):
        with Reader(self.directory) as reader:
            rows = reader.unassigned(5)
        for row in rows:
            code = self._code(n) if self.done["bindings"] else self.exported
            args = {"session_id": row.session_id, "pseudonym": code}
            [*ask(self.directory, "assign", confirm=True, **args)]
            self.done["bindings"] += 1

    def _exports_by_command(self, n):
        file = self.folder / f"history-{n}.csv"
        self._command("export", self.exported, "-o", str(file))

    def _exports(self, client, n):
        form = {"form": FORMS[n % len(FORMS)], "csrf": self._csrf(client)}
        answer = client.post(f"/patients/{self.exported}/export", data=form)
        words = re.sub(r"<[^>]*>|\s+", " ", answer.text) if answer.is_error else ""
        assert answer.status_code == 200, (form["form"], words)
        self.done["exports, console"] += 1

    def _command(self, *words):
        told = self.recorder.clinic.ask(*words)
        assert told.returncode == 0, told.stderr
        self.done[" ".join(words[:2] if words[0] == "db" else words[:1])] += 1

    def _csrf(self, client):
        return client.get("/").text.split('name="csrf" value="')[1].split('"')[0]

    def _code(self, n):
        return self.codes[n % len(self.codes)]

    def _session(self):
        with Reader(self.directory) as reader:
            (row, *_) = reader.sessions(limit=1)
        return row.session_id


def heard(recorder, made):
    """Whether every byte that was said has been read."""
    status = recorder.status()
    counts = {it["name"]: it["counts"]["bytes"] for it in status.get("devices", [])}
    return counts == {it.name: it.bytes for it in made}


def begin(recorder, made):
    """The recorder has opened all ports; from then on they speak."""

    def opened():
        told = recorder.status().get("devices", [])
        return len(told) == len(made) and all(it["line"] == "silent" for it in told)

    wait_until(opened, recorder.status, 60)
    for it in made:
        it.loud = True
    wait_until(lambda: all(it.treated for it in made), seconds=60)


def end(recorder, made):
    """They fall silent, and what they said is read to the end."""
    for it in made:
        it.loud = False
    wait_until(lambda: heard(recorder, made), recorder.status, 30)
