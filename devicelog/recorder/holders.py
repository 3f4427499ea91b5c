"""Which other processes have a port open, so that `busy` has a name."""

import contextlib
import os
from pathlib import Path


def holders(path: str) -> list[str]:
    """Who else has this path open, as `name (pid 123)`, as far as one may see."""
    target, own = os.path.realpath(path), os.getpid()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == own:
            continue
        with contextlib.suppress(OSError):
            links = {os.path.realpath(fd) for fd in (process / "fd").iterdir()}
            if target in links:
                name = (process / "comm").read_text().strip()
                found.append(f"{name} (pid {process.name})")
    return sorted(found)
