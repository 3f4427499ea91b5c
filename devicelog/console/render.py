"""Templates and what all of them know: texts, the visitor, times of the clinic."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import RedirectResponse, Response

from devicelog import __version__
from devicelog.console.house import House
from devicelog.console.troubles import of_line, span, troubles
from devicelog.console.visit import Refused, Shown, Visit
from devicelog.errors import DevicelogError, Unconfirmed
from devicelog.model.words import minutes

_NS: Final = 1_000_000_000
# Values of the doctor's texts that are sentences themselves: of files, of the system.
_PASSED_ON: Final = frozenset({"why", "problems"})


class Renderer:
    """Makes answers of templates; everything put in is escaped."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._environment = Environment(
            loader=PackageLoader("devicelog.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            t=house.texts,
            site=house.recording.site,
            simulated=house.recording.simulated,
            version=__version__,
            language=house.texts.language,
            new_id=lambda: uuid.uuid4().hex,
            finding=self._finding,
        )
        self._environment.filters.update(
            clock=self._clock,
            day=self._day,
            exact=self._exact,
            lines=partial(of_line, texts=house.texts),
            minutes=minutes,
            moment=self._moment,
            span=partial(span, texts=house.texts),
            troubles=partial(troubles, texts=house.texts),
            signed=_signed,
        )

    def part(self, template: str, facts: Mapping[str, Any]) -> str:
        """A piece of a page."""
        return self._environment.get_template(template).render(facts)

    def page(self, visit: Visit, shown: Shown) -> Response:
        """A whole page; messages that waited for one are told on it."""
        said = []
        while visit.login and visit.login.said:
            name, told = visit.login.said.popleft()
            if "whom" in told:
                told = {**told, "name": visit.called(told["whom"])}
            said.append(self._house.texts(name, **told))
        facts = {"visit": visit, "said": said, **shown.facts}
        content = self.part(shown.template, facts)
        return Response(content, shown.status, media_type="text/html")

    def refused(self, visit: Visit, refused: Refused) -> Response:
        """Why it is not shown. Who did not come in is sent to the door."""
        if refused.status == 401:  # noqa: PLR2004
            return RedirectResponse("/login", 303)
        why = self._house.texts(refused.text, **refused.told)
        return self._error(visit, refused.status, why)

    def told(self, visit: Visit, error: DevicelogError) -> Response:
        """What the recorder says why it did not do it."""
        why = self._house.texts("error.told")
        return self._error(visit, 409, why, (error.message, error.hint))

    def question(self, visit: Visit, question: Unconfirmed) -> Response:
        """What a person must be sure of: the same form once more, to be confirmed."""
        kept = {name: it for name, it in visit.form.items() if name != "csrf"}
        facts = {"questions": question.message.split("; "), "kept": kept}
        return self.page(visit, Shown("question.html", facts, status=409))

    def _error(
        self, visit: Visit, status: int, why: str, quoted: tuple[str, ...] = ()
    ) -> Response:
        facts = {"why": why, "quoted": [it for it in quoted if it], "status": status}
        return self.page(visit, Shown("error.html", facts, status))

    def _finding(
        self, name: str, told: Mapping[str, str], quoted: Callable[[str], Markup]
    ) -> Markup:
        """A text of the doctor's; what it only passes on is `quoted` within it."""
        said = {
            key: quoted(value) if key in _PASSED_ON else value
            for key, value in told.items()
        }
        return Markup(escape(self._house.texts(name))).format(**said)  # noqa: S704

    def _local(self, at_ns: int) -> datetime:
        return datetime.fromtimestamp(at_ns / _NS, self._house.zone)

    def _clock(self, at_ns: int | None) -> str:
        return self._local(at_ns).strftime("%H:%M") if at_ns else ""

    def _exact(self, at_ns: int) -> str:
        return self._local(at_ns).isoformat(sep=" ", timespec="milliseconds")

    def _day(self, at_ns: int | None) -> Markup:
        if not at_ns:
            return Markup()
        iso = self._local(at_ns).isoformat(timespec="seconds")
        return Markup('<time datetime="{}">{}</time>').format(iso, self._moment(at_ns))

    def _moment(self, at_ns: int) -> str:
        """As `day`, within a sentence."""
        return self._local(at_ns).strftime("%Y-%m-%d %H:%M")


def _signed(value: float) -> str:
    """`+1.2`; what rounds to nothing is `0`."""
    told = f"{value:+.1f}"
    return "0" if float(told) == 0 else told
