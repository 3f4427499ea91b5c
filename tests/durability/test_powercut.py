"""Pull the plug at any moment: what was acknowledged is there after the next start."""

import random

import pytest
import requires
from durability.plan import Plan
from durability.powercut import DATA, Recording, disks, lay, replay
from durability.trace import traced


@pytest.fixture(scope="module", autouse=True)
def strace():
    requires.tool("strace")


@pytest.fixture
def seed():
    seed = random.randrange(2**32)
    print("seed", seed)
    return seed


def plans(root, seed, weakened=""):
    """Killed, begun again and closed in order, begun again and killed."""
    common = {"directory": str(root / DATA), "seed": seed, "weakened": weakened}
    return [
        Plan(run=0, groups=60, checkpoint_pages=40, ending="kill", **common),
        Plan(run=1, groups=40, largest=8, unwaited=0.3, **common),
        Plan(run=2, groups=40, checkpoint_pages=90, ending="kill", **common),
    ]


def record(root, seed, weakened=""):
    root.mkdir()
    planned = plans(root, seed, weakened)
    return Recording(planned, traced(planned, root))


def proved(recording, tmp_path, seed, states):
    result = replay(recording, tmp_path / "recording", seed, states)
    print(
        f"{result.states} power cuts, {result.promised} acknowledgements held to,"
        f" {len(result.broken)} states broken"
    )
    return result


def test_no_power_cut_loses_what_was_acknowledged(tmp_path, seed):
    recording = record(tmp_path / "traced", seed)

    result = proved(recording, tmp_path, seed, 600)

    assert result.states == 600
    assert result.promised > 600 * 20
    assert result.broken == []


def test_the_same_cuts_lose_entries_of_a_journal_that_does_not_sync(tmp_path, seed):
    recording = record(tmp_path / "traced", seed, "NORMAL")

    result = proved(recording, tmp_path, seed, 200)

    lost = [it for it in result.broken if "lost" in it.wrong[0]]
    assert len(lost) > 50


def cut_again(tmp_path, seed, first, states):
    """A second power cut, after or while starting on what the first one left."""
    recording = record(tmp_path / "first", seed)
    broken = []
    for number, _, disk, acknowledged in disks(recording, seed, range(first)):
        root = tmp_path / f"second-{number}"
        root.mkdir()
        lay(disk, root)
        plan = Plan(str(root / DATA), run=3, groups=15, largest=3, ending="kill")
        again = Recording(
            [*recording.plans, plan], traced([plan], root), disk, list(acknowledged)
        )
        broken += proved(again, root, seed, states).broken
    return broken


def test_a_second_power_cut_while_starting_again_loses_nothing(tmp_path, seed):
    assert cut_again(tmp_path, seed, 4, 50) == []


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_ten_thousand_power_cuts_lose_nothing(tmp_path, seed):
    broken = []
    for part in range(10):
        folder = tmp_path / f"traced-{part}"
        recording = record(folder, seed + part)
        broken += proved(recording, folder, seed + part, 1000).broken

    assert broken == []


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_many_second_power_cuts_lose_nothing(tmp_path, seed):
    assert cut_again(tmp_path, seed, 40, 50) == []
