"""What has been answered so far, and what was heard; kept in memory until it is saved.

Every step is a function of the plan and a form. It changes the plan or raises
DevicelogError; nothing is written before `save`, nothing is sent before `ask`.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from devicelog.console.visit import Refused
from devicelog.drivers import capture
from devicelog.drivers.load import load
from devicelog.errors import ConfigError
from devicelog.operations import first, scan
from devicelog.operations.first import Start
from devicelog.operations.trial import Seen, try_alone
from devicelog.recorder.settings import DeviceSettings
from devicelog.records.passwords import hashed

SECONDS: Final = (3, 10, 30)  # how long may be listened
ASK_S: Final = 5.0
_SHOWN: Final = 512  # bytes of a port
_BAUDS: Final = (50, 4_000_000)
_PIECES: Final = 20  # of what a profile makes of bytes


class Heard(msgspec.Struct, frozen=True):
    """A port, what arrived there, and at which speed."""

    port: scan.Port
    data: bytes
    baud: int

    @property
    def name(self) -> str:
        """What a configuration calls it: by its socket, where it has such a name."""
        return self.port.by_path or self.port.path

    @property
    def silent(self) -> bool:
        """Whether it was open, and nothing came."""
        return self.port.heard == scan.SILENT

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Sixteen bytes a line, in hex and as text."""
        rows = [self.data[at : at + 16] for at in range(0, len(self.data), 16)]
        return [(row.hex(" "), _readable(row)) for row in rows[: _SHOWN // 16]]


class Tried(msgspec.Struct, frozen=True):
    """A device as it would be configured, and what was seen of it.

    `pieces`: what its profile makes of the bytes that were heard; `silent`: there were
    none, though the port was open. `requests`: what would be sent. `seen`: what came of
    that, once it was sent.
    """

    device: DeviceSettings
    baud: int
    heard_baud: int
    pieces: list[capture.Told]
    silent: bool
    requests: list[tuple[str, str]]
    seen: list[Seen] = []


class Plan:
    """All answers. One step at a time: `step` refuses another meanwhile."""

    def __init__(self, start: Start, path: Path) -> None:
        self.start, self.path = start, path
        self.heard: list[Heard] = []
        self.listened = False
        self.tried: Tried | None = None
        # As it was typed, so that a form which is shown again still has it.
        self.listening: Mapping[str, str] = {}
        self.typed: dict[str, Mapping[str, str]] = {}  # by the port's name
        self.saved = threading.Event()
        self._lock = threading.Lock()

    def step(
        self, take: Callable[["Plan", Mapping[str, str]], None], form: Mapping[str, str]
    ) -> None:
        """Take this step. Raises DevicelogError, Refused."""
        if not self._lock.acquire(blocking=False):
            raise Refused(409, "setup.busy")
        try:
            take(self, form)
        finally:
            self._lock.release()


def answer(plan: Plan, form: Mapping[str, str]) -> None:
    """The clinic and its first user. An empty password leaves the one before."""
    word = form.get("password", "")
    start = msgspec.structs.replace(
        plan.start,
        site=form.get("site", "").strip(),
        timezone=form.get("timezone", "").strip(),
        directory=form.get("directory", "").strip(),
        user=form.get("user", "").strip().lower(),
    )
    plan.start = start  # as it was typed, so that it can be mended
    if word or not start.kept:
        plan.start = msgspec.structs.replace(start, kept=hashed(word))
    first.checked(plan.start)


def listen(plan: Plan, form: Mapping[str, str]) -> None:
    """What the ports of this machine say unasked; nothing is sent."""
    plan.listening = form
    seconds, baud = _number(form, "seconds", 3), _number(form, "baud", 9600)
    if seconds not in SECONDS or not _BAUDS[0] <= baud <= _BAUDS[1]:
        raise Refused(400, "error.no_form")
    extra = form.get("port", "").strip()
    found = scan.ports([extra] if extra else [])
    told = scan.capture(found, seconds, baud)
    plan.heard = [Heard(port, data, baud) for port, data in told]
    plan.listened, plan.tried = True, None


def explain(plan: Plan, form: Mapping[str, str]) -> None:
    """What the named profile makes of the bytes that a port brought; sends nothing."""
    heard = next((it for it in plan.heard if it.name == form.get("port")), None)
    if heard is None:
        raise Refused(409, "setup.listen_first")
    plan.typed[heard.name] = form
    name = form.get("profile", "").strip()
    device = DeviceSettings(
        name=form.get("name", "").strip(),
        label=form.get("label", "").strip(),
        profile=str(Path(name).absolute()) if "/" in name else name,
        port=heard.name,
        access="tap" if form.get("access") == "tap" else "poll",
    )
    profile = load(device.profile)
    plan.tried = Tried(
        device,
        profile.line.baud,
        heard.baud,
        [*capture.explain(profile, heard.data)][:_PIECES],
        heard.silent,
        first.requests(device),
    )


def ask(plan: Plan, _: Mapping[str, str]) -> None:
    """Try the device that was explained: its port, and the requests of its profile."""
    tried = _tried(plan)
    seen = [*try_alone(tried.device, ASK_S)]
    readings = [it for it in seen if it.what in ("frame", "noise")][-_PIECES:]
    verdicts = [it for it in seen if it.what == "verdict"]
    plan.tried = msgspec.structs.replace(tried, seen=[*readings, *verdicts])


def add(plan: Plan, _: Mapping[str, str]) -> None:
    """Put the device that was tried into the configuration."""
    device = _tried(plan).device
    devices = (*plan.start.devices, device)
    start = msgspec.structs.replace(plan.start, devices=devices)
    first.checked(start)
    plan.typed.pop(device.port, None)
    plan.start, plan.tried = start, None


def remove(plan: Plan, form: Mapping[str, str]) -> None:
    """Take a device out again."""
    left = tuple(it for it in plan.start.devices if it.name != form.get("name"))
    plan.start = msgspec.structs.replace(plan.start, devices=left)


def save(plan: Plan, form: Mapping[str, str]) -> None:
    """Write it; the page has done its work."""
    if plan.saved.is_set():
        raise Refused(410, "setup.over")
    plan.path = Path(form.get("path", "").strip())
    first.save(plan.start, plan.path)
    plan.saved.set()


# --- Private ----------------------------------------------------------------------


def _tried(plan: Plan) -> Tried:
    if plan.tried is None:
        raise ConfigError("no device was tried", hint="listen, then name its profile")
    return plan.tried


def _number(form: Mapping[str, str], key: str, default: int) -> int:
    try:
        return int(form.get(key, "") or default)
    except ValueError:
        raise Refused(400, "error.no_form") from None


def _readable(data: bytes) -> str:
    return "".join(chr(it) if 32 <= it < 127 else "·" for it in data)  # noqa: PLR2004
