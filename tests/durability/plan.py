"""What a recording process appends, made so that whoever checks can make it again.

A plan and the number of a group give the same drafts in every process: the checker
never asks the journal, nor the process that was killed, what should be there.
"""

import random
from collections.abc import Iterator
from typing import Literal

import msgspec

from devicelog.model import codec
from devicelog.model.flow import Draft
from devicelog.model.kinds import NoiseBody

SITE = "sim-proof"


class Plan(msgspec.Struct, frozen=True):
    """One run of a recording process.

    `largest` bounds a group's entries. `unwaited` is the share of groups that are only
    submitted: the next appended one acknowledges them. `weakened` is a level of
    `PRAGMA synchronous` and `checkpoint_pages` one of `wal_autocheckpoint`, both set
    behind the writer's back. `hasty` acknowledges what was submitted alone.
    """

    directory: str
    run: int = 0
    seed: int = 0
    groups: int = 1_000_000
    largest: int = 1
    unwaited: float = 0.0
    weakened: str = ""
    checkpoint_pages: int = 0
    hasty: bool = False
    ballast_mb: int = 0
    ending: Literal["close", "kill"] = "close"


def group(plan: Plan, number: int) -> list[Draft]:
    """The drafts of one group."""
    chance = random.Random(f"{plan.seed}/{plan.run}/{number}")
    count = chance.randint(1, plan.largest)
    return [_draft(plan.run, number, i, chance) for i in range(count)]


def waited(plan: Plan) -> Iterator[bool]:
    """Whether a group is appended, which waits, or submitted, which does not."""
    chance = random.Random(f"{plan.seed}/{plan.run}/waited")
    while True:
        yield chance.random() >= plan.unwaited


def _draft(run: int, number: int, i: int, chance: random.Random) -> Draft:
    at_ns = 1 + run * 10**12 + number * 10**4 + i
    raw = chance.randbytes(chance.randint(8, 160))
    body = NoiseBody(mono_ns=at_ns, count=len(raw), why="no frame", raw=raw.hex())
    return Draft(
        at_ns=at_ns,
        device=f"device-{number % 3}",
        channel="us",
        kind="noise",
        subject="",
        key=f"{run}/{number}/{i}",
        body=codec.encode(body),
    )
