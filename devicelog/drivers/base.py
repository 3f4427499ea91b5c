"""The contract between a device's wire and the recorder.

A driver is made from a profile (drivers.load) and serves one device. It does no I/O
and reads no clock: the recorder hands it frames, and sends the requests it names.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from devicelog.drivers.profile import Profile
from devicelog.model.flow import Decoded, Frame, Identity
from devicelog.wire.base import Framer


class Request(msgspec.Struct, frozen=True):
    """Bytes that the profile declares for asking. Nothing else is ever sent."""

    name: str
    data: bytes


class Heard(msgspec.Struct, frozen=True):
    """What one frame said.

    `decoded`: a reading without time for each channel it speaks of. `identity`: who
    answered. `answers`: the name of the request that it answers, if any. `refusal`:
    the device refused, in words. `foreign`: the frame is another device's, in words
    ("unit 3 answers, not 10"). `problem`: the frame cannot be believed (unknown
    code, implausible value), in words; its bytes then count as noise.
    """

    decoded: Sequence[Decoded] = ()
    identity: Identity | None = None
    answers: str = ""
    refusal: str = ""
    foreign: str = ""
    problem: str = ""


class Driver(Protocol):
    """One device's interpreter."""

    @property
    def profile(self) -> Profile:
        """What it was made from."""

    def framer(self) -> Framer:
        """A fresh framer, for a line that was just opened."""

    def identify(self) -> Request | None:
        """What to send to learn who is there; None: the device cannot say."""

    def polls(self) -> Sequence[Request]:
        """What to send, in order, for one cycle of readings; empty: it pushes."""

    def sent(self, request: Request) -> None:
        """The recorder has sent this; the next frames may answer it."""

    def hear(self, frame: Frame) -> Heard:
        """What this frame says. Never raises, whatever its bytes."""
