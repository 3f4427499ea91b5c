"""How the recorder itself stands: sinks, disk, clock, backups."""

import shutil
from pathlib import Path

from devicelog.clock import SECOND
from devicelog.console.troubles import of_alarm
from devicelog.console.visit import Answer, Shown, Visit
from devicelog.operations.status import gather
from devicelog.records import audit
from devicelog.records.backup import backups, taken_at


def system(visit: Visit) -> Answer:
    """All of it on one page."""
    recording = visit.house.recording
    config = recording.loaded.config
    usage = shutil.disk_usage(recording.directory)
    kept = backups(Path(config.backup.to), recording.site) if config.backup.to else []
    facts = {
        "status": gather(recording),
        "free_gb": usage.free / 1e9,
        "journal_mb": _size(Path(recording.directory)) / 1e6,
        "backups": [
            (it.name, round(taken_at(it).timestamp() * SECOND)) for it in kept[:14]
        ],
        "backing_up": bool(config.backup.to),
        "head": audit.head(visit.reader),
        "alarms": [
            (it, of_alarm(it, visit.labels, visit.house.texts))
            for it in visit.reader.alarms()
        ],
        "runs": visit.reader.runs()[-10:],
    }
    return Shown("system.html", facts)


def _size(directory: Path) -> int:
    return sum(it.stat().st_size for it in directory.glob("journal.db*"))
