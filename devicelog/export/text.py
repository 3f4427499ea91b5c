"""Cells as text: times, and what a programme of tables must not take for a formula."""

import re
from datetime import UTC, datetime
from typing import Final

from devicelog.clock import SECOND

_SECONDS: Final = 4096  # remembered
# What a programme of tables takes for a formula, at the start of a cell or of what it
# may split a cell at; and what hides it from that.
_RISK: Final = "=+\\-@\t\r\n＝＋－＠"  # noqa: RUF001  (the wide ones count too)
_SPLIT: Final = r"(^|[;\t\r\n])"
_FORMULA: Final = re.compile(f"{_SPLIT}('*)(?=[{_RISK}])")
_GUARDED: Final = re.compile(f"{_SPLIT}'('*)(?=[{_RISK}])")


def guarded(text: str) -> str:
    """The text with a quote before what would be taken for a formula."""
    return _FORMULA.sub(r"\1'\2", text)


def unguarded(text: str) -> str:
    """The text as it was before `guarded`."""
    return _GUARDED.sub(r"\1\2", text)


class _Times(dict[int, str]):
    """UTC seconds as text; the same second comes more than once."""

    def __missing__(self, second: int) -> str:
        if len(self) >= _SECONDS:
            self.clear()
        text = datetime.fromtimestamp(second, UTC).isoformat()[:19]
        self[second] = text
        return text


_times: Final = _Times()


def moment(at_ns: int) -> str:
    """`2026-11-24T08:57:02.000000000Z`."""
    second, rest = divmod(at_ns, SECOND)
    return f"{_times[second]}.{rest:09}Z"
