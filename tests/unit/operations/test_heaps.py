"""As glibc tells it: `malloc_stats` has a paragraph for each heap."""

import subprocess
import sys

import pytest

# Threads that hold what they took, all at once; on many heaps if nobody says other.
HOLDING = """
import ctypes, sys, threading
from devicelog.operations import heaps
if sys.argv[1] == "few":
    heaps.few()
library = ctypes.CDLL(None)
together = threading.Barrier(9)
def hold():
    library.malloc(1000)
    together.wait()
    together.wait()
threads = [threading.Thread(target=hold) for _ in range(8)]
for it in threads:
    it.start()
together.wait()
library.malloc_stats()
together.wait()
"""


@pytest.mark.parametrize(("asked", "most"), [("few", True), ("as it is", False)])
def test_threads_share_two_heaps(asked, most):
    ended = subprocess.run(
        [sys.executable, "-c", HOLDING, asked],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    told = ended.stderr.count("Arena ")
    assert told
    assert (told <= 2) is most
