"""A row of figures: what, the median of its runs and their spread, the aim if any."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    what: str
    values: Sequence[float]
    unit: str
    aim: str = ""


def show(title: str, rows: Sequence[Row]) -> None:
    print(f"\n{title}")
    for row in rows:
        median = statistics.median(row.values)
        spread = f"{figure(min(row.values))} - {figure(max(row.values))}"
        aim = f"   aim: {row.aim}" if row.aim else ""
        runs = f"{len(row.values)} runs {spread:>17}" if len(row.values) > 1 else ""
        print(f"  {row.what:54} {figure(median):>9} {row.unit:9} {runs:26}{aim}")


def figure(value: float) -> str:
    """Three figures are all that a bench can promise."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
