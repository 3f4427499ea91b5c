"""Commits a second: one entry each, waited for; and a thousand entries in one."""

import time
from collections.abc import Iterator
from pathlib import Path

from bench.table import Row

from devicelog.clock import SystemClock
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model.flow import Draft

RUNS = 3
BODY = b'{"v":1,"text":"' + b"x" * 385 + b'"}'


def drafts(first: int, count: int) -> list[Draft]:
    return [
        Draft(n + 1, "us-1", "us", "noise", "", f"run/us-1/us/{n}", BODY)
        for n in range(first, first + count)
    ]


def rows(folder: Path, scale: float) -> Iterator[Row]:
    single, many, at = [], [], 0
    settings = JournalSettings(str(folder / "data"))
    with Writer(settings, simulated=True, site="sim-b", clock=SystemClock()) as writer:
        for _ in range(RUNS):
            count = int(400 * scale)
            began = time.perf_counter()
            for _ in range(count):
                writer.append(drafts(at, 1), 10)
                at += 1
            single.append(count / (time.perf_counter() - began))
            count = int(20_000 * scale)
            began = time.perf_counter()
            for _ in range(count // 1000):
                writer.append(drafts(at, 1000), 10)
                at += 1000
            many.append(count // 1000 * 1000 / (time.perf_counter() - began))
    yield Row("commits of one entry, each waited for", single, "/s")
    yield Row("entries in commits of a thousand", many, "/s")
