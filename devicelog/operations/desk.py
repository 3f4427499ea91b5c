"""Where a person's requests become entries: one at a time, each once.

The same code serves a running recorder (operations/control) and a command that found
none (operations/alone).
"""

import re
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from devicelog.clock import SECOND
from devicelog.errors import DevicelogError
from devicelog.journal.reader import AlarmRow, Reader
from devicelog.journal.writer import Writer
from devicelog.model import codec
from devicelog.model.flow import Draft, Entry
from devicelog.operations.socket import Request
from devicelog.records.acts import ACTS
from devicelog.records.ahead import carry_out
from devicelog.records.request import Asked, Moment, View, digest_of, key_of, keyed

PATIENCE_S: Final = 10.0
REUSED: Final = "request/reused"
_OVER_NS: Final = 86_400 * SECOND
_VALUE: Final = re.compile(r"(Invalid enum value) .* - at", re.DOTALL)


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry as it is told to who asked for it."""

    seq: int
    at_ns: int
    kind: str
    subject: str
    device: str
    channel: str
    body: msgspec.Raw


class Written(msgspec.Struct, frozen=True):
    """The answer to a write: the entries that it made, the first time it was asked."""

    entries: tuple[Told, ...]


class Desk:
    """Carries out acts on the journal of this directory.

    `writing` is held during each, for whoever else writes on request; `now` tells the
    time; `view` makes of an open journal what the rules may look at.
    """

    def __init__(
        self,
        directory: str,
        writer: Writer,
        now: Callable[[], Moment],
        view: Callable[[Reader], View] = View,
    ) -> None:
        self._directory = directory
        self._writer = writer
        self._now = now
        self._view = view
        self.writing = threading.Lock()

    def perform(self, request: Request) -> Written:
        """What the request made, now or when it was first asked.

        Raises DevicelogError where its rule refuses, Unconfirmed where it asks.
        """
        shape, rule = ACTS[request.op]
        try:
            args = msgspec.convert(request.args, shape)
        except msgspec.ValidationError as error:
            # What was said is not repeated: it may be a name in the wrong place.
            told = _VALUE.sub(r"\1 at", str(error))
            raise DevicelogError(
                f"{request.op}: {told}", hint="see `devicelog COMMAND --help`"
            ) from None
        asked = Asked(
            id=request.id,
            by=request.by,
            now=self._now(),
            digest=digest_of(request.op, args),
            confirm=args.confirm,
        )
        with self.writing:
            with Reader(self._directory) as reader:
                entries = self._first_answer(reader, asked)
                view = self._view(reader)
                drafts = [] if entries else rule(view, asked, args)
            if drafts:
                entries = self._append(keyed(drafts, request.id, view.changes))
            if any(it.kind == "tombstone" for it in entries):
                self._scrub()
        return Written(tuple(_told(entry) for entry in entries))

    def carry_out(self) -> None:
        """See to what was said ahead. Raises DevicelogError; then again, later."""
        with self.writing:
            with Reader(self._directory) as reader:
                groups = carry_out(self._view(reader), self._now())
            for group in groups:
                self._append(group)

    def _first_answer(self, reader: Reader, asked: Asked) -> list[Entry]:
        """What this request has made already; an id serves one request only."""
        entries: list[Entry] = []
        while entry := reader.find(key_of(asked.id, len(entries))):
            entries.append(entry)
        if entries:
            body: Any = codec.decode(entries[0].kind, entries[0].body)
            if getattr(body, "request", None) != asked.digest:
                what = f"{entries[0].kind} {entries[0].subject}".strip()
                raise reused(self._writer, asked.id, what)
        return entries

    def _scrub(self) -> None:
        """See that nothing of what was deleted is left in the journal's files."""
        if not self._writer.scrub(PATIENCE_S):
            raise DevicelogError(
                "forgotten; but a reader still holds what the journal was before",
                hint="end long exports and backups, then ask again with the same id",
            )

    def _append(self, drafts: Sequence[Draft]) -> list[Entry]:
        return self._writer.append(drafts, PATIENCE_S)


def reused(writer: Writer, id_: str, what: str) -> DevicelogError:
    """The refusal of a request whose id was another's; an alarm tells of it, too."""
    text = f"request {id_} was asked before, for something else: {what}"
    writer.alarm(REUSED, text, "a client gives one id to two requests")
    return DevicelogError(text, hint="a new request needs a new id")


def end_reused(reader: Reader, writer: Writer, now_ns: int) -> None:
    """Clear that alarm once no request of the kind came for a day."""
    for alarm in reader.alarms(open_only=True):
        if alarm.name == REUSED and now_ns - _last_ns(reader, alarm) >= _OVER_NS:
            writer.clear(REUSED, "no id came for two requests since a day")


def _last_ns(reader: Reader, alarm: AlarmRow) -> int:
    """When it was last raised."""
    last_ns, after = alarm.raised_ns, alarm.seq
    while page := reader.entries(after, kind="alarm"):
        for entry in page:
            if codec.decode(entry.kind, entry.body).name == alarm.name:
                last_ns = entry.at_ns
        after = page[-1].seq
    return last_ns


def _told(entry: Entry) -> Told:
    return Told(
        entry.seq,
        entry.at_ns,
        entry.kind,
        entry.subject,
        entry.device,
        entry.channel,
        msgspec.Raw(entry.body),
    )
