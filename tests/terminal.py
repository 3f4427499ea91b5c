"""The program before a terminal of its own, as a person starts it."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from waiting import wait_until

PROGRAM = [sys.executable, "-m", "devicelog"]


class Terminal:
    """What it shows, and the process before it."""

    def __init__(self, process: subprocess.Popen, reading: int) -> None:
        self.process, self.shown = process, ""
        self._reading = reading
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def wait_for(self, text: str, seconds: float = 20.0) -> str:
        wait_until(lambda: text in self.shown, lambda: self.shown, seconds)
        return self.shown

    def end(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(20)
        self._thread.join(5)
        return code

    def _read(self) -> None:
        # A pty whose other end is closed answers EIO.
        with contextlib.suppress(OSError):
            while piece := os.read(self._reading, 4096):
                self.shown += piece.decode().replace("\r\n", "\n")
        os.close(self._reading)


@contextlib.contextmanager
def terminal(folder: Path, *args: str, **environ: str) -> Iterator[Terminal]:
    """`devicelog ARGS` in this folder, with no setting but these."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("DEVICELOG")}
    reading, shown = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *args],
        cwd=folder,
        env=clean | environ,
        stdin=subprocess.DEVNULL,
        stdout=shown,
        stderr=shown,
    )
    os.close(shown)
    opened = Terminal(process, reading)
    try:
        yield opened
    finally:
        opened.end()
