"""No acknowledgement before its commit is on the disk: as the kernel saw it."""

import pytest
import requires
from durability.order import violations
from durability.plan import Plan
from durability.trace import traced

GROUPS = 100


@pytest.fixture
def root(tmp_path):
    requires.tool("strace")
    root = tmp_path / "traced"
    root.mkdir()
    return root


def acknowledged(ops):
    return [op for op in ops if "/" in op.acknowledgement]


def test_each_acknowledgement_follows_a_sync_of_its_commit(root):
    data = str(root / "data")
    plans = [
        Plan(data, run=0, groups=GROUPS, checkpoint_pages=50, ending="kill"),
        Plan(data, run=1, groups=GROUPS, largest=5),
    ]

    ops = traced(plans, root)

    assert len(acknowledged(ops)) == 2 * GROUPS
    assert violations(ops) == []


@pytest.mark.parametrize(
    "spoilt",
    [{"weakened": "NORMAL"}, {"weakened": "OFF"}, {"hasty": True}],
    ids=["normal", "off", "hasty"],
)
def test_the_same_look_finds_a_journal_that_does_not_sync(root, spoilt):
    plan = Plan(str(root / "data"), groups=GROUPS, ending="kill", **spoilt)

    ops = traced([plan], root)

    assert len(acknowledged(ops)) == GROUPS
    assert len(violations(ops)) > GROUPS // 2
