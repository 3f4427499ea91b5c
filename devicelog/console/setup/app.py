"""The set-up page as an ASGI application, behind the same door as the console.

Nobody comes in but by the token that the terminal showed; it serves until the
configuration is saved.
"""

import logging
import secrets
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devicelog import __version__
from devicelog.clock import SystemClock
from devicelog.console.app import Door, form_of, see_it_is_ours, static
from devicelog.console.door.logins import COOKIE, Login, Logins
from devicelog.console.door.throttle import Throttle
from devicelog.console.setup import plan as steps
from devicelog.console.setup.plan import Plan
from devicelog.console.texts import Texts
from devicelog.console.visit import Refused
from devicelog.drivers.load import available
from devicelog.errors import ConfigError, DevicelogError
from devicelog.operations import first
from devicelog.operations.config import DEFAULT

WHO: Final = "setup"
_STEPS: Final[dict[str, Callable[[Plan, Mapping[str, str]], None]]] = {
    "answer": steps.answer,
    "listen": steps.listen,
    "explain": steps.explain,
    "ask": steps.ask,
    "add": steps.add,
    "remove": steps.remove,
    "save": steps.save,
}
_log = logging.getLogger(__name__)


class SetUp:
    """The page. `token` lets in; `hosts` are the names that it answers to."""

    def __init__(
        self,
        plan: Plan,
        token: str,
        hosts: frozenset[str],
        minutes: float,
        language: str = "en",
    ) -> None:
        self._plan, self._token, self._hosts = plan, token, hosts
        clock = SystemClock()
        self._logins = Logins(clock, minutes, minutes / 60)
        self._throttle = Throttle(clock)
        self._texts = Texts(language)
        self._environment = Environment(
            loader=PackageLoader("devicelog.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def app(self) -> Starlette:
        """All of it."""
        routes = [
            Route("/start/{token}", self._enter, methods=["GET"]),
            Route("/", self._look, methods=["GET"]),
            Route("/{step}", self._take, methods=["POST"]),
            Route("/static/{name}", static, methods=["GET"]),
        ]
        handlers: dict[Any, Any] = {
            HTTPException: self._failed,
            Refused: self._refused,
        }
        built = Starlette(routes=routes, exception_handlers=handlers)
        built.add_middleware(Door, ours=self._hosts, tls=False, failed=self._failed)
        return built

    # --- Private ------------------------------------------------------------------

    async def _enter(self, request: Request) -> Response:
        if self._plan.saved.is_set():
            raise Refused(410, "setup.over")
        address = request.client.host if request.client else ""
        if wait := self._throttle.wait_s(WHO, address):
            raise Refused(429, "login.wait", seconds=f"{wait:.0f}")
        said = request.path_params["token"].encode()
        if not secrets.compare_digest(said, self._token.encode()):
            raise Refused(403, "setup.token")
        self._throttle.forgive(WHO)
        token, _ = self._logins.open(WHO)
        response = RedirectResponse("/", 303)
        response.set_cookie(
            COOKIE, token, path="/", secure=True, httponly=True, samesite="strict"
        )
        return response

    async def _look(self, request: Request) -> Response:
        return self._page(self._login(request))

    async def _take(self, request: Request) -> Response:
        login, form = self._login(request), await form_of(request)
        see_it_is_ours(self._hosts, request, login, form, tls=False)
        name = request.path_params["step"]
        if name not in _STEPS:
            raise HTTPException(404)
        try:
            await run_in_threadpool(self._plan.step, _STEPS[name], form)
        except DevicelogError as error:
            return self._page(login, error, 409)
        if name == "save":
            return self._shown("setup_saved.html", start=_how(self._plan))
        return RedirectResponse(f"/#{'clinic' if name == 'answer' else 'devices'}", 303)

    def _login(self, request: Request) -> Login:
        """Who came in by the token. Raises Refused."""
        if self._plan.saved.is_set():
            raise Refused(410, "setup.over")
        login = self._logins.find(request.cookies.get(COOKIE))
        if login is None:
            raise Refused(403, "setup.token")
        return login

    def _page(
        self, login: Login, error: DevicelogError | None = None, status: int = 200
    ) -> Response:
        plan = self._plan
        problem: DevicelogError | None = None
        if plan.start.site:
            try:
                first.checked(plan.start)
            except ConfigError as wrong:
                problem = wrong
        return self._shown(
            "setup.html",
            status,
            csrf=login.csrf,
            plan=plan,
            error=error,
            problem=problem,
            text=first.text(plan.start),
            profiles=available(),
            seconds=steps.SECONDS,
            ask_s=steps.ASK_S,
        )

    def _shown(self, template: str, status: int = 200, **facts: Any) -> Response:
        facts |= {
            "t": self._texts,
            "language": self._texts.language,
            "version": __version__,
        }
        content = self._environment.get_template(template).render(facts)
        return Response(content, status, media_type="text/html")

    async def _refused(self, _: Request, refused: Exception) -> Response:
        if not isinstance(refused, Refused):
            raise refused
        why = self._texts(refused.text, **refused.told)
        return self._shown("setup_refused.html", refused.status, why=why)

    async def _failed(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        text = "error.not_there" if status in (404, 405) else "error.ours"
        if status == 500:  # noqa: PLR2004
            # Not the address itself: it may hold the token.
            _log.error("%s of the set-up page failed", request.method, exc_info=error)
        return await self._refused(request, Refused(status, text))


def _how(plan: Plan) -> dict[str, str]:
    """How to start with what was saved."""
    named = "" if plan.path == DEFAULT else shlex.quote(str(plan.path))
    return {
        "path": str(plan.path),
        "command": f"devicelog run --config {named}" if named else "devicelog run",
        "export": named,
        "user": plan.start.user,
    }
