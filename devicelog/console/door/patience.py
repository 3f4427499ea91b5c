"""Connections that ask nothing are let go: a page's server has room for others.

A client that sends its request byte by byte, for hours, holds a place meanwhile.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_S: Final = 10.0  # from the connection, or the last answer, to a whole head
BODY_S: Final = 10.0  # for a form


class Impatient(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, but a head must come in time."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody came; they say what they want within seconds."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """They went."""
        if self._late is not None:
            self._late.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """They were answered; the next request comes within seconds too."""
        super().on_response_complete()
        self._wait()

    def _wait(self) -> None:
        if self._late is not None:
            self._late.cancel()
        self._late = self.loop.call_later(HEAD_S, self._give_up)

    def _give_up(self) -> None:
        asked: RequestResponseCycle | None = self.cycle  # None before the first
        if asked is None or asked.response_complete:
            self.transport.close()
