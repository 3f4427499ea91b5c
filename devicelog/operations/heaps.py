"""How many heaps the threads of a process share."""

import ctypes
from typing import Final

_M_ARENA_MAX: Final = -8  # malloc.h of glibc
_FEW: Final = 2


def few() -> None:
    """Let threads share two heaps instead of eight a core; before they are started.

    glibc gives each thread a heap of its own, and each keeps what its largest moment
    took: a console's twenty threads made a recorder of 86 MB one of 137 that still
    grew after twenty minutes. Python's lock lets one of them allocate at a time, so
    nobody waits for it. A C library without such heaps is left as it is. mallopt(3).
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_M_ARENA_MAX, _FEW)
