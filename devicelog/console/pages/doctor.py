"""What is wrong with the recorder and its machine: the doctor's list."""

from typing import Final

from devicelog.console.visit import Answer, Shown, Visit
from devicelog.operations.doctor.finding import Severity
from devicelog.operations.doctor.table import examine
from devicelog.operations.doctor.world import within

_FIRST: Final[tuple[Severity, ...]] = ("wrong", "unknown", "warning", "ok")


def doctor(visit: Visit) -> Answer:
    """All findings, what is wrong first; looked at anew each time."""
    found = list(examine(within(visit.house.recording)))
    found.sort(key=lambda it: _FIRST.index(it.severity))
    return Shown("doctor.html", {"findings": found})
