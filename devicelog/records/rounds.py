"""Receipts that are made by themselves: after each session, and each night.

Nothing waits for them: a store that is away costs a later receipt, and the night finds
what was left out. A night that the machine slept through is made up at its next start:
the journal knows the last one that was not.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from devicelog.clock import SECOND, Clock
from devicelog.errors import JournalError, SinkUnavailable
from devicelog.journal.reader import Reader
from devicelog.records.receipts import STORE, Receipts, ends, last, seq_at
from devicelog.sinks.influx_audit import Audit

_log = logging.getLogger(__name__)

_LOOK_S: Final = 2.0
_WEEK_NS: Final = 7 * 86_400 * SECOND
_NIGHT: Final = 3  # o'clock at the site
_WAITING: Final = 1_000  # sessions; the others stay in the journal until then
_TRIED: Final = 50  # of them a look


class Rounds:
    """One thread. `beats` counts its looks and each session that it has looked at.

    `prove` is told each night from which entry on the store is to be read back whole,
    and which night it is; the store's position remembers it.
    """

    def __init__(
        self,
        directory: str,
        receipts: Receipts,
        clock: Clock,
        *,
        timezone: str,
        audit: Audit | None = None,
        prove: Callable[[int, int], None] = lambda *_: None,
        look_s: float = _LOOK_S,
    ) -> None:
        self.beats = 0
        self._directory = directory
        self._receipts = receipts
        self._clock = clock
        self._zone = ZoneInfo(timezone)
        self._audit = audit
        self._prove = prove
        self._look_s = look_s
        self._stopping = threading.Event()
        self._open = False
        self._seen = 0  # ends of sessions up to here are done or waiting
        self._waiting: dict[str, None] = {}
        self._last_night = 0

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()

    def run(self) -> None:
        """Until `stop`."""
        with Reader(self._directory) as view:
            self._seen = seq_at(view, self._clock.wall_ns() - _WEEK_NS)
            self._last_night = view.position(STORE).proof.night
            while not self._stopping.wait(self._look_s):
                self.beats += 1
                try:
                    self.look(view)
                except (SinkUnavailable, JournalError) as error:
                    self._open = False
                    _log.info("receipts are made later: %s", error)
        if self._audit is not None:
            self._audit.close()

    def look(self, view: Reader) -> None:
        """Receipts that are due now. Raises SinkUnavailable, JournalError."""
        night = self._night()
        if night != self._last_night:
            self._whole_week(view, night)
            self._last_night = night
        for end in ends(view, self._seen):
            if len(self._waiting) >= _WAITING:
                break
            self._seen = end.seq
            if last(end.subject, view) is None:
                self._waiting[end.subject] = None
        for session_id in [*self._waiting][:_TRIED]:
            if self._stopping.is_set():
                return
            done = self._done(session_id, view)
            del self._waiting[session_id]
            if not done:
                self._waiting[session_id] = None  # behind the others

    # --- Private ------------------------------------------------------------------

    def _night(self) -> int:
        """Which night this is; it begins at three."""
        now = datetime.fromtimestamp(self._clock.wall_ns() // SECOND, self._zone)
        return now.toordinal() - (now.hour < _NIGHT)

    def _whole_week(self, view: Reader, night: int) -> None:
        since = seq_at(view, self._clock.wall_ns() - _WEEK_NS)
        for end in ends(view, since):
            if self._stopping.is_set():
                return
            self._done(end.subject, view)
        self._prove(since, night)  # what belongs to no session, too

    def _done(self, session_id: str, view: Reader) -> bool:
        self.beats += 1
        row = view.session(session_id)
        if row is None or row.open:
            return True
        if self._audit is not None and not self._open:
            self._audit.open()
            self._open = True
        return not self._receipts.verify(row, view, repair=True).pending
