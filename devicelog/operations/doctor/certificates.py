"""Until when the certificates are good that the configuration names."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from devicelog.clock import SECOND
from devicelog.operations.doctor.finding import Finding, finding
from devicelog.operations.doctor.world import World

_SOON_DAYS: Final = 30


def dates(world: World) -> Iterator[Finding]:
    """Of the console's certificate, and of the authorities of the servers."""
    name = "certificates"
    files = _named(world)
    if not files:
        yield finding(name, "ok", "none")
        return
    # Only where one is named: it takes a tenth of a second and some memory.
    from cryptography import x509  # noqa: PLC0415

    now = datetime.fromtimestamp(world.clock.wall_ns() / SECOND, UTC)
    for file in files:
        try:
            them = x509.load_pem_x509_certificates(file.read_bytes())
        except (OSError, ValueError) as error:
            yield finding(name, "wrong", "unreadable", file=file, why=error)
            continue
        until = min(it.not_valid_after_utc for it in them)
        days = (until - now).days
        told = {"file": file, "days": days, "until": f"{until:%Y-%m-%d}"}
        if until <= now:
            yield finding(name, "wrong", "over", **told)
        elif days < _SOON_DAYS:
            yield finding(name, "warning", "soon", **told)
        else:
            yield finding(name, "ok", "ok", **told)


def _named(world: World) -> list[Path]:
    config = world.config
    sinks = (config.mqtt, config.influx, config.grafana)
    authorities = [it.ca_file for it in sinks if not isinstance(it, msgspec.UnsetType)]
    return [Path(it) for it in (config.console.certificate_file, *authorities) if it]
