"""What a recorder does once a day: the chain's head to the log, a backup, old readings.

The backup is a process of its own, the same command that an operator says: it reads
pages for minutes, and none of that may delay a reading.
"""

import logging
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from devicelog.clock import SECOND, Clock
from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.journal.writer import Writer
from devicelog.operations.config import Config
from devicelog.operations.desk import end_reused
from devicelog.records import audit, backup

FAILED: Final = "backup/failed"
_AGAIN: Final = timedelta(hours=1)
_END_S: Final = 10.0
_log = logging.getLogger(__name__)


class Upkeep:
    """Asked by `look` each second; never waits, never raises.

    `source` is the configuration's file, for the backup's process; `keep` lets go of
    what is old enough, and is not asked while a backup is made.
    """

    def __init__(
        self,
        config: Config,
        source: str,
        writer: Writer,
        clock: Clock,
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._source = source
        self._writer = writer
        self._clock = clock
        self._keep = keep
        self._zone = ZoneInfo(config.site.timezone)
        self._told: datetime | None = None
        self._tried: datetime | None = None
        self._failed = False
        self._copying: subprocess.Popen[bytes] | None = None

    def look(self) -> None:
        """Whatever is due now."""
        wall_ns = self._clock.wall_ns()
        now = datetime.fromtimestamp(wall_ns / SECOND, self._zone)
        if self._told is None or self._told.date() != now.date():
            self._told = now
            self._see_records(wall_ns)
        if self._copying is not None:
            self._see(self._copying)
        elif self._is_due(now):
            self._tried = now
            self._start()
        else:
            self._keep()

    def stop(self) -> None:
        """End a backup that runs: it counts only when it is whole."""
        if self._copying is not None:
            self._copying.terminate()
            try:
                self._copying.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._copying.kill()
                self._copying.wait()

    # --- Private ------------------------------------------------------------------

    def _see_records(self, wall_ns: int) -> None:
        try:
            with Reader(self._config.journal.directory) as reader:
                head = audit.head(reader)
                end_reused(reader, self._writer, wall_ns)
        except DevicelogError as error:
            _log.warning("the audit chain's head cannot be read: %s", error)
            return
        if head is not None:
            _log.info("audit chain: the newest record is %s", head)

    def _is_due(self, now: datetime) -> bool:
        settings = self._config.backup
        if not settings.to or (self._tried and now - self._tried < _AGAIN):
            return False
        hour, minute = map(int, settings.at.split(":"))
        due = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if due > now:
            due -= timedelta(days=1)
        try:
            newest = backup.backups(Path(settings.to), self._config.site.name)
        except OSError:
            newest = []
        return not newest or backup.taken_at(newest[0]) < due

    def _start(self) -> None:
        said = [sys.executable, "-m", "devicelog", "db", "backup"]
        try:
            self._copying = subprocess.Popen(  # noqa: S603  (ourselves)
                [*said, "--config", self._source],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            self._alarm(f"it cannot be started: {error}")

    def _see(self, copying: subprocess.Popen[bytes]) -> None:
        code = copying.poll()
        if code is None:
            return
        told = copying.stderr.read() if copying.stderr else b""
        if copying.stderr:
            copying.stderr.close()
        self._copying = None
        if code:
            self._alarm(
                told.decode(errors="replace").strip() or f"it ended with {code}"
            )
        elif self._failed:
            self._failed = False
            self._writer.clear(FAILED, "the backup is written again")

    def _alarm(self, why: str) -> None:
        self._failed = True
        remedy = "see that the disk of `[backup] to` is there and has room"
        self._writer.alarm(FAILED, f"no backup was written: {why}", remedy)
