"""What must add up on every line, whatever happened to it (design: counts conserve)."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from devicelog.model import codec
from devicelog.model.flow import Entry
from devicelog.model.kinds import Counts

_OF_A_LINE = ("reading", "device", "noise", "gap")


def conserve(counts: Counts) -> None:
    """Bytes, frames and readings add up."""
    parts = counts.frame_bytes + counts.noise_bytes + counts.pending_bytes
    assert counts.bytes == parts, counts
    frames = counts.readings + counts.silent_frames - counts.shared_readings
    assert counts.frames == frames, counts
    assert counts.readings == counts.kept + counts.thinned + counts.held, counts


def journalled(entries: Iterable[Entry]) -> list[Counts]:
    """What each device's line brought in each run that ended in order.

    The counts add up, and the journal holds what they say: nothing is unaccounted for.
    """
    lines: dict[tuple[str, str], dict[str, list[Any]]] = {}
    for entry in entries:
        run = entry.key.partition("/")[0]
        if entry.kind in _OF_A_LINE:
            kinds = lines.setdefault((run, entry.device), defaultdict(list))
            kinds[entry.kind].append(codec.decode(entry.kind, entry.body))
    told = []
    for kinds in lines.values():
        counts = [it.counts for it in kinds["device"] if it.event == "counts"][-1]
        conserve(counts)
        assert len(kinds["reading"]) == counts.kept
        assert sum(it.count for it in kinds["noise"]) == counts.noise_bytes
        assert len(kinds["gap"]) == counts.gaps
        assert (counts.pending_bytes, counts.held) == (0, 0)
        told.append(counts)
    return told
