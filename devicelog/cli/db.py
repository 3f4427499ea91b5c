"""`db`: check the journal, rebuild its projections. With no recorder running."""

import click


@click.group()
def db() -> None:
    """Check the journal, rebuild its projections."""
