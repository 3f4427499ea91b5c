"""What happened in one treatment, a row each; what came over and over in one row."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from devicelog.export.axes import clock
from devicelog.export.course import began, since
from devicelog.export.history import Treatment
from devicelog.export.words import Words
from devicelog.model.flow import SessionEvent

MANY: Final = 12  # rows; more than that are no longer read, and fill sheets of paper
_SECOND_NS: Final = 1_000_000_000
# What lasts, by what begins it; and what ends it.
_ENDS: Final = {"pause": "resume", "contact_lost": "contact_back", "line_lost": "gap"}
_BEGINS: Final = {ends: begins for begins, ends in _ENDS.items()}

Row = tuple[str, str]
_Key = tuple[str, str, int]


def happened(
    of: Treatment, events: Sequence[SessionEvent], words: Words
) -> Iterator[Row]:
    """Each event but start and end, by the time since the start (`4:12`).

    Of more than MANY, those of one kind are told together, where the first stands.
    """
    told = [it for it in events if it.event not in ("start", "end")]
    zero_ns = began(of, events)
    for alike in _alike(told) if len(told) > MANY else [[it] for it in told]:
        began_last = [it for it in alike if it.event not in _BEGINS] or alike
        last = _clock(began_last[-1], zero_ns)
        yield _clock(alike[0], zero_ns), _said(alike, last, words)


# --- Private ----------------------------------------------------------------------


def _alike(told: Sequence[SessionEvent]) -> list[list[SessionEvent]]:
    """Those of one kind together; what came but once, both its ends, each alone."""
    kinds: dict[_Key, list[SessionEvent]] = {}
    for n, it in enumerate(told):
        kinds.setdefault(_kind(it, n), []).append(it)
    runs = [
        run
        for alike in kinds.values()
        for run in ([alike] if _times(alike) > 1 else [[it] for it in alike])
    ]
    return sorted(runs, key=lambda run: run[0].at_ns)


def _kind(it: SessionEvent, n: int) -> _Key:
    """What it is told together with; `n` makes it one of a kind."""
    if it.event == "segment" or it.paused_in_gap:
        return it.event, "", n
    of = it.field or (str(it.new) if it.event == "fault" else "")
    return _BEGINS.get(it.event, it.event), of, -1


def _times(alike: Sequence[SessionEvent]) -> int:
    ends = sum(it.event in _BEGINS for it in alike)
    return max(ends, len(alike) - ends)


def _said(alike: Sequence[SessionEvent], last: str, words: Words) -> str:
    first = alike[0]
    if len(alike) == 1:
        return words.event(first)
    times = {"n": _times(alike), "last": last}
    kind = _BEGINS.get(first.event, first.event)
    if kind in _ENDS:
        ends = [it for it in alike if it.event in _BEGINS]
        lasted_ns = sum(it.at_ns - (it.began_ns or it.at_ns) for it in ends)
        whole = clock(lasted_ns / _SECOND_NS)
        said = words.texts(f"happened.{kind}")
        return words.texts("happened.lasting", said=said, whole=whole, **times)
    if first.event == "fault":
        return words.texts("happened.again", said=words.event(first), **times)
    said = words.event(msgspec.structs.replace(first, new=alike[-1].new))
    return words.texts("happened.changes", said=said, **times)


def _clock(it: SessionEvent, zero_ns: int) -> str:
    return clock(max((since(it) - zero_ns) / _SECOND_NS, 0.0))
