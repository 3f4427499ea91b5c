"""Which other processes have a port open, so that `busy` has a name."""

import contextlib
import os
import re
from pathlib import Path
from typing import Final

_PTY: Final = re.compile(r"/dev/pts/(\d+)")
_MASTERS: Final = frozenset({"/dev/ptmx", "/dev/pts/ptmx"})


def holders(path: str) -> list[str]:
    """Who else has this path open, as `name (pid 123)`, as far as one may see.

    Who holds the other end of a pseudo-terminal is the device. It keeps this end open
    too, once, or the line would hang up with each of its clients: that is no holder.
    """
    target, own = os.path.realpath(path), os.getpid()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == own:
            continue
        with contextlib.suppress(OSError):
            links = {it: os.path.realpath(it) for it in (process / "fd").iterdir()}
            times = [*links.values()].count(target)
            if times > _serves(process, links, target):
                name = (process / "comm").read_text().strip()
                found.append(f"{name} (pid {process.name})")
    return sorted(found)


# --- Private ----------------------------------------------------------------------


def _serves(process: Path, links: dict[Path, str], target: str) -> bool:
    """Whether one of its descriptors is the other end of this pseudo-terminal."""
    number = _PTY.fullmatch(target)
    if number is None:
        return False
    other_end = f"tty-index:\t{number[1]}"
    masters = [fd.name for fd, leads_to in links.items() if leads_to in _MASTERS]
    return any(
        other_end in (process / "fdinfo" / fd).read_text().splitlines()
        for fd in masters
    )
