"""A site that keeps what its processes showed and said, and what a person types."""

import subprocess
import threading

from system.commands.site import PROGRAM, Site, wait_until
from system.identity.canary import of_processes

_EACH_S = 0.02


def typed(site, *args: str, said="", code=0):
    """The program, told on stdin what must not be seen; who looks on sees nothing."""
    child = subprocess.Popen(
        [*PROGRAM, *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=site.environ,
        cwd=site.folder,
    )
    with child:
        site.seen += wait_until(lambda: shown_by(child.pid))
        out, err = child.communicate(said.encode(), timeout=30)
        assert child.returncode == code, err.decode()
        site.logs += err
    return out.decode()


def shown_by(pid):
    """What a process and its children show; empty before it shows its own."""
    told = b"".join(it for _, it in of_processes(pid))
    return told if b"DEVICELOG_CONFIG" in told else b""


class Watched(Site):
    """A site that keeps all that processes showed and said."""

    seen = logs = b""

    @property
    def environ(self):
        return super().environ | {"TMPDIR": str(self.temp)}

    @property
    def temp(self):
        (self.folder / "temp").mkdir(exist_ok=True)
        return self.folder / "temp"

    @property
    def backup(self):
        (self.folder / "backup").mkdir(exist_ok=True)
        return self.folder / "backup"


class Watch:
    """What a process and all its children show, looked at again and again."""

    def __init__(self, pid):
        self.seen = set()
        self._pid = pid
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_: object):
        self._ending.set()
        self._thread.join()

    def _run(self):
        while not self._ending.wait(_EACH_S):
            self.seen |= {told for _, told in of_processes(self._pid)}
