"""Times as people say them on a command line: in the clinic's own time zone."""

from datetime import datetime
from zoneinfo import ZoneInfo

import click

from devicelog.operations.config import load, path_of

MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"])


def ns_of(config: str | None, at: datetime | None) -> int | None:
    """UTC in ns; a bare date is its first moment."""
    if at is None:
        return None
    zone = ZoneInfo(load(path_of(config)).config.site.timezone)
    return round(at.replace(tzinfo=zone).timestamp()) * 1_000_000_000
