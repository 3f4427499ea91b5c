"""Profiles that lay out their frames themselves: bytes or text, asked for or unasked.

A message is known by what stands in it (`when`), else by what was asked last; one that
has neither is whatever comes. What the profile does not know is a frame without a
reading, unless nothing checks its frames: then it is not believed. A request that is
heard (an echo of one's own; on a tap another's) is a frame without a reading.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from devicelog.drivers.base import Heard, Request
from devicelog.drivers.meaning import Values
from devicelog.drivers.profile import (
    BytesMessage,
    BytesProfile,
    Cell,
    TextMessage,
    TextProfile,
)
from devicelog.drivers.spoken import Spoken, SpokenBytes, SpokenText
from devicelog.drivers.subject import (
    NOTHING_OWN,
    Subject,
    channel_cells,
    identity,
    identity_cells,
    subjects,
)
from devicelog.drivers.text import Parts
from devicelog.model.flow import Frame
from devicelog.wire.base import Framer, Framing
from devicelog.wire.notation import spelled

_C = TypeVar("_C", bound=Cell)


class _Message(msgspec.Struct, frozen=True):
    """A declared message, and how it is read."""

    name: str
    request: Request | None
    refusal: str
    known: bool  # by what stands in it
    spoken: Spoken
    identifies: bool
    subjects: tuple[Subject, ...]


class FramedDriver:
    """See `drivers.base.Driver`. Also says what a virtual device would send."""

    def __init__(self, profile: BytesProfile | TextProfile) -> None:
        self.profile = profile
        self._framing: Framing = profile.wire.framing()
        self._messages = {it.name: it for it in _messages(profile, self._framing)}
        self._requests = {
            it.request.data: it for it in self._messages.values() if it.request
        }
        self._known = [it for it in self._messages.values() if it.known]
        self._unnamed = next(
            (it for it in self._messages.values() if not it.known and not it.request),
            None,
        )
        # Lines that nothing marks or checks: the first since the port was opened may
        # be half of one, and look whole.
        self._may_be_half = not self._framing.front and not profile.wire.check_bits
        self._doubts = False
        self._asked: _Message | None = None

    def framer(self) -> Framer:
        """See `Driver`."""
        self._doubts, self._asked = self._may_be_half, None
        return self._framing.framer(self._requests)

    def identify(self) -> Request | None:
        """See `Driver`."""
        message = self._messages.get(self.profile.identity)
        return message.request if message else None

    def polls(self) -> Sequence[Request]:
        """See `Driver`."""
        return [
            it.request for it in self._messages.values() if it.request and it.subjects
        ]

    def sent(self, request: Request) -> None:
        """See `Driver`."""
        self._doubts = False
        self._asked = self._messages.get(request.name)

    def hear(self, frame: Frame) -> Heard:
        """See `Driver`."""
        request = self._requests.get(frame.data)
        if request:
            self._doubts, self._asked = False, request
            return Heard()
        if self._doubts:
            self._doubts = False
            return Heard(problem="the first line heard may be half of one")
        body = self._framing.body(frame.data)
        message = self._which(body)
        return self._heard(message, body) if message else self._unknown(body)

    def encode(
        self, message: str, values: Values, own: Mapping[str, Values] = NOTHING_OWN
    ) -> bytes:
        """The frame by which a device says these values, of all channels of a message.

        `values` may hold `state` cells by name and, for the identity, its texts. What a
        channel says differently from the others stands in `own`, by its name.
        Raises ValueError where the profile has no way to say a value.
        """
        it = self._messages[message]
        parts = (
            [values]
            if it.identifies
            else [one.said(values, own) for one in it.subjects]
        )
        return self._framing.seal(it.spoken.encode(parts))

    # --- Private ------------------------------------------------------------------

    def _heard(self, message: _Message, body: bytes) -> Heard:
        asked = self._asked
        answers = message.name if message.request else ""
        if message.refusal:
            self._asked, answers = None, asked.name if asked else ""
            text = f"the device refuses request `{answers}`: {message.refusal}"
            return Heard(answers=answers, refusal=text)
        if message is asked:
            self._asked = None
        said, problem = message.spoken.decode(body)
        if problem:
            return Heard(answers=answers, problem=problem)
        if message.identifies:
            return Heard(answers=answers, identity=identity(said[0]))
        decoded = [
            subject.decoded(values)
            for subject, values in zip(message.subjects, said, strict=True)
        ]
        return Heard(answers=answers, decoded=decoded)

    def _which(self, body: bytes) -> _Message | None:
        """Which message this is; by its shape as well, where that decides."""
        for message in self._known:
            if message.spoken.fits(body):
                return message
        for message in self._known:
            if message.spoken.resembles(body):
                return message
        asked = self._asked
        return asked if asked and not asked.known else self._unnamed

    def _unknown(self, body: bytes) -> Heard:
        if self.profile.wire.check_bits:
            return Heard()
        # A request without an end, and its answer, come as one line on a tap.
        for ask, request in self._requests.items():
            if body.startswith(ask):
                self._asked = request
                message = self._which(body[len(ask) :])
                if message:
                    return self._heard(message, body[len(ask) :])
        return Heard(problem="no message of the profile looks so")


# --- Private ----------------------------------------------------------------------


def _messages(
    profile: BytesProfile | TextProfile, framing: Framing
) -> Iterator[_Message]:
    shared = None
    if isinstance(profile, TextProfile):
        shared = Parts(profile.text, framing.front, framing.back)
    for it in profile.messages:
        identifies = it.name == profile.identity
        of = () if identifies else tuple(subjects(profile, it.name))
        yield _Message(
            name=it.name,
            request=Request(it.name, spelled(it.ask)) if it.ask else None,
            refusal=it.refusal,
            known=bool(it.when),
            spoken=_spoken(profile, it, shared, of),
            identifies=identifies,
            subjects=of,
        )


def _spoken(
    profile: BytesProfile | TextProfile,
    message: BytesMessage | TextMessage,
    shared: Parts | None,
    of: Sequence[Subject],
) -> Spoken:
    if shared and isinstance(profile, TextProfile) and isinstance(message, TextMessage):
        texts = _parts(profile.cells, profile.identity, message.name, of)
        return SpokenText(message, shared, texts)
    if isinstance(profile, BytesProfile) and isinstance(message, BytesMessage):
        numbers = _parts(profile.cells, profile.identity, message.name, of)
        return SpokenBytes(message, profile.wire.order, numbers)
    raise TypeError(f"{message.name} is no message of {profile.name}")


def _parts(
    cells: Sequence[_C], identity_: str, message: str, of: Sequence[Subject]
) -> list[list[_C]]:
    """The cells of each of whom the message speaks."""
    if message == identity_:
        return [identity_cells(cells, message)]
    return [channel_cells(cells, it.channel) for it in of]
