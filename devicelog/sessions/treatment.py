"""Combination therapy: an ultrasound head as moving electrode is one treatment."""

from collections.abc import Iterable
from typing import Final

from devicelog.model.flow import SessionEvent
from devicelog.sessions.rules import SECOND, Rules
from devicelog.sessions.session import Session

_TOGETHER_NS: Final = 5 * SECOND


def treatment_id(start: SessionEvent, rules: Rules, others: Iterable[Session]) -> str:
    """The treatment that a starting session belongs to; empty: it is its own.

    `others`: open sessions on the device's other channels. A treatment bears the id of
    its first session, whose own entries carry none. On a profile without `combination`
    two sessions are never one treatment.
    """
    if not rules.combination:
        return ""
    near = [
        other
        for other in others
        if other.channel != start.channel
        and abs(start.at_ns - other.started_ns) <= _TOGETHER_NS
    ]
    return min(near, key=lambda other: other.started_ns).id if near else ""
