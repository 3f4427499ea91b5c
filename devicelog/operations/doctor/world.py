"""What the checks look at: given to them, so that a test can give them another."""

import os
from pathlib import Path

import msgspec

from devicelog.clock import Clock, SystemClock
from devicelog.errors import DevicelogError
from devicelog.operations.ask import ask
from devicelog.operations.config import Config, Loaded, load
from devicelog.operations.recording import Recording
from devicelog.operations.status import Status

_PATIENCE_S = 3.0


class World(msgspec.Struct, frozen=True):
    """One configuration on one machine.

    `loaded` None: it cannot be used, and `problems` says why. `root`: where the
    machine's own files (/etc, /proc, /sys, /run) are. `status`: of the recorder that
    runs, if one does.
    """

    source: str
    loaded: Loaded | None
    problems: str = ""
    root: Path = Path("/")
    clock: Clock = msgspec.field(default_factory=SystemClock)
    status: Status | None = None

    @property
    def config(self) -> Config:
        """Of checks that need one; they are not asked without."""
        if self.loaded is None:
            raise RuntimeError("ask only where there is a configuration")
        return self.loaded.config

    @property
    def directory(self) -> Path:
        """Of the journal."""
        return Path(self.config.journal.directory)

    def file(self, path: str) -> Path:
        """A file of the machine."""
        return self.root / path.lstrip("/")


def seen(path: Path) -> World:
    """The world of this configuration, from another process; never raises."""
    clock = SystemClock()
    try:
        loaded = load(path)
    except DevicelogError as error:
        return World(str(path), None, str(error), clock=clock)
    return World(str(path), loaded, clock=clock, status=_status(loaded))


def within(recording: Recording) -> World:
    """The world of a recorder that runs in this process."""
    status = Status(
        running=True,
        site=recording.site,
        simulated=recording.simulated,
        directory=recording.directory,
        pid=os.getpid(),
        clock_ok=recording.timebase.trusted,
    )
    loaded = recording.loaded
    return World(loaded.source, loaded, clock=recording.clock, status=status)


def _status(loaded: Loaded) -> Status | None:
    directory = loaded.config.journal.directory
    try:
        (raw,) = ask(directory, "status", patience_s=_PATIENCE_S)
        return msgspec.json.decode(raw, type=Status)
    except (DevicelogError, msgspec.MsgspecError):
        return None
