"""What is made once for all processes of a run, by whichever needs it first."""

import fcntl
import os
import tempfile
from pathlib import Path


def made_once(factory, name, make):
    """The directory of this name that `make(directory)` filled; nobody writes in it."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # of the run, not of this worker alone
    directory = root / name
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            begun = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))
            make(begun)
            begun.rename(directory)  # whole, or not there
    return directory
