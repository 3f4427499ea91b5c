"""What can be wrong between a device and who listens, on whatever wire."""

import random
from collections.abc import Sequence
from math import inf
from typing import Any, Final, Literal

import msgspec

from devicelog.drivers.profile import Line
from devicelog.model.flow import Identity

FaultName = Literal[
    "silent",  # nothing is said at all
    "corrupt",  # the last byte is wrong, as of a check
    "half",  # what is said ends in its middle
    "flips",  # so many bits of it are turned over, by chance
    "garbage",  # these bytes, or so many by chance, come before it
    "babble",  # so many bytes a second by chance, and nothing else
    "echo",  # what is sent to the device comes back as well
    "identity",  # another device is behind this cable
    "line",  # the device speaks with these settings, not with the profile's
    "unplugged",  # the port is gone
]


class Faults(msgspec.Struct):
    """What is wrong now; may be changed while the device is served."""

    silent: bool = False
    corrupt: bool = False
    half: bool = False
    flips: int = 0
    garbage: bytes | int = b""
    babble: int = 0
    echo: bool = False
    identity: Identity | None = None
    line: Line | None = None
    unplugged: bool = False

    def spoil(self, said: bytes, dice: random.Random) -> bytes:
        """One message as it arrives."""
        if self.silent or self.babble or not said:
            return b""
        if self.corrupt:
            said = said[:-1] + bytes((said[-1] ^ 0xFF,))
        if self.half:
            said = said[: len(said) // 2]
        if self.flips:
            said = _flipped(said, self.flips, dice)
        if isinstance(self.garbage, int):
            return dice.randbytes(self.garbage) + said
        return self.garbage + said


_HEALTHY: Final = Faults()


class Trouble(msgspec.Struct, frozen=True):
    """From this second on, for so long, this is wrong; `value` as in `Faults`."""

    at_s: float
    for_s: float
    fault: FaultName
    value: Any = True


class Troubles:
    """Faults that come and go by a script. `faults` are those of now."""

    def __init__(self, planned: Sequence[Trouble] = ()) -> None:
        self.faults = Faults()
        turns = [(it.at_s, it.fault, it.value) for it in planned]
        turns += [
            (it.at_s + it.for_s, it.fault, getattr(_HEALTHY, it.fault))
            for it in planned
        ]
        self._turns = sorted(turns, key=lambda it: it[0], reverse=True)

    @property
    def due_s(self) -> float:
        """When the next comes or goes; infinite: never."""
        return self._turns[-1][0] if self._turns else inf

    def advance(self, to_s: float) -> None:
        """Have come and gone what does until now."""
        while self.due_s <= to_s:
            _, fault, value = self._turns.pop()
            setattr(self.faults, fault, value)


def _flipped(said: bytes, bits: int, dice: random.Random) -> bytes:
    whole = int.from_bytes(said, "big")
    for place in dice.sample(range(8 * len(said)), min(bits, 8 * len(said))):
        whole ^= 1 << place
    return whole.to_bytes(len(said), "big")
