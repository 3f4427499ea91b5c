"""What was acknowledged survives `kill -9`, at any moment and again and again.

Each round forks a recorder that appends groups without end, is killed by SIGKILL at a
random moment (often before it has opened) and leaves its log to the next. Every round
is looked at by the real reader; now and then a recorder closes in order in between.
"""

import os
import random
import signal
import subprocess
import sys
import threading

import msgspec
import pytest
from durability.check import entries, faults, quarantined
from durability.child import ENVIRONMENT, writer
from durability.plan import Plan

from devicelog.errors import JournalError


class Recorders:
    """Recorders to be killed, forked by a process that has imported everything."""

    def __init__(self, server) -> None:
        self._server = server

    def killed(self, plan, wanted, wait_s):
        """What one acknowledged before it was killed: so many, then so much later."""
        self._server.stdin.write(f"{msgspec.json.encode(plan).decode()}\n")
        self._server.stdin.flush()
        told = []
        while not any(line.startswith("pid ") for line in told):
            told.append(self._line())
        pid = next(int(line[4:]) for line in told if line.startswith("pid "))
        while sum(line[:1].isdigit() for line in told) < wanted:
            told.append(self._line())
        threading.Event().wait(wait_s)
        os.kill(pid, signal.SIGKILL)
        while told[-1] != "gone":
            told.append(self._line())
        return [line for line in told if line[:1].isdigit()]

    def _line(self):
        line = self._server.stdout.readline()
        assert line, "the recorders' server ended"
        return line.strip()


def planned(directory, seed, run, chance, hasty):
    return Plan(
        directory,
        run=run,
        seed=seed,
        largest=chance.choice([1, 3, 20, 200]),
        unwaited=chance.choice([0.0, 0.3, 0.8]),
        checkpoint_pages=chance.choice([0, 20, 200]),
        hasty=hasty,
    )


def look(directory, last, *, must):
    """The new entries. Before anything was promised there may be no journal yet."""
    try:
        return entries(directory, last)
    except JournalError:
        assert not must
        return []


def rounds(recorders, directory, seed, count, *, hasty=False):
    """Kill so many; what was promised, and what every look found wrong."""
    chance = random.Random(seed)
    promised, wrong, plans, last, idle = [], [], [], 0, 0
    for run in range(count):
        plan = planned(directory, seed, run, chance, hasty)
        wanted = chance.choice([0, 0, 1, 5, 20])
        told = recorders.killed(plan, wanted, chance.uniform(0, 0.02))
        promised += told
        new = look(directory, last, must=bool(promised))
        wrong += [f"round {run}: {it}" for it in faults(new, [plan], told)]
        last = new[-1].seq if new else last
        idle += not told
        plans.append(plan)
        if run % 7 == 0:
            with writer(directory):
                pass
    with writer(directory):
        pass
    found = entries(directory)
    print(
        f"{count} kills ({idle} before anything), {len(promised)} groups acknowledged"
    )
    print(f"{len(found)} entries, {len(wrong)} looks found something wrong")
    return promised, wrong + faults(found, plans, promised) + quarantined(directory)


@pytest.fixture
def recorders():
    with subprocess.Popen(
        [sys.executable, "-m", "durability.child", "serve"],
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        yield Recorders(server)
        server.communicate(timeout=10)


@pytest.fixture
def seed():
    seed = random.randrange(2**32)
    print("seed", seed)
    return seed


def test_no_kill_loses_an_acknowledged_group_or_tears_one(recorders, tmp_path, seed):
    promised, wrong = rounds(recorders, str(tmp_path / "data"), seed, 100)

    assert len(promised) > 100
    assert wrong == []


def test_the_same_kills_find_a_recorder_that_acknowledges_too_soon(
    recorders, tmp_path, seed
):
    _, wrong = rounds(recorders, str(tmp_path / "data"), seed, 10, hasty=True)

    assert any("lost" in it for it in wrong)


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_a_thousand_kills_lose_nothing(recorders, tmp_path, seed):
    for part in range(10):
        promised, wrong = rounds(recorders, str(tmp_path / f"{part}"), seed + part, 100)

        assert len(promised) > 100
        assert wrong == []
