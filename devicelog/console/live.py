"""What changes while somebody looks: server-sent events, one look for all viewers.

A viewer gets pieces of the first page, without any person: whose a session is stands on
the page itself, which is fetched again when that changes. Who cannot keep up is let go,
and the page comes back by itself.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from devicelog.console.cards import AROUND, Card, cards, mark
from devicelog.console.door import hosts
from devicelog.console.door.recognise import who
from devicelog.console.house import House
from devicelog.console.render import Renderer
from devicelog.console.rights import MAY
from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.operations.status import gather

LOOK_S: Final = 0.5
_RECOGNISE_LOOKS: Final = 20  # a login that is over ends its stream
MOST: Final = 64
_WAITING: Final = 200
_log = logging.getLogger(__name__)


class _Viewer:
    def __init__(self, *, treatments: bool) -> None:
        self.treatments = treatments
        self.pieces: asyncio.Queue[str | None] = asyncio.Queue(_WAITING)
        self.sent: dict[str, str] = {}

    def take(self, event: str, id_: str, html: str) -> None:
        """Put what is new to this viewer into its queue; too slow: the end."""
        if self.sent.get(id_) == html:
            return
        self.sent[id_] = html
        data = msgspec.json.encode({"id": id_, "html": html}).decode()
        try:
            self.pieces.put_nowait(f"event: {event}\ndata: {data}\n\n")
        except asyncio.QueueFull:
            self.over()

    def over(self) -> None:
        """End the stream."""
        with contextlib.suppress(asyncio.QueueEmpty):
            while True:
                self.pieces.get_nowait()
        self.pieces.put_nowait(None)


class Live:
    """Looks twice a second while there are viewers. `beats` counts its looks."""

    def __init__(self, house: House, renderer: Renderer) -> None:
        self._house, self._renderer = house, renderer
        self._viewers: set[_Viewer] = set()
        self.beats = 0

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Any) -> AsyncIterator[None]:
        """Look as long as the console is served."""
        task = asyncio.create_task(self._look_on())
        try:
            yield
        finally:
            task.cancel()
            for viewer in self._viewers:
                viewer.over()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def serve(self, request: Request) -> Response:
        """`GET /live`, for who came in, from a page of ours."""
        _, user = await run_in_threadpool(who, self._house, request)
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site")
        foreign = origin is not None or site is not None
        if foreign and not hosts.same_origin(
            origin, site, self._house.hosts, tls=self._house.tls
        ):
            return Response(status_code=403)
        if user is None:
            return Response(status_code=401)
        if len(self._viewers) >= MOST:
            return Response(status_code=503, headers={"retry-after": "10"})
        viewer = _Viewer(treatments="treatments" in MAY[user.role])
        stream = self._stream(request, viewer)
        return StreamingResponse(stream, media_type="text/event-stream")

    async def _stream(self, request: Request, viewer: _Viewer) -> AsyncIterator[str]:
        self._viewers.add(viewer)
        looks = 0
        try:
            yield "retry: 2000\n\n"
            while True:
                try:
                    piece = await asyncio.wait_for(viewer.pieces.get(), LOOK_S)
                except TimeoutError:
                    piece = ": \n\n"
                if piece is None:
                    return
                yield piece
                looks += 1
                if looks % _RECOGNISE_LOOKS == 0:
                    _, user = await run_in_threadpool(
                        who, self._house, request, active=False
                    )
                    if user is None:
                        yield "event: over\ndata: {}\n\n"
                        return
        finally:
            self._viewers.discard(viewer)

    async def _look_on(self) -> None:
        while True:
            self.beats += 1
            if self._viewers:
                try:
                    await self._look()
                except DevicelogError as error:
                    _log.warning("the console cannot look: %s", error)
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        pieces, banner, whose = await run_in_threadpool(self._made)
        for viewer in [*self._viewers]:
            viewer.take("piece", "banner", banner)
            for id_, html in pieces[viewer.treatments].items():
                viewer.take("piece", f"live-{id_}", html)
            for id_, pseudonym in whose.items():
                viewer.take("stale", f"card-{id_}", pseudonym)

    def _made(self) -> tuple[dict[bool, dict[str, str]], str, dict[str, str]]:
        """Pieces with and without values; the banner; a mark of whose each is."""
        status = gather(self._house.recording)
        found = cards(status, self._house.words, self._house.texts)
        pieces = {
            treatments: {it.id: self._piece(it, treatments=treatments) for it in found}
            for treatments in (False, True)
        }
        banner = self._renderer.part("_banner.html", {"status": status})
        return pieces, banner, self._whose(found)

    def _piece(self, card: Card, *, treatments: bool) -> str:
        facts = {"card": card, "treatments": treatments, "around": AROUND}
        return self._renderer.part("_live.html", facts)

    def _whose(self, found: list[Card]) -> dict[str, str]:
        """A page tells by its own marks which of its cards are of before."""
        with Reader(self._house.directory) as reader:
            return {it.id: mark(reader, it) for it in found}
