"""Backups: written at all, young enough, and on another disk."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from devicelog.clock import SECOND
from devicelog.operations.doctor.finding import Finding, finding
from devicelog.operations.doctor.world import World
from devicelog.records.backup import backups, taken_at

_OLD: Final = timedelta(hours=50)  # two nights, and an hour of grace for each


def age(world: World) -> Iterator[Finding]:
    """Of the newest that counts: a backup has its name once it was opened, whole."""
    name, to = "backup", Path(world.config.backup.to)
    if not world.config.backup.to:
        yield finding(name, "warning", "off")
        return
    if not to.is_dir():
        yield finding(name, "wrong", "no_folder", folder=to)
        return
    kept = backups(to, world.config.site.name)
    if not kept:
        yield finding(name, "wrong", "none", folder=to)
        return
    now = datetime.fromtimestamp(world.clock.wall_ns() / SECOND, UTC)
    old = now - taken_at(kept[0])
    told = {"hours": int(old.total_seconds() // 3600), "folder": to}
    if old > _OLD:
        yield finding(name, "wrong", "old", **told)
    elif world.directory.exists() and _same_disk(to, world.directory):
        yield finding(name, "warning", "same_disk", **told)
    else:
        yield finding(name, "ok", "ok", **told)


def _same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev
