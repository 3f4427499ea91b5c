"""A recorder of virtual devices with its console, in this process, at a free port."""

import contextlib
import secrets
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import httpx

from devicelog.daemon import Daemon
from devicelog.drivers.load import load
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.equipment import LARGE, Programme
from devicelog.drivers.simulated.machine import machine
from devicelog.drivers.simulated.script import Player, Step
from devicelog.drivers.simulated.serve import PtyPort, serve
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Identity
from devicelog.model.users import ROLES
from devicelog.operations.config import parse
from devicelog.operations.socket import Request

CONFIG = """
[site]
name = "sim-clinic"
timezone = "Europe/Berlin"
simulated = true
[journal]
directory = "{directory}"
ballast_mb = 0
[console]
port = 0
language = "{language}"
"""
DEVICE = """
[[devices]]
name = "us-{room}"
label = "Ultrasound, room {room}"
profile = "us-modbus"
port = "{port}"
"""


# The treatment starts half a second after a device is first asked: then it is seen to
# start, and nobody waits for its self-test.
BEGINS_S, ON_FOR_S = 4.0, 3.5


class On(VirtualDevice):
    """A device that had been on for a while when it was first asked something."""

    _asked_s: float | None = None

    def receive(self, data: bytes, now_s: float) -> bytes:
        if self._asked_s is None and data:
            self._asked_s = now_s
        return super().receive(data, self._life(now_s))

    def speak(self, now_s: float) -> bytes:
        return super().speak(self._life(now_s))

    def _life(self, now_s: float) -> float:
        return ON_FOR_S + (0.0 if self._asked_s is None else now_s - self._asked_s)


class Clinic:
    """`url` is where it is; `words` come in, one a role; `unplug` ends all devices."""

    def __init__(
        self,
        daemon: Daemon,
        url: str,
        words: dict[str, str],
        unplug: Callable[[], None],
    ) -> None:
        self.daemon, self.url, self.words = daemon, url, words
        self.unplug = unplug

    def do(self, op: str, **args: Any) -> Any:
        """A write, as the socket would take it; its answer."""
        request = Request(uuid.uuid4().hex, op, args, "test")
        (answer,) = self.daemon.ask(request)
        return answer

    def reader(self) -> Reader:
        """The journal, to be looked at."""
        return Reader(self.daemon.recording.directory)

    @property
    def session(self) -> str:
        """The treatment that runs, once it is in the journal."""
        with Reader(self.daemon.recording.directory) as reader:
            rows = reader.open_sessions()
        return rows[0].session_id if rows else ""

    def shown_since(self, seq: int) -> list[Any]:
        """Audit records of looks at persons after this entry."""
        with Reader(self.daemon.recording.directory) as reader:
            entries = reader.entries(seq, kind="audit")
        bodies = [codec.decode(it.kind, it.body) for it in entries]
        return [it for it in bodies if it.event == "shown"]

    def csrf(self, client: httpx.Client) -> str:
        """What stands in each form of this login."""
        return client.get("/").text.split('name="csrf" value="')[1].split('"')[0]

    def entry(self, role: str) -> str:
        """The link that lets this role in."""
        word = next(word for word, it in self.words.items() if it == role)
        return f"{self.url}/enter/{word}"

    def client(self, role: str | None = None) -> httpx.Client:
        """A browser without script; of somebody who came in, or of nobody.

        Its cookies are Secure, and the address is http: so they are put in by hand, as
        browsers do for loopback.
        """
        headers = {"origin": self.url}
        if role is not None:
            answer = httpx.get(self.entry(role))
            headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
        return httpx.Client(base_url=self.url, headers=headers)


@contextlib.contextmanager
def clinic(
    directory: Path,
    *,
    rooms: int = 1,
    language: str = "en",
    more: str = "",
    fails: Collection[int] = (),
) -> Iterator[Clinic]:
    """Ultrasound in each room, treating for half an hour from the first second on.

    `more` is put behind `[console]` in the configuration; in the rooms of `fails` the
    device itself fails.
    """
    # By a name that goes with the device: the number of a pty that is gone is given to
    # the next one on this machine, and a recorder that tries it again would hold that.
    ends = Path(tempfile.mkdtemp(prefix="ports-"))
    ports = [
        PtyPort(treating(room, fails=room in fails), link=ends / f"us-{room}")
        for room in range(1, rooms + 1)
    ]
    stop = threading.Event()
    served = threading.Thread(target=serve, args=(ports, stop.is_set))
    served.start()
    text = CONFIG.format(directory=directory, language=language) + more
    for room, port in enumerate(ports, 1):
        text += DEVICE.format(room=room, port=port.link)
    daemon = Daemon(parse(text, "test", {}))
    try:
        daemon.start()
        words = {secrets.token_urlsafe(16): role for role in ROLES}
        url = daemon.serve(words)
        assert url
        yield Clinic(daemon, url, words, stop.set)
    finally:
        daemon.stop()
        stop.set()
        served.join()
        shutil.rmtree(ends)


def treating(room: int, *, fails: bool = False) -> VirtualDevice:
    """Ultrasound that treats for half an hour from its fourth second on, or fails."""
    steps = [
        Step(0.5, "swap", LARGE),
        Step(3.5, "load", Programme(1.0, 100, 0.8, 1800)),
        Step(BEGINS_S, "start"),
    ]
    if fails:
        steps.append(Step(BEGINS_S + 2, "fail", "3"))
    player = Player(machine(frozenset({"us"}), room), iter(steps))
    who = Identity("SIMULATED", f"SIM{room:05d}", "1.0")
    return On(load("us-modbus"), player, who)
