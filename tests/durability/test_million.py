"""A clinic's year in the journal, the recorder killed in the middle of a commit.

A tenth of it here; all of it, a million entries, under `make torture`.
"""

import random
import shutil
import subprocess
import sys
import threading
import time

import pytest
from durability.child import ENVIRONMENT, writer
from durability.million import ENTRIES, GROUP, draft, same

from devicelog.journal.reader import Reader

OPEN_S = 5.0
PAGE = 20_000


@pytest.fixture
def directory(tmp_path):
    yield str(tmp_path / "data")
    shutil.rmtree(tmp_path)


def recorded(directory, entries, chance):
    """Groups acknowledged when the recorder died in the middle of the next commit."""
    with subprocess.Popen(
        [sys.executable, "-m", "durability.million", directory],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        took, begun, last = [], 0.0, ""
        while last != f"begin {entries // GROUP}":
            last = child.stdout.readline().strip()
            assert last, "the recorder ended by itself"
            if "begin" in last:
                begun = time.monotonic()
            else:
                took.append(time.monotonic() - begun)
        threading.Event().wait(min(took) * chance.uniform(0.05, 0.7))
        child.kill()
        told = child.stdout.read().splitlines()
    assert told == [], "killed too late: that commit was acknowledged"
    return entries // GROUP


def first_difference(directory):
    """The number of entries, and the first that is not as it was appended."""
    number = after = 0
    with Reader(directory) as reader:
        while page := reader.entries(after, limit=PAGE):
            for entry in page:
                if entry.seq != number + 1 or not same(entry, draft(number)):
                    return number, entry
                number += 1
            after = page[-1].seq
    return number, None


@pytest.mark.parametrize(
    "entries", [ENTRIES // 10, pytest.param(ENTRIES, marks=pytest.mark.torture)]
)
def test_it_opens_soon_after_a_kill_and_none_is_lost(directory, entries):
    seed = random.randrange(2**32)
    print("seed", seed)
    groups = recorded(directory, entries, random.Random(seed))

    journal = writer(directory)
    begun = time.monotonic()
    journal.open()
    took = time.monotonic() - begun
    committed = journal.committed
    journal.close()
    count, different = first_difference(directory)
    print(f"opened in {took:.2f} s with {count} entries")

    assert took < OPEN_S
    assert committed == count
    assert different is None
    # The group that was killed is there whole or not at all.
    assert count in (groups * GROUP, (groups + 1) * GROUP)
