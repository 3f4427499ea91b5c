"""Disks that refuse: what raised was never acknowledged, what was acknowledged stands.

Two ways of failing. strace refuses chosen syncs and writes and keeps the order of all
calls, so the power can be cut afterwards: that tells whether the writer believes what a
failed sync left behind. libfiu refuses at random, also at the opening, for longer. Each
test fails if no fault fired.
"""

import json
import random
import subprocess

import pytest
import requires
from durability.check import entries, faults, quarantined
from durability.child import ENVIRONMENT, command, writer
from durability.order import violations
from durability.plan import Plan
from durability.powercut import DATA, Recording, replay
from durability.trace import traced

# SQLite's thread sees some 60 syncs; several in a row, so that closing and opening
# anew fail too. A refused write stands among whole commits.
SYNCS = ["20..20", "20..21", "25..28", "41..46"]
WRITES = ["300..300", "300..303", "450..455"]


def refused(root, call, when, pages=0):
    """A recording in which the kernel refuses these calls of each thread."""
    plan = Plan(
        str(root / DATA), groups=60, largest=2, checkpoint_pages=pages, ending="kill"
    )
    return plan, traced([plan], root, {0: f"{call}:error=EIO:when={when}"})


def proved(plan, ops, tmp_path, states):
    seed = random.randrange(2**32)
    print("seed", seed)
    promised = [name for op in ops if "/" in (name := op.acknowledgement)]
    refusals = sum(op.failed for op in ops)
    result = replay(Recording([plan], ops), tmp_path / "recording", seed, states)
    print(
        f"{refusals} refused, {len(promised)} acknowledged, {len(result.broken)} broken"
    )

    assert refusals > 0
    assert len(promised) == plan.groups
    assert violations(ops) == []
    assert result.broken == []


@pytest.fixture
def root(tmp_path):
    requires.tool("strace")
    root = tmp_path / "traced"
    root.mkdir()
    return root


@pytest.mark.parametrize("when", SYNCS)
def test_what_a_failed_sync_left_is_not_believed(root, tmp_path, when):
    plan, ops = refused(root, "fdatasync", when)

    proved(plan, ops, tmp_path, 150)


@pytest.mark.parametrize("when", WRITES)
def test_a_refused_write_costs_nothing_that_was_acknowledged(root, tmp_path, when):
    plan, ops = refused(root, "pwrite64", when)

    proved(plan, ops, tmp_path, 100)


def test_a_commit_that_was_killed_before_its_sync_is_made_durable_first(root, tmp_path):
    plans = [
        Plan(str(root / DATA), run=run, groups=40, largest=3, ending="kill")
        for run in (0, 1)
    ]
    ops = traced(plans, root, {0: "fdatasync:signal=KILL:when=25"})
    opened = [op.acknowledgement for op in ops if op.acknowledgement[:5] == "open "]
    acknowledged = [op.acknowledgement for op in ops if op.acknowledgement[:2] == "0/"]

    assert 0 < len(acknowledged) < 40
    assert len(opened) == 2
    assert violations(ops) == []
    assert replay(Recording(plans, ops), tmp_path / "recording", 1, 150).broken == []


@pytest.mark.parametrize(
    ("point", "probability", "error"),
    [
        ("posix/io/sync/fdatasync", 0.1, "SQLITE_IOERR_FSYNC"),
        # A commit is some 16 writes: about one in four fails.
        ("posix/io/rw/pwrite", 0.02, "SQLITE_IOERR_WRITE"),
    ],
    ids=["sync", "write"],
)
def test_a_disk_that_fails_at_random_loses_nothing(tmp_path, point, probability, error):
    requires.tool("fiu-run")
    plan = Plan(str(tmp_path / DATA), groups=300, largest=3, ending="kill")
    fault = f"enable_random name={point},probability={probability}"
    child = subprocess.run(
        ["fiu-run", "-x", "-c", fault, *command(plan)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = child.stdout.splitlines()
    acknowledged = [line for line in lines if line[:1].isdigit()]
    raised = {line[7:] for line in lines if line.startswith("raised ")}
    errors = json.loads(next(it for it in lines if it.startswith("errors "))[7:])
    print(f"{errors}, {len(acknowledged)} acknowledged, {len(raised)} raised")

    with writer(plan.directory):
        pass
    found = entries(plan.directory)

    assert errors.get(error, 0) >= 5
    assert len(acknowledged) + len(raised) == plan.groups
    assert not raised & set(acknowledged)
    assert faults(found, [plan], acknowledged) == []
    assert quarantined(plan.directory) == []


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_a_hundred_ways_of_failing_lose_nothing(tmp_path):
    requires.tool("strace")
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    refusals = 0
    for number in range(100):
        root = tmp_path / f"traced-{number}"
        root.mkdir()
        call, last = chance.choice([("fdatasync", 60), ("fsync", 6), ("pwrite64", 900)])
        first = chance.randrange(2, last)
        when = f"{first}..{first + chance.choice([0, 1, 2, 3, 5])}"
        pages = chance.choice([0, 30, 60])
        print(number, call, when, pages)
        plan, ops = refused(root, call, when, pages)
        refusals += sum(op.failed for op in ops)
        result = replay(Recording([plan], ops), root / "recording", number, 50)
        assert violations(ops) == []
        assert result.broken == []
    print(f"{refusals} calls refused, {100 * 50} power cuts")

    assert refusals > 100
