"""One request as a page sees it, and what a page may answer.

A page is a plain function of a visit, run in a thread. It asks the journal through the
visit's reader, writes through `do`, and names persons through `who`, which notes whom
it showed: the look is an audit record before the answer leaves.
"""

import contextlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Final

import msgspec

from devicelog.clock import SECOND
from devicelog.console.door.logins import Login
from devicelog.console.house import House
from devicelog.console.rights import MAY, Right
from devicelog.journal.reader import Reader
from devicelog.operations.desk import Written
from devicelog.operations.socket import Request
from devicelog.records import patients
from devicelog.records.patients import Person
from devicelog.records.users import User

# Whoever asks through the console, as entries tell it.
BY: Final = "console/"


class Shown(msgspec.Struct, frozen=True):
    """A page: a template and what stands in it."""

    template: str
    facts: Mapping[str, Any] = {}
    status: int = 200


class Sent(msgspec.Struct, frozen=True):
    """Go there next (303): after a form was taken. `token`: a login's, to be kept."""

    to: str
    token: str | None = None


class Saved(msgspec.Struct, frozen=True):
    """A file to be kept: its bytes, or the open file, which is closed once sent."""

    name: str
    media: str
    content: bytes | BinaryIO


Answer = Shown | Sent | Saved


class Refused(Exception):
    """The page cannot be shown; `text` names the text that says why."""

    def __init__(self, status: int, text: str, **told: str) -> None:
        super().__init__(text)
        self.status, self.text, self.told = status, text, told


class Visit:
    """One request. `user` is None where nobody came in."""

    def __init__(
        self,
        house: House,
        *,
        user: User | None = None,
        login: Login | None = None,
        path: Mapping[str, str] = {},
        query: Mapping[str, str] = {},
        form: Mapping[str, str] = {},
        address: str = "",
    ) -> None:
        self.house, self.user, self.login = house, user, login
        self.path, self.query, self.form = path, query, form
        self.address = address
        self.looked: dict[str, None] = {}  # pseudonyms, in order
        self._reader: Reader | None = None
        self._known: dict[str, Person | None] = {}

    # --- Rights -------------------------------------------------------------------

    def may(self, right: Right) -> bool:
        """Whether this visitor may."""
        return self.user is not None and right in MAY[self.user.role]

    # --- The journal ---------------------------------------------------------------

    @property
    def reader(self) -> Reader:
        """The journal, open for this visit."""
        if self._reader is None:
            raise RuntimeError("use it within `reading`")
        return self._reader

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """The journal is open within."""
        with Reader(self.house.directory) as reader:
            self._reader = reader
            try:
                yield
            finally:
                self._reader = None

    def who(self, pseudonym: str) -> Person | None:
        """Who it is, for a visitor who may know; the look will be recorded."""
        if not pseudonym or not self.may("persons") or self.house.keyring is None:
            return None
        if pseudonym not in self._known:
            self._known[pseudonym] = patients.person(
                self.reader, self.house.keyring, pseudonym
            )
        self.looked[pseudonym] = None
        return self._known[pseudonym]

    def called(self, pseudonym: str) -> str:
        """The name as `who` gives it, else the pseudonym."""
        person = self.who(pseudonym) if self._reader is not None else None
        return person.who.name if person and person.who else pseudonym

    def people(self) -> Iterator[Person]:
        """Everybody, to search among; say by `who` who of them is shown."""
        if not self.may("persons") or self.house.keyring is None:
            return iter(())
        return patients.people(self.reader, self.house.keyring)

    # --- Writing ------------------------------------------------------------------

    @property
    def by(self) -> str:
        """Who asks, as entries tell it."""
        return BY + (self.user.name if self.user else "-")

    def do(self, op: str, **args: Any) -> Written:
        """A write, under the id that the form carries: sent twice, it is made once.

        Raises DevicelogError where it is refused, Unconfirmed where it asks; the form's
        `confirm` answers that.
        """
        if self.form.get("confirm") == "yes":
            args["confirm"] = True
        id_ = self.form.get("id") or uuid.uuid4().hex
        return self._handled(Request(id_, op, args, self.by))

    def note(self, event: str, what: str, subjects: Iterable[str], **more: Any) -> None:
        """An audit record of a look or an export. Raises DevicelogError."""
        args = {"event": event, "what": what, "subjects": [*subjects], **more}
        self._handled(Request(uuid.uuid4().hex, "note", args, self.by))

    def record(self, **args: Any) -> Written:
        """An audit record as `operations.exports` makes it. Raises DevicelogError."""
        return self._handled(Request(uuid.uuid4().hex, "note", args, self.by))

    def came(self, name: str, event: str) -> None:
        """A user came in, left, or was refused."""
        args = {"name": name, "event": event}
        self._handled(Request(uuid.uuid4().hex, "came", args, BY + name))

    def ask(self, op: str, **args: Any) -> Iterator[Any]:
        """Another operation of the recorder (`operations.control`)."""
        return self.house.handle(Request(uuid.uuid4().hex, op, args, self.by))

    def may_undo(self, session_id: str, seconds: float) -> None:
        """Offer on the next pages to take the last binding back, for so long."""
        if self.login is not None:
            until_ns = self.house.recording.clock.mono_ns() + int(seconds * SECOND)
            self.login.undo = (session_id, until_ns) if session_id else None

    @property
    def undo(self) -> str:
        """The session whose binding may still be taken back; empty: none."""
        if self.login is None or self.login.undo is None:
            return ""
        session_id, until_ns = self.login.undo
        return session_id if self.house.recording.clock.mono_ns() < until_ns else ""

    @property
    def labels(self) -> dict[str, str]:
        """What devices are called in this clinic."""
        devices = self.house.recording.loaded.config.devices
        return {it.name: it.label or it.name for it in devices}

    def say(self, text: str, **told: str) -> None:
        """A message for the next page. `whom`: a pseudonym, named when it is shown.

        Meanwhile somebody may be forgotten: no name waits in memory.
        """
        if self.login is not None:
            self.login.said.append((text, told))

    def _handled(self, request: Request) -> Written:
        (written,) = self.house.handle(request)
        if not isinstance(written, Written):
            raise TypeError(request.op)
        return written
