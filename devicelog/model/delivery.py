"""How far a sink has come: what of the journal it has taken, as ranges of `seq`.

Live entries go first, so what is taken is `done_to` (everything up to here) and an
ordered list of ranges above it; between them lie the gaps that are still to be sent.
"""

from typing import Final, Self

import msgspec

RANGES: Final = 64  # beyond, the newest closed one is forgotten and sent again


class Position(msgspec.Struct, frozen=True):
    """What a sink has taken. Both ends of a range are included; the last may be empty.

    Ranges are in order, do not touch, and the last one is where live entries go on.
    """

    done_to: int = 0
    ranges: tuple[tuple[int, int], ...] = ()

    @property
    def top(self) -> int:
        """After this the live entries follow."""
        return self.ranges[-1][1] if self.ranges else self.done_to

    @property
    def gap(self) -> tuple[int, int] | None:
        """The lowest range that was left out."""
        return (self.done_to + 1, self.ranges[0][0] - 1) if self.ranges else None

    def pending(self, head: int) -> int:
        """How many numbers up to `head` are not taken."""
        taken = sum(last - first + 1 for first, last in self.ranges)
        return head - self.done_to - taken

    def opened(self, head: int) -> Self:
        """The sink is back: from `head` on live, what lies before is a gap."""
        if head <= self.top:
            return self
        ranges = (*self.ranges, (head + 1, head))
        if len(ranges) > RANGES:
            ranges = (*ranges[:-2], ranges[-1])
        return msgspec.structs.replace(self, ranges=ranges)

    def lived(self, seq: int) -> Self:
        """Live entries up to here are taken."""
        if not self.ranges:
            return msgspec.structs.replace(self, done_to=max(self.done_to, seq))
        *others, (first, last) = self.ranges
        return msgspec.structs.replace(self, ranges=(*others, (first, max(last, seq))))

    def filled(self, seq: int) -> Self:
        """Entries of the lowest gap up to here are taken; a gap that closes merges."""
        gap = self.gap
        if gap is None or seq < gap[1]:
            return msgspec.structs.replace(self, done_to=max(self.done_to, seq))
        (_, last), *others = self.ranges
        return msgspec.structs.replace(self, done_to=last, ranges=tuple(others))


class Reject(msgspec.Struct, frozen=True):
    """An entry that a sink will never take, and why."""

    seq: int
    reason: str


class Progress(msgspec.Struct, frozen=True):
    """What a relay hands to the journal's writer, to be durable with its next commit.

    `rejects` and `waiting` (entries whose time is not yet known) are set aside before
    the position passes them; `arrived`: waiting ones that the sink has taken since.
    """

    sink: str
    position: Position
    rejects: tuple[Reject, ...] = ()
    waiting: tuple[int, ...] = ()
    arrived: tuple[int, ...] = ()
