"""Entries of the journal as messages: readings in batches, events one by one.

No I/O. What is retained is not made here (see `mqtt_standing`): here is only noted
which of it the entries touched.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from devicelog.errors import JournalError
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.fields import TYPED, publishable
from devicelog.model.flow import Entry, SessionEvent
from devicelog.model.kinds import AlarmBody, DeviceBody, GapBody, NoiseBody, ReadingGist
from devicelog.sinks.base import Rejected
from devicelog.sinks.messages import (
    ROOT,
    ChannelNews,
    DeviceNews,
    Post,
    ReadingNote,
    Telemetry,
    encode,
    instant,
)

Place = tuple[str, str]  # device, channel

# What a consumer on a small machine takes in one piece. A reading as JSON is never
# longer than its body, its session and `_AROUND` together.
_BATCH: Final = 64_000
_AROUND: Final = 160
_LEVEL: Final = re.compile(r"^[A-Za-z0-9_.-]{1,64}$")
_NOBODY: Final = "-"
# Said by a person of a session: it may change how the session stands, no more.
_OF_SESSIONS: Final = frozenset({"binding", "annotation", "correction", "purpose"})


class Touched(msgspec.Struct):
    """What of the retained topics the entries changed."""

    readings: dict[Place, tuple[Entry, ReadingGist]] = {}
    sessions: set[Place] = set()
    devices: set[str] = set()
    health: bool = False
    chain: bool = False


class Composed(msgspec.Struct):
    """Messages in order; and for each entry which of them tells it.

    None: nothing of it concerns a broker.
    """

    posts: list[Post] = []
    owners: list[int | Rejected | None] = []
    touched: Touched = msgspec.field(default_factory=Touched)


class _Batch:
    """Readings of one channel and one run that are not in a message yet."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.size = 0
        self.places: list[int] = []
        self.notes: list[ReadingNote] = []


class Feed:
    """Makes the messages of one site."""

    def __init__(self, site: str) -> None:
        self._root = f"{ROOT}/{site}"
        self._boots: dict[str, str] = {}
        self._levels: dict[Place, str] = {}

    def compose(
        self, entries: Sequence[Entry], view: Reader, *, historical: bool
    ) -> Composed:
        """The messages that tell these entries, in their order on each channel."""
        return _Composing(self, view, historical=historical).run(entries)

    def boot(self, run: str, view: Reader) -> str:
        """The boot in which a run of the recorder took place; empty if not known."""
        if run not in self._boots:
            self._boots |= {it.run_id: it.boot_id for it in view.runs()}
        return self._boots.setdefault(run, "")

    def level(self, place: Place) -> str:
        """The topic of a channel; empty where its name cannot stand in one."""
        if place not in self._levels:
            fit = all(_LEVEL.match(name) for name in place)
            self._levels[place] = f"{self._root}/{'/'.join(place)}" if fit else ""
        return self._levels[place]

    def device_event(self, entry: Entry) -> str:
        """The topic for what happens to this entry's device."""
        return f"{self._root}/{entry.device}/event"


