"""What was acknowledged survives `kill -9`."""

import os
import random
import signal
import subprocess
import sys

from devicelog.clock import SystemClock
from devicelog.journal.reader import Reader
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer

CHILD = """
import sys
from devicelog.clock import SystemClock
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model.flow import Draft
directory, run = sys.argv[1:]
settings = JournalSettings(directory, commit_interval_ms=1)
with Writer(settings, simulated=True, site="sim-kill", clock=SystemClock()) as writer:
    for n in range(100_000):
        at = SystemClock().mono_ns()
        draft = Draft(at, "d", "c", "noise", "", f"{run}/{n}", b"{}")
        writer.append([draft], 10)
        print(draft.key, flush=True)
"""
ROUNDS = 20


def test_no_acknowledged_entry_is_lost_by_a_kill(tmp_path):
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    acknowledged = []
    for run in range(ROUNDS):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path), str(run)],
            stdout=subprocess.PIPE,
            text=True,
        )
        wanted = range(chance.randrange(1, 40))
        acknowledged += [child.stdout.readline().strip() for _ in wanted]
        os.kill(child.pid, signal.SIGKILL)
        rest = child.stdout.read()
        acknowledged += [line for line in rest.split("\n")[:-1] if line]
        child.stdout.close()
        child.wait()

    settings = JournalSettings(str(tmp_path))
    with Writer(settings, simulated=True, site="sim-kill", clock=SystemClock()):
        pass
    with Reader(str(tmp_path)) as reader:
        found, after = [], 0
        while page := reader.entries(after, limit=10_000):
            found += [entry.key for entry in page]
            after = page[-1].seq

    assert len(acknowledged) > ROUNDS
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found))
