"""The rules of a session as tables. Everything that decides lives here.

A reading meets its channel in one of four situations, each with its table: no session
is open (OPENS), a live session (CHANGES), a fault that may be overcome (WINDOW), a line
that was lost (RETURNS). Each table is total: every combination has exactly one answer,
and a table with two for one refuses to be built. What an end means stands in ENDINGS;
what may follow what, for the gate, in FOLLOWS.
"""

from collections.abc import Iterable
from itertools import product
from typing import Final, Literal, NamedTuple

import msgspec

from devicelog.model.states import (
    DECODED,
    EMITTING,
    LIVE,
    STATES,
    EndReason,
    Flag,
    State,
)

Meaning = Literal[
    "nothing",
    "starts",
    "starts_unseen",  # live when first seen
    "goes_on",
    "goes_on_paused",  # the timer stood still for a part of the gap
    "faulted",  # the resume window opens
    "waits",  # the resume window runs on
    "resumed",  # the fault was overcome: a new segment
    "completed",
    "stopped",
    "stopped_unsure",
    "reset",
    "restarted",
    "failed",
    "failed_at_fault",
    "failed_then_new",
    "lost",
    "lost_then_new",
    "completed_unseen",
    "stopped_unseen",
    "closed",
]

# Where the timer is when the state changes; `full`: back at its set time.
TimerAt = Literal["full", "inside", "end", "none"]
# Where it is after a fault: within FAULT_SLACK_S of where it stood, or not.
Stands = Literal["there", "elsewhere"]
# What it says of a gap; `over`: it must have run out meanwhile.
Clue = Literal["fits", "paused", "differs", "over", "untimed"]

TIMER_AT: Final[tuple[TimerAt, ...]] = ("full", "inside", "end", "none")
STANDS: Final[tuple[Stands, ...]] = ("there", "elsewhere")
CLUES: Final[tuple[Clue, ...]] = ("fits", "paused", "differs", "over", "untimed")

# --- Tolerances ------------------------------------------------------------------

SLACK_S: Final = 2.0  # readings and timers count in whole seconds
JUMP_SHARE: Final = 0.15  # of the time passed: the worst timer that is still a timer
GAP_SHARE: Final = 0.02  # the same, once this session's timer was measured
MEASURED_S: Final = 60.0  # from then on the timer's rate counts as measured
RATES: Final = (0.8, 1.25)  # a rate outside is a fault of ours, not of the timer
OVERDUE_S: Final = 120.0  # so long after its timer ran out a lost session is over
ACCIDENTAL_S: Final = 10.0


class Row(NamedTuple):
    """Cells of a table that have the same answer: all combinations of these words."""

    columns: tuple[Iterable[str], ...]
    meaning: Meaning


def table(*rows: Row) -> dict[tuple[str, ...], Meaning]:
    """Rows to a table. Two answers for one cell raise ValueError."""
    answers: dict[tuple[str, ...], Meaning] = {}
    for row in rows:
        for cell in product(*row.columns):
            if cell in answers:
                raise ValueError(f"two answers for {cell}")
            answers[cell] = row.meaning
    return answers


def _row(*columns: Iterable[str], means: Meaning) -> Row:
    return Row(columns, means)


# --- The four tables -------------------------------------------------------------

_EMITS: Final = tuple(s for s in DECODED if s in EMITTING)
_LIVE: Final = tuple(s for s in DECODED if s in LIVE)
_HELD: Final = tuple(s for s in _LIVE if s not in EMITTING)
_REST: Final = tuple(s for s in DECODED if s not in LIVE)
_TIMED: Final = ("full", "inside", "end")

# (state before, state now): no session is open. `offline`: nothing was seen before.
# Live before without a session: a person closed it while the device went on.
OPENS: Final = table(
    _row(STATES, _REST, means="nothing"),
    _row(("offline",), _LIVE, means="starts_unseen"),
    _row(_REST, _EMITS, means="starts"),
    _row(_REST, _HELD, means="starts_unseen"),
    _row(_EMITS, _EMITS, means="starts_unseen"),
    _row(_HELD, _EMITS, means="starts"),
    _row(_LIVE, _HELD, means="nothing"),
)

