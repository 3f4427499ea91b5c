"""Cells as text: times, and what a programme of tables must not take for a formula."""

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from devicelog.clock import SECOND

_KEPT: Final = 4096  # so many are remembered
_SHORT: Final = 64  # of texts, those that are no longer
# What a programme of tables takes for a formula, at the start of a cell or of what it
# may split a cell at; and what hides it from that.
_RISK: Final = "=+\\-@\t\r\n＝＋－＠"  # noqa: RUF001  (the wide ones count too)
_SPLIT: Final = r"(^|[;\t\r\n])"
_FORMULA: Final = re.compile(f"{_SPLIT}('*)(?=[{_RISK}])")
_GUARDED: Final = re.compile(f"{_SPLIT}'('*)(?=[{_RISK}])")


class _Guarded(dict[str, str]):
    """Texts as they are guarded; words of devices come again and again."""

    def __missing__(self, text: str) -> str:
        if len(self) >= _KEPT:
            self.clear()
        safe = _FORMULA.sub(r"\1'\2", text)
        if len(text) <= _SHORT:
            self[text] = safe
        return safe


_guarded: Final = _Guarded()


def guarded(text: str) -> str:
    """The text with a quote before what would be taken for a formula."""
    return _guarded[text]


def unguarded(text: str) -> str:
    """The text as it was before `guarded`."""
    return _GUARDED.sub(r"\1\2", text)


class _Times(dict[int, str]):
    """UTC seconds as text; the same second comes more than once."""

    def __missing__(self, second: int) -> str:
        if len(self) >= _KEPT:
            self.clear()
        text = datetime.fromtimestamp(second, UTC).isoformat()[:19]
        self[second] = text
        return text


_times: Final = _Times()


def offset_min(at_ns: int, zone: ZoneInfo) -> int:
    """What this zone's clock added to UTC then, in whole minutes."""
    offset = datetime.fromtimestamp(at_ns // SECOND, zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() / 60)


def moment(at_ns: int) -> str:
    """`2026-11-24T08:57:02.000000000Z`."""
    second, rest = divmod(at_ns, SECOND)
    return f"{_times[second]}.{rest:09}Z"
