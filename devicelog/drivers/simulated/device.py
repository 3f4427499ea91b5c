"""A virtual device on its wire: requests in, answers out, through its own profile.

The same declaration that decodes for the recorder encodes here. What it says of itself
comes from a source (physics that a script plays upon); how it says it can be spoilt by
`Faults`, at any time, as a line and its people would.
"""

import struct
from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from devicelog.drivers.modbus import ModbusDriver
from devicelog.drivers.profile import ModbusProfile, Profile, Read
from devicelog.errors import ConfigError
from devicelog.model.fields import Value
from devicelog.model.flow import Frame, Identity
from devicelog.model.states import Modality
from devicelog.wire import modbus

_ILLEGAL_FUNCTION: Final = 1
_ILLEGAL_ADDRESS: Final = 2


class Source(Protocol):
    """What the device is: it lives in a time of its own, and says how it is."""

    def advance(self, to_s: float) -> None:
        """Let time pass up to here, in seconds since the device exists."""

    def values(self, modality: Modality) -> Mapping[str, Value]:
        """Fields of the catalogue, and `state`, of its channel of this modality."""


class Faults(msgspec.Struct):
    """What is wrong now; may be changed while the device is served.

    `silent`: no answer at all. `corrupt`: the checksum is wrong. `half`: the answer
    ends in its middle. `garbage`: these bytes come before it. `identity`: another
    device is behind this cable.
    """

    silent: bool = False
    corrupt: bool = False
    half: bool = False
    garbage: bytes = b""
    identity: Identity | None = None

    def spoil(self, answer: bytes) -> bytes:
        """The answer as it arrives."""
        if self.silent or not answer:
            return b""
        if self.corrupt:
            answer = answer[:-1] + bytes((answer[-1] ^ 0xFF,))
        if self.half:
            answer = answer[: len(answer) // 2]
        return self.garbage + answer


class VirtualDevice:
    """One device of a profile of style modbus_rtu. Pure: it is told the time.

    Raises ConfigError for a profile of another style.
    """

    def __init__(self, profile: Profile, source: Source, identity: Identity) -> None:
        self.source = source
        self.identity = identity
        self.faults = Faults()
        if not isinstance(profile, ModbusProfile):
            raise ConfigError(
                f"profile {profile.name} cannot be simulated",
                hint="only those of style modbus_rtu can, yet",
            )
        self._profile = profile
        self._driver = ModbusDriver(profile)
        self._framer = self._driver.framer()

    def receive(self, data: bytes, now_s: float) -> bytes:
        """What it answers to these bytes; b"" in: the line fell silent.

        Requests to other units are not answered. Never raises, whatever the bytes.
        """
        self.source.advance(now_s)
        return b"".join(
            self.faults.spoil(self._answer(piece.data))
            for piece in self._framer.feed(data)
            if isinstance(piece, Frame) and piece.kind == "request"
        )

    # --- Private ------------------------------------------------------------------

    def _answer(self, asked: bytes) -> bytes:
        unit, function, address, count = struct.unpack(">BBHH", asked[:-2])
        if unit != self._profile.wire.unit:
            return b""
        served = [it for it in self._profile.messages if it.function == function]
        if not served:
            return modbus.exception(unit, function, _ILLEGAL_FUNCTION)
        for it in served:
            first = address - it.address
            if first >= 0 and first + count <= it.count:
                part = _part(it, self._block(it), first, count)
                return modbus.response(unit, function, part)
        return modbus.exception(unit, function, _ILLEGAL_ADDRESS)

    def _block(self, request: Read) -> bytes:
        """All data of a declared request, as they are now."""
        if request.name != self._profile.identity:
            told = [it for it in self._profile.channels if it.request == request.name]
            return self._driver.encode(
                request.name, {**self.source.values(told[0].modality)}
            )
        identity = self.faults.identity or self.identity
        return self._driver.encode(request.name, msgspec.structs.asdict(identity))


def _part(request: Read, block: bytes, first: int, count: int) -> bytes:
    """So many registers (or bits) of the block, from this one on."""
    if request.function not in (1, 2):
        return block[2 * first : 2 * (first + count)]
    bits = int.from_bytes(block, "little") >> first & (1 << count) - 1
    return bits.to_bytes(modbus.size(request.function, count), "little")
