"""What a device's line tells of itself: states, identities, counts, noise, alarms.

It gathers the drafts of one step, those of the channels among them, in their order.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from devicelog.clock import SECOND
from devicelog.model.flow import Draft, Identity
from devicelog.model.kinds import (
    AlarmBody,
    Counts,
    DeviceBody,
    DeviceEvent,
    Kind,
    NoiseBody,
)
from devicelog.recorder.drafts import Drafter
from devicelog.recorder.line import LineWatch
from devicelog.recorder.noise import NoiseBook

COUNTS_NS: Final = 3600 * SECOND
IDENTITY_ALARM: Final = "identity/"


class Book:
    """Of one device. `alarmed`: its alarm about another device is still open."""

    def __init__(
        self,
        drafter: Drafter,
        line: LineWatch,
        counts: Callable[[], Counts],
        *,
        alarmed: bool,
    ) -> None:
        self._drafter = drafter
        self._line = line
        self._counts = counts
        self._alarmed = alarmed
        self._noise = NoiseBook()
        self._drafts: list[Draft] = []
        self._next_counts: int | None = None
        self._told_bytes = 0

    @property
    def deadline(self) -> int | None:
        """When `tick` has something to tell."""
        counts, noise = self._next_counts, self._noise.deadline
        if counts is None or noise is None:
            return counts if noise is None else noise
        return min(counts, noise)

    def take(self) -> list[Draft]:
        """What was gathered since the last call."""
        drafts, self._drafts = self._drafts, []
        return drafts

    def add(self, drafts: Iterable[Draft]) -> None:
        """A channel's drafts."""
        self._drafts += drafts

    def note(self, kind: Kind, body: msgspec.Struct, mono_ns: int) -> None:
        """An entry of the device itself."""
        self._drafts.append(self._drafter.at(kind, body, mono_ns))

    def tick(self, mono_ns: int) -> None:
        """Sums that are due: the minute's noise, the hour's counts."""
        due = self._noise.deadline
        if due is not None and due <= mono_ns:
            self._note_noise(self._noise.tick(mono_ns))
        if self._next_counts is None:
            self._next_counts = mono_ns + COUNTS_NS
        elif mono_ns >= self._next_counts:
            self._next_counts += COUNTS_NS
            self.counts(mono_ns)

    def line(self, mono_ns: int) -> None:
        """The state of the line is another."""
        self._tell("line", mono_ns)

    def counts(self, mono_ns: int) -> None:
        """What the line brought so far."""
        counts = self._counts()
        self._told_bytes = counts.bytes
        self._tell("counts", mono_ns, counts=counts)

    def news(self, mono_ns: int) -> None:
        """The same, unless nothing arrived since they were told."""
        if self._counts().bytes != self._told_bytes:
            self.counts(mono_ns)

    def answered(self, refusal: str, mono_ns: int) -> None:
        """The device refuses a request, in words."""
        self._tell("answered", mono_ns, text=refusal)

    def identified(self, identity: Identity, mono_ns: int) -> None:
        """The device said who it is, for the first time or otherwise than before."""
        self._tell("identified", mono_ns, identity)

    def refused(self, identity: Identity, wrong: str, mono_ns: int) -> None:
        """Another device answers here, in words."""
        self._tell("refused", mono_ns, identity)
        self._alarm(wrong, mono_ns, identity.serial)

    def right(self, mono_ns: int) -> None:
        """The right device answers."""
        if self._alarmed:
            self._alarm("", mono_ns)

    def noise(self, data: bytes, why: str, mono_ns: int) -> None:
        """These bytes were no frame."""
        self._note_noise(self._noise.add(mono_ns, data, why))

    def end(self, mono_ns: int) -> None:
        """The run ends: all sums so far."""
        self._note_noise(self._noise.flush(mono_ns))
        self.counts(mono_ns)

    # --- Private ------------------------------------------------------------------

    def _alarm(self, wrong: str, mono_ns: int, serial: str = "") -> None:
        self._alarmed = bool(wrong)
        name = self._drafter.device
        body = AlarmBody(
            name=IDENTITY_ALARM + name,
            text=f"{name}: {wrong}" if wrong else f"{name} answers again",
            remedy="nothing is recorded here until the right device answers; if it was "
            f'replaced by this one, its block says serial = "{serial}"'
            if wrong
            else "",
            cleared=not wrong,
        )
        self.note("alarm", body, mono_ns)

    def _note_noise(self, bodies: Iterable[NoiseBody]) -> None:
        for body in bodies:
            self.note("noise", body, body.mono_ns)

    def _tell(
        self,
        event: DeviceEvent,
        mono_ns: int,
        identity: Identity | None = None,
        *,
        text: str = "",
        counts: Counts | None = None,
    ) -> None:
        body = DeviceBody(
            event=event,
            mono_ns=mono_ns,
            line=self._line.state,
            text=text or self._line.text,
            identity=identity,
            counts=counts,
        )
        self.note("device", body, mono_ns)
