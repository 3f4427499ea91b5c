"""What a journal holds, against what was promised. The reader is the real one."""

import re
from collections.abc import Iterable
from pathlib import Path

from durability.plan import Plan, group

from devicelog.journal.reader import Reader
from devicelog.model.flow import Entry

_OURS = re.compile(r"(\d+)/(\d+)/\d+")
_PAGE = 5_000


def entries(directory: str, after: int = 0) -> list[Entry]:
    """All of the journal's entries behind this `seq`, in order."""
    found: list[Entry] = []
    with Reader(directory) as reader:
        while page := reader.entries(after, limit=_PAGE):
            found += page
            after = page[-1].seq
    return found


def quarantined(directory: str) -> list[str]:
    """What the recorder took for damaged and set aside."""
    return [str(path) for path in Path(directory).glob("quarantine/*")]


def faults(
    found: list[Entry],
    plans: Iterable[Plan],
    acknowledged: Iterable[str],
    *,
    in_order: bool = True,
) -> list[str]:
    """What is wrong with the entries, in words; empty: every promise was kept.

    Acknowledged groups (`run/group`) are all there, and all up to `open SEQ`; each
    group is whole, its entries side by side and byte for byte as they were appended;
    keys are unique and `seq` has no holes. `in_order`: of each run there is a prefix
    of its groups, in order.
    """
    keys = [entry.key for entry in found]
    wrong = [f"key {key} twice" for key in _repeated(keys)]
    if found and [it.seq for it in found] != list(
        range(found[0].seq, found[0].seq + len(found))
    ):
        wrong.append("seq has holes")
    groups = _groups(found)
    for plan in plans:
        numbers = [number for run, number in groups if run == plan.run]
        wrong += [
            f"group {plan.run}/{number} is not as it was appended"
            for number in numbers
            if groups[plan.run, number] != [_row(it) for it in group(plan, number)]
        ]
        if in_order and numbers != list(range(len(numbers))):
            wrong.append(f"groups of run {plan.run} stand as {numbers[:20]}")
    there = {f"{run}/{number}" for run, number in groups}
    there |= {f"open {seq}" for seq in range(found[-1].seq + 1 if found else 1)}
    lost = [name for name in acknowledged if name not in there]
    return wrong + [f"acknowledged, and lost: {name}" for name in lost]


def _groups(found: Iterable[Entry]) -> dict[tuple[int, int], list[tuple[object, ...]]]:
    """The plans' own entries; a group that is torn apart shows as a wrong one."""
    groups: dict[tuple[int, int], list[tuple[object, ...]]] = {}
    for entry in found:
        if name := _OURS.fullmatch(entry.key):
            groups.setdefault((int(name[1]), int(name[2])), []).append(_row(entry))
    return groups


def _row(it: object) -> tuple[object, ...]:
    names = ("at_ns", "device", "channel", "kind", "subject", "key", "body")
    return tuple(getattr(it, name) for name in names)


def _repeated(keys: list[str]) -> list[str]:
    seen: set[str] = set()
    return [key for key in keys if key in seen or seen.add(key)]
