"""Whether a process that runs on and on stays as large as it was.

Judged is what comes after the warm-up. Memory by the median of the slopes between all
pairs of samples (Theil and Sen): a single hill moves it by nothing. A bound of 1 MB/h
can be seen in hours alone: the allocators take and give back memory by the megabyte
(Python's arenas are of 1 MiB), so that a process which keeps nothing wanders by some of
them. The bound is therefore 1 MB/h and `WANDERS_MB` over the time that is judged:
12 MB/h for a quarter of an hour, which is what 18 bytes kept of each of 200 readings a
second come to, and 1.5 MB/h for six hours. Descriptors and threads come and go with
viewers; their median may be higher by two at the end than at the begin, no more.
"""

import statistics
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

PROMISED_MB_H = 1.0
WANDERS_MB = 2.8
MORE = 2  # descriptors, threads


class Sample(NamedTuple):
    """A process at one moment, `at_s` after its first sample."""

    at_s: float
    memory_mb: float
    descriptors: int
    threads: int


class Steadiness(NamedTuple):
    """`grown`: what grew; empty, if nothing did."""

    slope_mb_h: float
    bound_mb_h: float
    descriptors: int
    threads: int
    grown: tuple[str, ...]


def sample(pid, at_s):
    """How this process stands now, as the kernel says."""
    process = Path(f"/proc/{pid}")
    told = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines()
    )
    return Sample(
        at_s,
        int(told["VmRSS"].split()[0]) / 1024,
        sum(1 for _ in (process / "fd").iterdir()),
        int(told["Threads"]),
    )


def steadiness(samples, warm_s):
    """What these samples, at least a dozen after `warm_s`, say."""
    judged = [it for it in samples if it.at_s >= warm_s]
    assert len(judged) >= 12, "too few samples to say anything"
    hours = (judged[-1].at_s - judged[0].at_s) / 3600
    slope = statistics.median(
        3600 * (b.memory_mb - a.memory_mb) / (b.at_s - a.at_s)
        for a, b in combinations(judged, 2)
    )
    bound = PROMISED_MB_H + WANDERS_MB / hours
    more = {name: _more(judged, name) for name in ("descriptors", "threads")}
    grown = ["memory"] * (slope >= bound)
    grown += [name for name, count in more.items() if count > MORE]
    return Steadiness(slope, bound, **more, grown=tuple(grown))


def _more(judged, name):
    """How much higher the median is in the last third than in the first."""
    third = len(judged) // 3
    first, last = (
        statistics.median_low(getattr(it, name) for it in part)
        for part in (judged[:third], judged[-third:])
    )
    return last - first
