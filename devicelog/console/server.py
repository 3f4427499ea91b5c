"""Serves the console from a thread of the recorder; its end is not the recorder's."""

import asyncio
import logging
import socket
import threading
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from devicelog.console.door.patience import Impatient
from devicelog.errors import ConfigError

_AT_ONCE: Final = 256  # connections; 64 of them may be viewers
_END_S: Final = 5.0
_log = logging.getLogger(__name__)


class Server:
    """One address. `listen` binds it, `serve` answers there, `close` lets it go.

    Port 0 takes a free one, which `port` tells after `listen`.
    """

    def __init__(
        self, host: str, port: int, certificate: str = "", key: str = ""
    ) -> None:
        self.host, self.port = host, port
        self._certificate, self._key = certificate, key
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        scheme = "https" if self._certificate else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._thread is not None and self._thread.is_alive()

    def listen(self, bound: socket.socket | None = None) -> socket.socket:
        """Bind the address, if it is not `bound` already. Raises ConfigError."""
        if bound is not None:
            self.port = bound.getsockname()[1]
            return bound
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((self.host, self.port))
            # Who comes before it is served waits, and is not refused.
            listening.listen()
        except OSError as error:
            listening.close()
            raise ConfigError(
                f"the console cannot listen at {self.host}:{self.port}: {error}",
                hint="choose another `[console] port`, or end who has it",
            ) from error
        self.port = listening.getsockname()[1]
        return listening

    def serve(self, app: ASGIApp, listening: socket.socket) -> None:
        """Answer there, from a thread."""
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            limit_concurrency=_AT_ONCE,
            timeout_keep_alive=10,
            timeout_graceful_shutdown=2,
            h11_max_incomplete_event_size=16_384,
            http=Impatient,
            ws="none",
            loop="asyncio",
            ssl_certfile=self._certificate or None,
            ssl_keyfile=self._key or None,
        )
        self._server = _Ending(config)
        self._thread = threading.Thread(
            target=self._run, args=(listening,), name="console", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End within seconds, viewers or not."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=_END_S)

    def _run(self, listening: socket.socket) -> None:
        try:
            if self._server is not None:
                self._server.run(sockets=[listening])
        except Exception:  # noqa: BLE001  (recording goes on)
            _log.exception("the console ended; recording goes on")
        finally:
            listening.close()


class _Ending(uvicorn.Server):
    """Lets go of everybody in the end.

    Who was taken when the others had been told already would wait for ever, for nobody
    closes what a loop that is over has left.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does."""
        await super().shutdown(sockets)
        for it in [*self.server_state.connections]:
            if it.transport is not None:
                it.transport.abort()
        await asyncio.sleep(0)  # in which they are closed
