"""Whose the treatments are that run now: bound while one looks, as a physio would."""

import random
from collections.abc import Callable
from typing import Final

from devicelog.clock import SECOND, Clock
from devicelog.journal.reader import Reader
from devicelog.simulation.desk import CLINICIAN

_AFTER_NS: Final = 3 * SECOND  # so long a treatment is for nobody yet
_NAMED: Final = 0.75  # so many are bound; the others wait in the inbox
_KNOWN: Final = 1000  # sessions that patients are taken of

Assign = Callable[[str, str, str], None]


class Physio:
    """`look` now and then. `assign` takes session, pseudonym and clinician.

    The same session is always bound to the same patient, or left. There must be
    patients: those of the days before.
    """

    def __init__(self, reader: Reader, clock: Clock, assign: Assign) -> None:
        rows = reader.sessions(limit=_KNOWN)
        self._patients = sorted({row.pseudonym for row in rows} - {""})
        self._reader, self._clock, self._assign = reader, clock, assign
        self._seen: set[str] = set()

    def look(self) -> None:
        """Bind what is due. Raises what `assign` raises."""
        rows = self._reader.open_sessions()
        treated = {row.pseudonym for row in rows}
        for row in rows:
            due = self._clock.wall_ns() - row.started_ns >= _AFTER_NS
            if row.session_id in self._seen or row.pseudonym or not due:
                continue
            self._seen.add(row.session_id)
            dice = random.Random(row.session_id)  # noqa: S311  made up, no secret
            free = [it for it in self._patients if it not in treated]
            if free and dice.random() < _NAMED:
                code = dice.choice(free)
                treated.add(code)
                self._assign(row.session_id, code, CLINICIAN)