class _Composing:
    """One call of `compose`."""

    def __init__(self, feed: Feed, view: Reader, *, historical: bool) -> None:
        self._feed = feed
        self._view = view
        self._historical = historical
        self._batches: dict[Place, _Batch] = {}
        self._made = Composed()

    def run(self, entries: Sequence[Entry]) -> Composed:
        self._made.owners = [None] * len(entries)
        for at, entry in enumerate(entries):
            try:
                self._take(at, entry)
            except JournalError as error:
                self._made.owners[at] = Rejected(str(error))
        for place in list(self._batches):
            self._flush(place)
        return self._made

    def _take(self, at: int, entry: Entry) -> None:
        self._made.touched.chain |= entry.mac is not None
        if not self._feed.level((entry.device, entry.channel)):
            text = f"{entry.device}/{entry.channel} cannot stand in a topic"
            self._made.owners[at] = Rejected(text)
        elif entry.kind == "reading":
            self._reading(at, entry)
        elif entry.kind == "session":
            self._session(at, entry, codec.session_event(entry.body))
        elif entry.kind in _TOLD:
            self._device(at, entry, codec.decode(entry.kind, entry.body))
        elif entry.kind in _OF_SESSIONS and entry.subject:
            self._touch(entry.subject)
        elif entry.kind == "register" and entry.device != _NOBODY:
            self._made.touched.devices.add(entry.device)  # it may have a new label
        else:
            self._made.touched.health |= entry.kind in ("clock", "config")

    # --- Readings -----------------------------------------------------------------

    def _reading(self, at: int, entry: Entry) -> None:
        body = codec.gist(entry.body)
        place = (entry.device, entry.channel)
        run = entry.key.partition("/")[0]
        size = len(entry.body) + len(entry.subject) + _AROUND
        batch = self._batches.get(place)
        if batch and (batch.run != run or batch.size + size > _BATCH):
            self._flush(place)
            batch = None
        if batch is None:
            batch = self._batches[place] = _Batch(run)
        batch.size += size
        batch.places.append(at)
        batch.notes.append(
            ReadingNote(
                seq=entry.seq,
                at=instant(entry.at_ns),
                mono_ns=body.mono_ns,
                state=body.state,
                values=publishable(body.values),
                session_id=entry.subject,
                flags=body.flags,
                thinned=body.thinned,
                preroll=body.preroll,
                clock_ok=body.clock_ok,
            )
        )
        self._made.touched.readings[place] = (entry, body)

    def _flush(self, place: Place) -> None:
        """What was gathered of a channel becomes a message."""
        batch = self._batches.pop(place, None)
        if batch is None:
            return
        last = batch.notes[-1]
        message = Telemetry(
            seq=last.seq,
            at=last.at,
            boot_id=self._feed.boot(batch.run, self._view),
            historical=self._historical,
            readings=tuple(batch.notes),
        )
        for at in batch.places:
            self._made.owners[at] = len(self._made.posts)
        topic = f"{self._feed.level(place)}/telemetry"
        self._made.posts.append(Post(topic, encode(message)))

    # --- Events -------------------------------------------------------------------

    def _session(self, at: int, entry: Entry, event: SessionEvent) -> None:
        place = (entry.device, entry.channel)
        self._flush(place)  # what led to it goes before it
        told = {
            name: getattr(event, name)
            for name in ChannelNews.__struct_fields__
            if hasattr(event, name)
        }
        told |= {**self._head(entry), "values": publishable(event.values)}
        if event.field in TYPED:
            told |= {"old": None, "new": None}
        message = ChannelNews(
            began=_instant(event.began_ns), ended=_instant(event.ended_ns), **told
        )
        self._post(at, f"{self._feed.level(place)}/event", message)
        self._made.touched.sessions.add(place)
        self._made.touched.health |= event.event in ("start", "end")

    def _device(self, at: int, entry: Entry, body: Any) -> None:
        self._made.touched.health |= entry.kind == "alarm"
        if entry.device == _NOBODY:
            return
        message = DeviceNews(**_TOLD[entry.kind](body), **self._head(entry))
        self._post(at, self._feed.device_event(entry), message)
        if entry.kind == "device":
            self._made.touched.devices.add(entry.device)

    def _touch(self, subject: str) -> None:
        row = self._view.session(subject)
        if row is not None:
            self._made.touched.sessions.add((row.device, row.channel))

    def _head(self, entry: Entry) -> dict[str, Any]:
        run = entry.key.partition("/")[0]
        return {
            "seq": entry.seq,
            "at": instant(entry.at_ns),
            "boot_id": self._feed.boot(run, self._view),
            "historical": self._historical,
        }

    def _post(self, at: int, topic: str, message: msgspec.Struct) -> None:
        self._made.owners[at] = len(self._made.posts)
        self._made.posts.append(Post(topic, encode(message)))


def _instant(at_ns: int | None) -> str | None:
    return None if at_ns is None else instant(at_ns)


def _line(body: DeviceBody) -> dict[str, Any]:
    told = {"event": body.event, "line": body.line, "text": body.text}
    return {**told, "counts": body.counts, "clock_ok": body.clock_ok}


def _gap(body: GapBody) -> dict[str, Any]:
    told = {"event": "gap", "cause": body.cause, "text": body.text}
    return {**told, "began": instant(body.began_ns), "clock_ok": body.clock_ok}


def _noise(body: NoiseBody) -> dict[str, Any]:
    """Not the bytes themselves: what they are nobody knows."""
    told = {"event": "noise", "count": body.count, "text": body.why}
    return {**told, "clock_ok": body.clock_ok}


def _alarm(body: AlarmBody) -> dict[str, Any]:
    event = "alarm_cleared" if body.cleared else "alarm"
    told = {"event": event, "name": body.name, "text": body.text}
    return {**told, "remedy": body.remedy, "clock_ok": body.clock_ok}


# kind -> what it tells of a device
_TOLD: Final[dict[str, Any]] = {
    "device": _line,
    "gap": _gap,
    "noise": _noise,
    "alarm": _alarm,
}
