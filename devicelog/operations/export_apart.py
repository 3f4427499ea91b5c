"""An export by a process of its own, for a recorder's console.

What packs tables and draws pages takes 100 MB and more and never gives all of it back;
and it would hold the interpreter while a port waits to be read. So a process that ends
does it, and gives way to the recorder.
"""

import os
import pickle
import subprocess
import sys
from typing import Any, Final

from devicelog.errors import DevicelogError
from devicelog.operations import exports
from devicelog.operations.config import Loaded

_PATIENCE_S: Final = 900.0  # 500 treatments as PDF take a third of it
_NICER: Final = 10


def made(loaded: Loaded, asked: exports.Asked, patients: list[str]) -> exports.Done:
    """See `exports.made`. Raises DevicelogError where the process fails, too."""
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "devicelog.operations.export_apart"],
            input=pickle.dumps((loaded, asked, patients)),
            stdout=subprocess.PIPE,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _failed(f"took more than {_PATIENCE_S:.0f} s") from None
    if ended.returncode:
        raise _failed(f"ended by {ended.returncode}")
    # From a process that this one began, over a pipe that nobody else holds.
    told: Any = pickle.loads(ended.stdout)  # noqa: S301
    if isinstance(told, DevicelogError):
        raise told
    done: exports.Done = told
    return done


# --- Private ----------------------------------------------------------------------


def _failed(how: str) -> DevicelogError:
    return DevicelogError(
        f"the process that was to write the export {how}",
        hint="the log says why; `devicelog export` does the same by hand",
    )


def _main() -> None:
    os.nice(_NICER)
    loaded, asked, patients = pickle.loads(sys.stdin.buffer.read())  # noqa: S301
    told: exports.Done | DevicelogError
    try:
        told = exports.made(loaded, asked, patients)
    except DevicelogError as error:
        told = error
    sys.stdout.buffer.write(pickle.dumps(told))


if __name__ == "__main__":
    _main()
