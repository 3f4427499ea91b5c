"""The table of checks, in the order in which they are told.

The same list serves the start of a recorder (`tell`), the command `doctor`, the
console's page and a support bundle.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from devicelog.errors import DevicelogError
from devicelog.operations.doctor import (
    backups,
    certificates,
    configured,
    disk,
    machine,
    ports,
    private,
    servers,
)
from devicelog.operations.doctor.finding import Finding, finding
from devicelog.operations.doctor.world import World

_log = logging.getLogger(__name__)


class Check(msgspec.Struct, frozen=True):
    """One of them. `configured`: it needs a configuration; `asks`: a server."""

    name: str
    look: Callable[[World], Iterator[Finding]]
    configured: bool = True
    asks: bool = False


CHECKS: Final = (
    Check("configuration", configured.configuration, configured=False),
    Check("kind", configured.kind),
    Check("directory", private.directory),
    Check("secrets", private.secret_files),
    Check("master_key", private.master_key),
    Check("certificates", certificates.dates),
    Check("ports", ports.ports),
    Check("modem_manager", ports.modem_manager, configured=False),
    Check("disk_space", disk.space),
    Check("disk_sync", disk.syncing),
    Check("sqlite", machine.sqlite, configured=False),
    Check("clock", machine.clock, configured=False),
    Check("backup", backups.age),
    Check("sleep", machine.sleep, configured=False),
    Check("upgrades", machine.upgrades, configured=False),
    Check("users", configured.console_users),
    Check("broker", servers.broker, asks=True),
    Check("influx", servers.store, asks=True),
    Check("grafana", servers.grafana, asks=True),
)


def examine(world: World, *, asking: bool = True) -> Iterator[Finding]:
    """All findings, as they come. A check that fails is a finding too.

    `asking` False: servers are left out.
    """
    for check in CHECKS:
        if asking or not check.asks:
            yield from _made(check, world)


def tell(world: World) -> None:
    """Log what is wrong, at the start of a recorder; never raises.

    Servers are not asked: each relay tells of its own as soon as it tries.
    """
    for it in examine(world, asking=False):
        if it.severity == "wrong":
            _log.error("%s: %s. %s Do: %s", it.name, it.found, it.meaning, it.remedy)


def _made(check: Check, world: World) -> Iterator[Finding]:
    if check.configured and world.loaded is None:
        yield finding(check.name, "unknown", "unread")
        return
    try:
        yield from check.look(world)
    except (DevicelogError, OSError, ValueError) as error:
        yield finding(check.name, "unknown", "failed", why=error)
