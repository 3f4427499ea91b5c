"""Templates of what is read on paper or screen; everything put in is escaped."""

from functools import cache

import jinja2


@cache
def templates() -> jinja2.Environment:
    """A name that a template lacks is a mistake of ours, and told."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("devicelog.export"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
