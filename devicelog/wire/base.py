"""The contract of every framing style. One suite runs on each (tests/contract).

A framer owns no port and reads no clock. It never raises, loses no byte unreported and
holds at most twice its longest frame. Cutting the stream elsewhere never changes what
comes out.
"""

from collections.abc import Sequence
from typing import Protocol

from devicelog.model.flow import Frame, Noise


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
