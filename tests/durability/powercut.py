"""Cut the power of a traced recording, at many points, and start again on what is left.

Each state is made from a seed and its own number: a point of the trace at which the
power fails, and one of the disks that the trace up to there may leave (`disk`). The
real writer opens it as after a boot and records one group more; then the real reader
must find all that had been acknowledged before the cut. Done on a journal that was
weakened to `synchronous=NORMAL`, the same must lose entries, and does.

By hand: PYTHONPATH=tests python -m durability.powercut RECORDING SEED STATE
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from durability.check import entries, faults, quarantined
from durability.child import ENVIRONMENT, writer
from durability.disk import Disk
from durability.plan import Plan, group
from durability.trace import Op

from devicelog.errors import DevicelogError

DATA = "data"
_WORKERS = 2
_TOLD = 3


class Recording(msgspec.Struct, frozen=True):
    """A trace and its plans; what was on the disk and promised before it."""

    plans: list[Plan]
    ops: list[Op]
    there: dict[str, bytes | None] = {}
    acknowledged: list[str] = []


class State(msgspec.Struct, frozen=True):
    """One broken promise: which state, cut before which op, and what is wrong."""

    number: int
    cut: int
    wrong: list[str]


class Result(msgspec.Struct, frozen=True):
    """Of all states; `promised`: how many acknowledgements they were held to."""

    states: int
    promised: int
    broken: list[State]


def replay(recording: Recording, file: Path, seed: int, states: int) -> Result:
    """Try so many states, in two processes. `file` keeps the recording."""
    file.write_bytes(msgspec.msgpack.encode(recording))
    command = [sys.executable, "-m", "durability.powercut", str(file), str(seed)]
    workers = [
        subprocess.Popen(
            [*command, str(first), str(states), str(_WORKERS)],
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
        )
        for first in range(_WORKERS)
    ]
    told = [worker.communicate()[0] for worker in workers]
    results = [msgspec.json.decode(text, type=Result) for text in told]
    broken = [state for result in results for state in result.broken]
    return Result(
        sum(result.states for result in results),
        sum(result.promised for result in results),
        sorted(broken, key=lambda state: state.number),
    )


def disks(
    recording: Recording, seed: int, numbers: range
) -> Iterator[tuple[int, int, dict[str, bytes | None], list[str]]]:
    """Number, cut, disk and what was acknowledged; in the order of the cuts."""
    chances = {number: random.Random(f"{seed}/{number}") for number in numbers}
    ops = recording.ops
    cuts = sorted((it.randint(0, len(ops)), number) for number, it in chances.items())
    disk, done = Disk(recording.there), 0
    acknowledged = list(recording.acknowledged)
    for cut, number in cuts:
        for op in ops[done:cut]:
            disk.apply(op)
            if op.acknowledgement:
                acknowledged.append(op.acknowledgement)
        done = cut
        yield number, cut, disk.after_cut(chances[number]), acknowledged


def lay(disk: dict[str, bytes | None], root: Path) -> None:
    """Write a disk's content below an empty directory."""
    for path, content in disk.items():
        if content is None:
            (root / path).mkdir(mode=0o700)
        else:
            (root / path).write_bytes(content)


def _tried(recording: Recording, seed: int, numbers: range) -> Result:
    promised, broken = 0, []
    for number, cut, disk, acknowledged in disks(recording, seed, numbers):
        promised += len(acknowledged)
        with tempfile.TemporaryDirectory(dir=_memory()) as root:
            lay(disk, Path(root))
            wrong = _wrong(Path(root) / DATA, recording.plans, acknowledged)
        if wrong:
            broken.append(State(number, cut, wrong[:_TOLD]))
    return Result(len(numbers), promised, broken)


def _wrong(data: Path, plans: list[Plan], acknowledged: list[str]) -> list[str]:
    """Start on this disk as after a boot: what is wrong, in words."""
    after = Plan(str(data), run=1 + max(plan.run for plan in plans))
    try:
        with writer(str(data)) as journal:
            journal.append(group(after, 0), 30)
        found = entries(str(data))
    except DevicelogError as error:
        return [f"does not open: {error}"]
    wrong = faults(found, [*plans, after], [*acknowledged, f"{after.run}/0"])
    if quarantined(str(data)):
        wrong.append("was taken for damaged")
    return wrong


def _memory() -> str | None:
    """Where states are laid: their own syncs prove nothing, so they may be free."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


def _main(file: str, seed: str, first: str, end: str = "", step: str = "1") -> None:
    recording = msgspec.msgpack.decode(Path(file).read_bytes(), type=Recording)
    numbers = range(int(first), int(end or int(first) + 1), int(step))
    result = _tried(recording, int(seed), numbers)
    print(json.dumps(msgspec.to_builtins(result)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
