"""Entries before they are numbered: stamps that never collide, keys used once."""

from typing import Final

import msgspec

from devicelog.model import codec
from devicelog.model.flow import Draft, SessionEvent
from devicelog.model.kinds import Kind
from devicelog.recorder.timebase import Timebase

NO_CHANNEL: Final = "-"
NO_DEVICE: Final = "-"


class Drafter:
    """Makes the drafts of one channel (or of `-`) of one device in this run."""

    def __init__(
        self, run_id: str, device: str, channel: str, timebase: Timebase
    ) -> None:
        self.device = device
        self.channel = channel
        self._prefix = f"{run_id}/{device}/{channel}/"
        self._timebase = timebase
        self._anchor = timebase.anchor_ns
        self._last = 0
        self._n = 0

    @property
    def anchor_ns(self) -> int:
        """UTC minus boot time, as stamps are made now."""
        return self._timebase.anchor_ns

    def stamp(self, mono_ns: int) -> int:
        """`at_ns` for something seen at this time; later than all before it.

        After an anchor that lies earlier the count begins anew; should a stamp be
        taken from before, the journal's writer finds the next free one.
        """
        anchor = self._timebase.anchor_ns
        if anchor < self._anchor:
            self._last = 0
        self._anchor = anchor
        self._last = max(anchor + mono_ns, self._last + 1)
        return self._last

    def draft(
        self,
        kind: Kind,
        body: bytes,
        at_ns: int,
        *,
        subject: str = "",
        edge: bool = False,
    ) -> Draft:
        """An entry at a stamp that was given by `stamp`, or by an event."""
        self._last = max(self._last, at_ns)
        key = f"{self._prefix}{self._n}"
        self._n += 1
        return Draft(at_ns, self.device, self.channel, kind, subject, key, body, edge)

    def event(self, event: SessionEvent) -> Draft:
        """The entry of something that happened to a session."""
        return self.draft(
            "session",
            codec.encode(event),
            event.at_ns,
            subject=event.session_id,
            edge=event.event in ("start", "end"),
        )

    def at(self, kind: Kind, body: msgspec.Struct, mono_ns: int) -> Draft:
        """An entry of the device itself, stamped now; it says if the clock is wrong."""
        if not self._timebase.trusted:
            body = msgspec.structs.replace(body, clock_ok=False)
        return self.draft(kind, codec.encode(body), self.stamp(mono_ns))