# (state before, state now, the timer): a live session, its line good.
CHANGES: Final = table(
    _row(_EMITS, _LIVE, TIMER_AT, means="goes_on"),
    _row(_HELD, _HELD, TIMER_AT, means="goes_on"),
    _row(_HELD, _EMITS, ("full",), means="restarted"),
    _row(_HELD, _EMITS, ("inside", "end", "none"), means="goes_on"),
    _row(_LIVE, ("finished",), TIMER_AT, means="completed"),
    _row(_LIVE, ("aborted",), TIMER_AT, means="stopped"),
    _row(_LIVE, ("idle", "ready"), ("end",), means="completed"),
    _row(_LIVE, ("idle", "ready"), ("full", "inside"), means="stopped"),
    _row(_LIVE, ("idle", "ready"), ("none",), means="stopped_unsure"),
    _row(_LIVE, ("selftest",), TIMER_AT, means="reset"),
    _row(_LIVE, ("fault",), _TIMED, means="faulted"),
    _row(_LIVE, ("fault",), ("none",), means="failed"),
)

# (state now, the timer): a fault is open.
WINDOW: Final = table(
    _row(("fault", "idle", "ready"), STANDS, means="waits"),
    _row(_LIVE, ("there",), means="resumed"),
    _row(_LIVE, ("elsewhere",), means="failed_then_new"),
    _row(("finished", "aborted", "selftest"), STANDS, means="failed_at_fault"),
)

# (state now, the timer): the line was lost and is back.
RETURNS: Final = table(
    _row(_LIVE, ("fits", "untimed"), means="goes_on"),
    _row(_LIVE, ("paused",), means="goes_on_paused"),
    _row(_LIVE, ("differs", "over"), means="lost_then_new"),
    _row(("idle", "ready", "selftest"), CLUES, means="lost"),
    _row(("finished",), ("over",), means="completed_unseen"),
    _row(("finished",), ("fits", "paused", "differs"), means="stopped_unseen"),
    _row(("aborted",), ("fits", "paused", "differs", "over"), means="stopped_unseen"),
    _row(("fault",), ("fits", "paused", "differs", "over"), means="faulted"),
    _row(("finished", "aborted", "fault"), ("untimed",), means="lost"),
)


class Ending(msgspec.Struct, frozen=True):
    """How a session ends, when, and whether its reading may open the next one.

    `at`: the reading that tells, the last before it, the fault, or an estimate of when
    the timer ran out. A `link_lost` is `logger_stopped` where the recorder was away.
    """

    reason: EndReason
    at: Literal["reading", "last", "fault", "estimate"]
    flag: Flag | None = None
    opens: bool = False


ENDINGS: Final[dict[Meaning, Ending]] = {
    "completed": Ending("completed", "reading"),
    "stopped": Ending("stopped_early", "reading"),
    "stopped_unsure": Ending("stopped_early", "reading", "end_unsure"),
    "reset": Ending("device_reset", "reading"),
    "restarted": Ending("stopped_early", "last", opens=True),
    "failed": Ending("fault", "reading"),
    "failed_at_fault": Ending("fault", "fault"),
    "failed_then_new": Ending("fault", "fault", opens=True),
    "lost": Ending("link_lost", "last"),
    "lost_then_new": Ending("link_lost", "last", opens=True),
    "completed_unseen": Ending("completed", "estimate", "end_estimated"),
    "stopped_unseen": Ending("stopped_early", "last", "end_estimated"),
    "closed": Ending("manual", "last"),
}

# --- For the gate ----------------------------------------------------------------

_ANY: Final = frozenset(DECODED)
_AFTER_REST: Final = _ANY - {"paused", "hold_contact", "finished", "aborted"}

# Which states may be seen after which, one reading interval later: states in between
# may have been too short to see. Only checks below 16 bits are asked.
FOLLOWS: Final[dict[State, frozenset[State]]] = {
    "offline": _ANY,
    "idle": _AFTER_REST | {"hold_contact"},
    "ready": _AFTER_REST | {"hold_contact"},
    "ramping": _ANY,
    "running": _ANY,
    "hold_contact": _ANY,
    "paused": _ANY,
    "finished": _AFTER_REST | {"finished"},
    "aborted": _AFTER_REST | {"aborted"},
    "fault": _ANY - {"finished"},
    "selftest": frozenset({"selftest", "idle", "ready", "fault"}),
}
