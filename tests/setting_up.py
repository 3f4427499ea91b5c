"""The set-up page in this process, at a free port, taken to any of its steps."""

import contextlib
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from consoles import treating

from devicelog.console.door.hosts import hosts
from devicelog.console.server import Server
from devicelog.console.setup import plan as steps
from devicelog.console.setup.app import SetUp
from devicelog.console.setup.plan import Plan
from devicelog.drivers.simulated.serve import PtyPort, serve
from devicelog.operations.first import proposed

HOST = "127.0.0.1"
NAMES = ["begun", "answered", "listened", "explained", "tried", "added"]


class Setting:
    """The page at an address of its own; `at` takes it to one of its steps."""

    def __init__(self, folder: Path, port: str, language: str) -> None:
        self._folder, self._port = folder, port
        self.plan = Plan(*proposed(folder / "devicelog.toml"))
        self._server = Server(HOST, 0)
        listening = self._server.listen()
        ours = hosts(HOST, self._server.port, (), tls=False)
        self._token = secrets.token_urlsafe(32)
        page = SetUp(self.plan, self._token, ours, 30.0, language)
        self._server.serve(page.app(), listening)
        self._done = 0

    @property
    def link(self) -> str:
        """That lets in."""
        return f"{self._server.url}/start/{self._token}"

    def at(self, name: str) -> str:
        """The link, once this step and those before it are done."""
        while self._done <= NAMES.index(name):
            getattr(self, f"_{NAMES[self._done]}")()
            self._done += 1
        return self.link

    def close(self) -> None:
        """No longer serve."""
        self._server.close()

    def _begun(self) -> None:
        pass

    def _answered(self) -> None:
        form = {"site": "sim-first", "timezone": "Europe/Berlin", "user": "ada"}
        form |= {"directory": str(self._folder / "journal")}
        self.plan.step(steps.answer, form | {"password": "correct horse battery"})

    def _listened(self) -> None:
        self.plan.step(steps.listen, {"seconds": "3", "port": self._port})

    def _explained(self) -> None:
        form = {"port": self._port, "profile": "us-modbus", "name": "us-1"}
        self.plan.step(steps.explain, form)

    def _tried(self) -> None:
        self.plan.step(steps.ask, {})

    def _added(self) -> None:
        self.plan.step(steps.add, {})


@contextlib.contextmanager
def setting(folder: Path, language: str = "en") -> Iterator[Setting]:
    """With one ultrasound on a pty, treating."""
    ends = Path(tempfile.mkdtemp(prefix="ports-"))
    port, stop = PtyPort(treating(1), link=ends / "us-1"), threading.Event()
    served = threading.Thread(target=serve, args=([port], stop.is_set))
    served.start()
    made = Setting(folder, str(port.link), language)
    try:
        yield made
    finally:
        made.close()
        stop.set()
        served.join()
        shutil.rmtree(ends)
