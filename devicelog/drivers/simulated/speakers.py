"""How a device answers and what it says by itself, in each style of wire."""

import struct
from collections.abc import Callable
from math import ceil, inf
from typing import Final, Protocol

from devicelog.drivers.profile import (
    BytesProfile,
    ModbusProfile,
    Read,
    TextProfile,
)
from devicelog.model.flow import Frame
from devicelog.wire import modbus
from devicelog.wire.notation import spelled

# A device that speaks unasked says who it is at first, and every so often again.
HELLO_S: Final = 10.0

_ILLEGAL_FUNCTION: Final = 1
_ILLEGAL_ADDRESS: Final = 2
Say = Callable[[str], bytes]  # the name of a message -> what the device says of it now


class Speaker(Protocol):
    """The device's side of a wire."""

    due_s: float  # when it next says something unasked; infinite: never

    def begin(self, now_s: float) -> None:
        """Its line is there again: what was due meanwhile is not said any more."""

    def answers(self, frame: Frame) -> list[bytes]:
        """What it says to this frame: nothing, if that does not concern it."""

    def unasked(self, now_s: float) -> list[bytes]:
        """What it says now by itself, if that is due."""


class Registers:
    """See `Speaker`: a Modbus server with the blocks that a profile reads."""

    due_s: float = inf

    def __init__(self, profile: ModbusProfile, say: Say) -> None:
        self._profile = profile
        self._say = say

    def begin(self, now_s: float) -> None:
        """See `Speaker`."""

    def answers(self, frame: Frame) -> list[bytes]:
        """See `Speaker`. Requests to other units are not answered."""
        if frame.kind != "request":
            return []
        unit, function, address, count = struct.unpack(">BBHH", frame.data[:-2])
        if unit != self._profile.wire.unit:
            return []
        served = [it for it in self._profile.messages if it.function == function]
        if not served:
            return [modbus.exception(unit, function, _ILLEGAL_FUNCTION)]
        for it in served:
            first = address - it.address
            if first >= 0 and first + count <= it.count:
                part = _part(it, self._say(it.name), first, count)
                return [modbus.response(unit, function, part)]
        return [modbus.exception(unit, function, _ILLEGAL_ADDRESS)]

    def unasked(self, now_s: float) -> list[bytes]:
        """See `Speaker`. A Modbus server never speaks first."""
        del now_s
        return []


class Messages:
    """See `Speaker`: messages, each asked for by its very bytes, or sent unasked."""

    def __init__(self, profile: BytesProfile | TextProfile, say: Say) -> None:
        self._say = say
        self._asked = {spelled(it.ask): it.name for it in profile.messages if it.ask}
        self._refusal = next((it.name for it in profile.messages if it.refusal), "")
        self._every = {
            it.name: HELLO_S if it.name == profile.identity else profile.interval_s
            for it in profile.messages
            if not (it.ask or it.refusal)
        }
        self._hello = profile.identity
        self._next = dict.fromkeys(self._every, 0.0)
        self.due_s = 0.0 if self._next else inf

    def begin(self, now_s: float) -> None:
        """See `Speaker`. It says at once who it is, all else on its own beat."""
        for name, due in self._next.items():
            every = self._every[name]
            late = max(0, ceil((now_s - due) / every))
            self._next[name] = now_s if name == self._hello else due + late * every
        self.due_s = min(self._next.values(), default=inf)

    def answers(self, frame: Frame) -> list[bytes]:
        """See `Speaker`. What it does not know it refuses, if its profile can."""
        name = self._asked.get(frame.data, self._refusal)
        return [self._say(name)] if name else []

    def unasked(self, now_s: float) -> list[bytes]:
        """See `Speaker`."""
        due_now = [name for name, due in self._next.items() if due <= now_s]
        for name in due_now:
            self._next[name] += self._every[name]
        if due_now:
            self.due_s = min(self._next.values())
        return [self._say(name) for name in due_now]


def _part(request: Read, block: bytes, first: int, count: int) -> bytes:
    """So many registers (or bits) of the block, from this one on."""
    if request.function not in (1, 2):
        return block[2 * first : 2 * (first + count)]
    bits = int.from_bytes(block, "little") >> first & (1 << count) - 1
    return bits.to_bytes(modbus.size(request.function, count), "little")
