"""A page that says how far a beginning is, until the console takes its place.

It asks for no login and shows nobody. It stands at every address, so that a link which
was opened too early leads where it should once the page has loaded itself again.
"""

import socket
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devicelog.console.app import static
from devicelog.console.door import headers
from devicelog.console.server import Server
from devicelog.console.texts import Texts

_AGAIN_S: Final = 1  # the page loads itself


class Beginning:
    """Serves at `url` from now on; `over` says how far it is.

    `end` lets it go and gives the address, still bound, to who serves there next: what
    comes meanwhile waits in the socket's queue.
    """

    def __init__(self, host: str, port: int, site: str) -> None:
        """Raises ConfigError where the address cannot be had."""
        self._server = Server(host, port)
        listening = self._server.listen()
        listening.listen()
        self._kept = listening.dup()
        self._site, self._texts = site, Texts()
        self._over, self._of = 0, 0
        self._template = Environment(
            loader=PackageLoader("devicelog.console"),
            autoescape=True,
            undefined=StrictUndefined,
        ).get_template("beginning.html")
        routes = [
            Route("/static/{name}", static, methods=["GET"]),
            Route("/{rest:path}", self._page, methods=["GET"]),
        ]
        self._server.serve(Starlette(routes=routes), listening)

    @property
    def url(self) -> str:
        """Where it is, and where the console will be."""
        return self._server.url

    @property
    def port(self) -> int:
        """Of `url`."""
        return self._server.port

    def over(self, days: int, of: int) -> None:
        """So many days of them all are made."""
        self._over, self._of = days, of

    def end(self) -> socket.socket:
        """No longer serve; the socket is the caller's."""
        self._server.close()
        return self._kept

    async def _page(self, _: Request) -> Response:
        content = self._template.render(
            t=self._texts,
            language=self._texts.language,
            site=self._site,
            over=self._over,
            of=self._of,
        )
        more = {"refresh": str(_AGAIN_S)}
        told = headers.ALWAYS | headers.PRIVATE | more
        return Response(content, media_type="text/html", headers=told)
