"""How far a sink has come: what of the journal it has taken, as ranges of `seq`.

Live entries go first, so what is taken is `done_to` (everything up to here) and an
ordered list of ranges above it; between them lie the gaps that are still to be sent.
"""

import sys
from typing import Final, Self

import msgspec

RANGES: Final = 64  # beyond, the newest closed one is forgotten and sent again


class Proof(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was read back from a store, whose acknowledgement is no promise.

    A server that crashed twice loses what it acknowledged between: a read-back proves
    only what was written before its present start. `verified_to`: up to here all that
    was taken has been read back. `since_start`: the lowest seq written since `server`,
    its present start; `since_look`: since it was last seen to be the same. None:
    nothing was. `night`: the last one of which the week before was asked for.
    """

    verified_to: int = 0
    since_start: int | None = None
    since_look: int | None = None
    server: str = ""
    night: int = 0

    @property
    def proven(self) -> int:
        """Up to here everything that was taken is there for good."""
        return min(self.verified_to, _before(self.since_start))

    def wrote(self, seq: int) -> Self:
        """Entries from this one on were written, or written again."""
        start, look = self.since_start, self.since_look
        if start is not None and look is not None and start <= seq and look <= seq:
            return self
        return msgspec.structs.replace(
            self,
            since_start=seq if start is None else min(start, seq),
            since_look=seq if look is None else min(look, seq),
        )

    def met(self, server: str) -> Self:
        """The server says when it started; empty: it does not, and nothing is proven.

        After another start all that was written since the one before is in doubt. What
        was written since the last look may have gone to either.
        """
        if server and server == self.server:
            return msgspec.structs.replace(self, since_look=None)
        known = server and self.server
        return msgspec.structs.replace(
            self,
            verified_to=self.proven,
            since_start=self.since_look if known else self.since_start,
            since_look=None,
            server=server or self.server,
        )


class Position(msgspec.Struct, frozen=True):
    """What a sink has taken. Both ends of a range are included; the last may be empty.

    Ranges are in order, do not touch, and the last one is where live entries go on.
    """

    done_to: int = 0
    ranges: tuple[tuple[int, int], ...] = ()
    proof: Proof = Proof()

    @property
    def top(self) -> int:
        """After this the live entries follow."""
        return self.ranges[-1][1] if self.ranges else self.done_to

    @property
    def last(self) -> int:
        """The highest that is taken."""
        return max([self.done_to, *(b for a, b in self.ranges if a <= b)])

    @property
    def gap(self) -> tuple[int, int] | None:
        """The lowest range that was left out."""
        return (self.done_to + 1, self.ranges[0][0] - 1) if self.ranges else None

    @property
    def unread(self) -> tuple[int, int] | None:
        """The lowest range that is taken and not read back."""
        first = self.proof.verified_to + 1
        for low, high in ((1, self.done_to), *self.ranges):
            if max(first, low) <= high:
                return max(first, low), high
        return None

    @property
    def safe_to(self) -> int:
        """Up to here a store has taken everything, and has it for good."""
        return min(self.done_to, self.proof.proven)

    def proved(self, proof: Proof) -> Self:
        """With another proof."""
        return (
            self if proof is self.proof else msgspec.structs.replace(self, proof=proof)
        )

    def read_to(self, seq: int) -> Self:
        """All that is taken up to here has been read back."""
        return self.proved(msgspec.structs.replace(self.proof, verified_to=seq))

    def takes(self, seq: int) -> bool:
        """Whether this one is taken."""
        within = any(first <= seq <= last for first, last in self.ranges)
        return within or seq <= self.done_to

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


def _before(seq: int | None) -> int:
    return sys.maxsize if seq is None else seq - 1


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
