"""A few numbers as a line beside a word: where it goes, not how much it is."""

from collections.abc import Sequence
from typing import Final

_WIDE: Final = 120
_HIGH: Final = 28
_EDGE: Final = 3


def trend(values: Sequence[float]) -> str:
    """SVG with presentation attributes alone; empty if there is nothing to see.

    That is so of fewer than two numbers, and of all zero.
    Zero is a thin line, if it lies between.
    """
    if len(values) < 2 or not any(values):  # noqa: PLR2004  (a line has two ends)
        return ""
    low, high = min(*values, 0.0), max(*values, 0.0)
    span = (high - low) or 1.0

    def y(value: float) -> float:
        return round(_HIGH - _EDGE - (value - low) / span * (_HIGH - 2 * _EDGE), 1)

    step = (_WIDE - 2 * _EDGE) / (len(values) - 1)
    points = " ".join(
        f"{_EDGE + n * step:.1f},{y(value)}" for n, value in enumerate(values)
    )
    return (
        f'<svg class="trend" viewBox="0 0 {_WIDE} {_HIGH}" width="{_WIDE}"'
        f' height="{_HIGH}" aria-hidden="true">'
        f'<line x1="0" x2="{_WIDE}" y1="{y(0.0)}" y2="{y(0.0)}" stroke="currentColor"'
        ' stroke-opacity="0.3"/>'
        f'<polyline points="{points}" fill="none" stroke="currentColor"'
        ' stroke-width="1.5"/></svg>'
    )
