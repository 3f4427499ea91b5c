"""Writing lines to the store: halved, or searched for the one that it refuses."""

import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from devicelog.clock import SECOND, Clock
from devicelog.errors import SinkUnavailable
from devicelog.sinks.base import Answer, Rejected, Said
from devicelog.sinks.influx_server import Refused, Server, TooLarge, TooSlow

_log = logging.getLogger(__name__)

_LINES: Final = 5_000  # a request at most
_LEAST: Final = 50  # and no fewer for a slow server
_POISON: Final = 8  # refused rows a call; more come with the next
_PATIENCE_NS: Final = 5 * SECOND  # the same, for a slow server
_AGAIN_S: Final = 60.0


class Line(msgspec.Struct, frozen=True, gc=False):
    """`owner`: the index of its entry in the batch; -1: none."""

    text: str
    owner: int


class Writing:
    """To one server. All calls raise SinkUnavailable."""

    def __init__(self, server: Server, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._size = _LINES
        self._marker = ""

    def begin(self, marker: str) -> None:
        """Write this line, which nothing can be wrong with."""
        self._marker = marker
        self._sound()

    def write(self, lines: list[Line], answers: list[Answer]) -> bool:
        """Write all, noting in `answers` what was refused; whether anything was."""
        accepted = refused = 0
        until_ns = self._clock.mono_ns() + _PATIENCE_NS
        while lines:
            batch = lines[: self._size]
            try:
                self._put(batch)
            except TooLarge as error:
                if len(batch) == 1:
                    _refuse(batch[0], str(error), answers)
                    lines = lines[1:]
                self._size = max(1, len(batch) // 2)
            except Refused as error:
                n, reason, went = self._guilty(batch, str(error))
                accepted, refused = accepted + went, refused + 1
                _refuse(batch[n], reason, answers)
                lines = lines[n + 1 :]
                if not accepted and (refused > 1 or not lines):
                    self._sound()
                    accepted = 1
                if refused == _POISON or self._clock.mono_ns() > until_ns:
                    _keep(lines, answers)
                    break
            else:
                lines = lines[len(batch) :]
                accepted += 1
                self._size = min(2 * self._size, _LINES)
        return refused > 0

    def _put(self, batch: Sequence[Line]) -> None:
        try:
            self._server.write([it.text for it in batch])
        except TooSlow:
            self._size = max(min(_LEAST, len(batch)), len(batch) // 2)
            raise

    def _guilty(self, batch: Sequence[Line], reason: str) -> tuple[int, str, int]:
        """The first line that the store refuses, why, and how often it took others.

        All before it are written then; of those behind it nothing is said.
        """
        low, high, went = 0, len(batch), 0
        while high - low > 1:
            middle = (low + high) // 2
            try:
                self._put(batch[low:middle])
            except (Refused, TooLarge) as error:
                high, reason = middle, str(error)
            else:
                low, went = middle, went + 1
        return low, reason, went

    def _sound(self) -> None:
        """Nothing was taken yet: tell refused rows from a store that takes none."""
        try:
            self._server.write([self._marker])
        except (Refused, TooLarge) as error:
            raise SinkUnavailable(
                f"{self._server.url} takes no row at all: {error}",
                hint="see org and bucket, and the store's own log",
                retry_after_s=_AGAIN_S,
            ) from error


# --- Private ----------------------------------------------------------------------


def _refuse(it: Line, reason: str, answers: list[Answer]) -> None:
    if it.owner < 0:
        _log.warning("the store refuses a health row: %s", reason)
    else:
        answers[it.owner] = Rejected(reason)


def _keep(lines: Sequence[Line], answers: list[Answer]) -> None:
    """These come again: nothing from the first of them on counts."""
    owners = [it.owner for it in lines if it.owner >= 0]
    first = min((n for n in owners if answers[n] is Said.TAKEN), default=len(answers))
    for n in range(first, len(answers)):
        answers[n] = Said.KEEP
