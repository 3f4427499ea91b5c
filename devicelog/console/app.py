"""The table of routes as an ASGI application; the one adapter to Starlette.

For every request, in this order: is the host ours; who is it; may they; is a form from
a page of ours; then the page, in a thread; then the audit record of whom it showed;
then the answer, with the headers that every answer has.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from importlib import resources
from typing import Any, BinaryIO, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from devicelog.console.door import forms, headers, hosts
from devicelog.console.door.logins import COOKIE, Login
from devicelog.console.door.patience import BODY_S
from devicelog.console.door.recognise import who
from devicelog.console.house import House
from devicelog.console.live import Live
from devicelog.console.render import Renderer
from devicelog.console.routes import TABLE, Route
from devicelog.console.visit import Answer, Refused, Saved, Sent, Shown, Visit
from devicelog.errors import DevicelogError, Unconfirmed

_STATIC: Final = {
    "console.css": "text/css",
    "icon.svg": "image/svg+xml",
    "live.js": "text/javascript",
}
_PIECE: Final = 65_536  # bytes of a file that are sent at once
_log = logging.getLogger(__name__)


def app(house: House) -> Starlette:
    """All of it."""
    renderer = Renderer(house)
    live = Live(house, renderer)
    routes = [
        StarletteRoute(it.path, _served(house, renderer, it), methods=[it.method])
        for it in TABLE
    ]
    routes += [
        StarletteRoute("/live", live.serve, methods=["GET"]),
        StarletteRoute("/static/{name}", static, methods=["GET"]),
    ]

    async def failed(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        text = "error.not_there" if status in (404, 405) else "error.ours"
        if status == 500:  # noqa: PLR2004
            _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return renderer.refused(Visit(house), Refused(status, text))

    built = Starlette(
        routes=routes,
        exception_handlers={HTTPException: failed},
        lifespan=live.lifespan,
    )
    built.add_middleware(Door, ours=house.hosts, tls=house.tls, failed=failed)
    return built


Failed = Callable[[Request, Exception], Awaitable[Response]]


class Door:
    """Hosts before anything else; headers on every answer; `failed` answers what broke.

    It does so here, and not in Starlette, which raises again what it has answered: the
    server would log it once more.
    """

    def __init__(
        self, app: ASGIApp, ours: Collection[str], failed: Failed, *, tls: bool
    ) -> None:
        self._app, self._ours, self._failed = app, ours, failed
        self._fixed = headers.ALWAYS | (headers.OVER_TLS if tls else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(self._headed(message))

        said = [
            value.decode("latin-1") for key, value in scope["headers"] if key == b"host"
        ]
        if not hosts.is_ours(said, self._ours):
            await Response("421", 421)(scope, receive, sending)
            return
        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if begun:
                raise
            answer = await self._failed(Request(scope), error)
            await answer(scope, receive, sending)

    def _headed(self, message: Any) -> Any:
        if message["type"] != "http.response.start":
            return message
        there = {name for name, _ in message["headers"]}
        more = [
            (name.encode(), value.encode())
            for name, value in (headers.PRIVATE | self._fixed).items()
            if name.encode() not in there
        ]
        return {**message, "headers": [*message["headers"], *more]}


def _served(
    house: House, renderer: Renderer, route: Route
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        visit = Visit(house)
        try:
            form = await form_of(request)
            visit = await run_in_threadpool(_visit, house, request, route, form)
            return await run_in_threadpool(_answered, renderer, route, visit)
        except Refused as refused:
            return renderer.refused(visit, refused)

    return endpoint


async def form_of(request: Request) -> Mapping[str, str]:
    """What it carries. Raises Refused."""
    try:
        kind = request.headers.get("content-type", "")
        return await asyncio.wait_for(forms.read(kind, request.stream()), BODY_S)
    except TimeoutError:
        raise Refused(408, "error.no_form") from None
    except forms.TooMuch:
        raise Refused(413, "error.too_much") from None
    except ValueError:
        raise Refused(400, "error.no_form") from None


def _visit(
    house: House, request: Request, route: Route, form: Mapping[str, str]
) -> Visit:
    """Who comes, and whether they may. Raises Refused."""
    login, user = who(house, request)
    try:
        query = forms.fields(request.url.query)
    except ValueError:
        raise Refused(400, "error.no_form") from None
    visit = Visit(
        house,
        user=user,
        login=login,
        path=request.path_params,
        query=query,
        form=form,
        address=request.client.host if request.client else "",
    )
    if route.method == "POST":
        see_it_is_ours(house.hosts, request, login, form, tls=house.tls)
    if route.right is not None:
        if user is None:
            raise Refused(401, "error.log_in")
        if not visit.may(route.right):
            raise Refused(403, "error.not_yours")
    return visit


def see_it_is_ours(
    names: Collection[str],
    request: Request,
    login: Login | None,
    form: Mapping[str, str],
    *,
    tls: bool,
) -> None:
    """A form of another site's page is refused, with a valid cookie too."""
    heads = request.headers
    ours = hosts.same_origin(
        heads.get("origin"), heads.get("sec-fetch-site"), names, tls=tls
    )
    if not ours:
        raise Refused(403, "error.foreign")
    if login and not secrets.compare_digest(form.get("csrf", ""), login.csrf):
        raise Refused(403, "error.foreign")


def _answered(renderer: Renderer, route: Route, visit: Visit) -> Response:
    """The page's answer. Whom it showed is recorded first; else it is not shown."""
    try:
        with visit.reading():
            answer = route.page(visit)
            response = _response(renderer, visit, answer)
        if visit.looked:
            visit.note("shown", f"console {route.name}", visit.looked)
    except Unconfirmed as question:
        return renderer.question(visit, question)
    except DevicelogError as error:
        return renderer.told(visit, error)
    return response


def _response(renderer: Renderer, visit: Visit, answer: Answer) -> Response:
    match answer:
        case Shown():
            return renderer.page(visit, answer)
        case Sent(to=to, token=token):
            response = RedirectResponse(to, 303)
            if token is not None:
                _keep(response, visit, token)
            return response
        case Saved(name=name, media=media, content=content):
            disposition = {"content-disposition": f'attachment; filename="{name}"'}
            if isinstance(content, bytes):
                return Response(content, media_type=media, headers=disposition)
            return _Kept(content, media_type=media, headers=disposition)


class _Kept(StreamingResponse):
    """An open file, closed however sending it ends."""

    def __init__(self, file: BinaryIO, **more: Any) -> None:
        super().__init__(iter(partial(file.read, _PIECE), b""), **more)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await super().__call__(scope, receive, send)


def _keep(response: Response, visit: Visit, token: str) -> None:
    """The cookie of a new login, or none any more; the one before is closed."""
    if visit.login is not None:
        visit.house.logins.close(visit.login)
    response.set_cookie(
        COOKIE,
        token,
        max_age=None if token else 0,
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )


async def static(request: Request) -> Response:
    """`GET /static/{name}`: style, script, icon."""
    name = request.path_params["name"]
    if name not in _STATIC:
        raise HTTPException(404)
    content = (resources.files("devicelog.console") / "static" / name).read_bytes()
    return Response(content, media_type=_STATIC[name], headers=headers.STATIC)
