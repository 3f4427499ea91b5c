"""The configuration, the kind of its journal, who may come into the console."""

import stat
from collections.abc import Iterator
from pathlib import Path

from devicelog.errors import DevicelogError
from devicelog.journal.directory import JOURNAL
from devicelog.journal.reader import Reader
from devicelog.operations import master
from devicelog.operations.doctor.finding import Finding, finding
from devicelog.operations.doctor.world import World
from devicelog.records import users


def configuration(world: World) -> Iterator[Finding]:
    """Whether it can be used, all of it, and only its owner may change it."""
    name = "configuration"
    if world.loaded is None:
        yield finding(name, "wrong", "unusable", problems=world.problems)
        return
    for device, problems in world.loaded.parked.items():
        told = "; ".join(problems)
        yield finding(name, "wrong", "parked", device=device, problems=told)
    path = Path(world.source)
    if path.is_file() and path.stat().st_mode & stat.S_IWOTH:
        yield finding(name, "wrong", "writable", file=path)
    elif not world.loaded.parked:
        devices = len(world.config.devices)
        yield finding(name, "ok", "ok", file=path, devices=devices)


def kind(world: World) -> Iterator[Finding]:
    """Simulated and real never mix; and the journal is this site's."""
    name, site = "kind", world.config.site
    said = "simulated" if site.simulated else "real"
    if not (world.directory / JOURNAL).exists():
        yield finding(name, "ok", "not_yet", kind=said)
        return
    with Reader(str(world.directory)) as reader:
        meta = reader.meta()
    there = "simulated" if meta.simulated else "real"
    if there != said:
        yield finding(name, "wrong", "other_kind", kind=said, there=there)
    elif meta.site != site.name:
        yield finding(name, "wrong", "other_site", site=site.name, there=meta.site)
    else:
        yield finding(name, "ok", said)


def console_users(world: World) -> Iterator[Finding]:
    """Whether anybody can come in."""
    name = "users"
    if not world.config.console.enabled:
        yield finding(name, "ok", "off")
        return
    if not (world.directory / JOURNAL).exists():
        yield finding(name, "warning", "nobody")
        return
    try:
        ring = master.keyring(world.config)
    except DevicelogError:
        yield finding(name, "unknown", "closed")
        return
    with Reader(str(world.directory)) as reader:
        them = [users.user(reader, ring, it) for it, _ in reader.users()]
    able = sum(it is not None and not it.disabled for it in them)
    if able:
        yield finding(name, "ok", "ok", users=able)
    else:
        yield finding(name, "warning", "nobody")
