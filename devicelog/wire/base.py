"""The contracts of every framing style. One suite runs on each (tests/contract).

A framer owns no port and reads no clock. It never raises, loses no byte unreported and
holds at most twice its longest frame. Cutting the stream elsewhere never changes what
comes out.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from devicelog.model.flow import Frame, Noise
from devicelog.wire.checks import CheckName, Order, check


class Framer(Protocol):
    """Bytes in; frames and noise out, in the order of the wire."""

    @property
    def pending(self) -> int:
        """Bytes held back because they may yet become a frame."""

    def feed(self, data: bytes) -> Sequence[Frame | Noise]:
        """What these bytes complete; [] means: nothing yet.

        `b""` means that the line fell silent: silence is input too. The first byte of
        a half frame then becomes noise and the rest is looked at again, until nothing
        is pending; so a false start cannot hold a real frame hostage.
        """


class Framing(Protocol):
    """A framing style as one profile declares it, both ways.

    A *body* is a whole frame with its escapes undone; of `front` bytes before and
    `back` bytes behind what it says. `longest`: the most bytes of a frame on the wire.
    """

    longest: int
    front: int
    back: int

    def framer(self, asks: Iterable[bytes] = ()) -> Framer:
        """A fresh framer; `asks`: what whoever asks on this line may send."""

    def body(self, data: bytes) -> bytes:
        """The body of a frame that a framer found."""

    def seal(self, body: bytes) -> bytes:
        """The frame with this body; what stands at front and back is made anew.

        Raises ValueError if it would be longer than `longest`.
        """


class Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a profile declares of its wire, whatever the style.

    `silence_ms`: quiet time after which a half frame is dead.
    """

    style: str
    silence_ms: int = 50

    @property
    def check_bits(self) -> int:
        """Strength of the frame's check; under 16 readings must follow one another."""
        raise NotImplementedError


class Framed(Wire, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The wire of a style that a profile lays out itself. `check`: of each frame."""

    check: CheckName

    @property
    def check_bits(self) -> int:
        """See `Wire`."""
        return check(self.check).bits

    def framing(self) -> Framing:
        """Compiled. Expects a declaration that drivers.load has checked."""
        raise NotImplementedError


class Ordered(Framed, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The wire of a style that may carry numbers. `order`: that of their bytes."""

    order: Order = "big"
