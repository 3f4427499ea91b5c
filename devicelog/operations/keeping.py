"""Letting go by age: each night, some at a time, of what is elsewhere too.

Nothing hurries: what cannot leave tonight is looked at again tomorrow, and told.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Lock
from typing import Final
from zoneinfo import ZoneInfo

from devicelog.clock import SECOND
from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.operations.config import Config
from devicelog.operations.leaving import (
    Append,
    OldReadings,
    OldSessions,
    elsewhere,
)
from devicelog.records.request import Moment

_NIGHT: Final = 3  # o'clock at the site
_log = logging.getLogger(__name__)


class Keeping:
    """Asked by `look` now and then. `told`: what waits for what, else empty.

    `sinks`: names of the configured ones; `now`: the time, and whether to trust it;
    `chain_key`: without it no session leaves.
    """

    def __init__(
        self,
        config: Config,
        sinks: Sequence[str],
        append: Append,
        now: Callable[[], Moment],
        chain_key: bytes | None = None,
    ) -> None:
        self._config = config
        self._sinks = sinks
        self._now = now
        self._zone = ZoneInfo(config.site.timezone)
        self._tonight = 0
        self._classes = tuple(_classes(config, append, chain_key))
        self._waiting: list[OldReadings | OldSessions] = []
        self._failed = ""

    @property
    def told(self) -> str:
        """See the class."""
        told = (self._failed, *(it.told for it in self._classes))
        return "; ".join(it for it in told if it)

    def look(self, writing: Lock) -> None:
        """Let some go, if it is time. Never raises.

        `writing` is held by whoever writes on request: no hold comes in between.
        """
        moment = self._now()
        if not self._classes or not moment.clock_ok:
            return
        night = self._night(moment.at_ns)
        if night == self._tonight and not self._waiting:
            return
        try:
            with writing, Reader(self._config.journal.directory) as view:
                if night != self._tonight:
                    self._begin(view, moment, night)
                self._step(view, moment)
        except (DevicelogError, OSError, sqlite3.Error) as error:
            self._tonight, self._waiting = night, []
            self._failed = f"what is old enough to leave stays: {error}"
            _log.warning("%s", self._failed)

    # --- Private ------------------------------------------------------------------

    def _night(self, at_ns: int) -> int:
        """Which night this is; it begins at three."""
        now = datetime.fromtimestamp(at_ns // SECOND, self._zone)
        return now.toordinal() - (now.hour < _NIGHT)

    def _begin(self, view: Reader, moment: Moment, night: int) -> None:
        self._tonight, self._failed = night, ""
        self._waiting = [*self._classes]
        for it in self._waiting:
            it.begin(view, moment)

    def _step(self, view: Reader, moment: Moment) -> None:
        """One batch of the first class that is not done tonight."""
        config = self._config
        there = elsewhere(view, self._sinks, config.backup.to, config.site.name)
        if self._waiting[0].step(view, moment, there):
            del self._waiting[0]


def _classes(
    config: Config, append: Append, chain_key: bytes | None
) -> list[OldReadings | OldSessions]:
    """What leaves at all: a session only if its readings do, and after them."""
    keep, directory = config.keep, config.journal.directory
    found: list[OldReadings | OldSessions] = []
    if keep.readings_days:
        found.append(OldReadings(directory, keep.readings_days, append))
    if keep.readings_days and keep.sessions_years:
        days = max(keep.readings_days, keep.sessions_days)
        found.append(OldSessions(directory, days, append, chain_key))
    return found
