"""Times as people say them on a command line: in the clinic's own time zone."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from devicelog.operations.config import load, path_of


class _Moment(click.DateTime):
    """A date, with a time of day or without; told and refused in people's notation."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"])

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Without the percent signs of the formats."""
        del param, ctx  # the same for all
        return "YYYY-MM-DD[ HH:MM]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Naive, for the zone is the clinic's. Raises click.BadParameter."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(
                f"{value!r} is no date; as in 2026-11-24 or '2026-11-24 09:30'",
                param,
                ctx,
            )


MOMENT = _Moment()


def ns_of(config: str | None, at: datetime | None) -> int | None:
    """UTC in ns; a bare date is its first moment."""
    if at is None:
        return None
    zone = ZoneInfo(load(path_of(config)).config.site.timezone)
    return round(at.replace(tzinfo=zone).timestamp()) * 1_000_000_000
