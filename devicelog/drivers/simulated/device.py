"""A virtual device on its wire: asked or unasked, in its own profile's words.

The same declaration that decodes for the recorder encodes here. What it says of itself
comes from a source (physics that a script plays upon); how it says it can be spoilt by
`Faults`, at any time, as a line and its people would.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import Final, Protocol

import msgspec

from devicelog.drivers.framed import FramedDriver
from devicelog.drivers.modbus import ModbusDriver
from devicelog.drivers.profile import (
    BytesProfile,
    ModbusProfile,
    Profile,
    TableProfile,
    TextProfile,
)
from devicelog.drivers.simulated.faults import Faults
from devicelog.drivers.simulated.machine import Machine, machine
from devicelog.drivers.simulated.speakers import Messages, Registers, Speaker
from devicelog.drivers.simulated.uart import reheard
from devicelog.drivers.simulated.voice import Voice
from devicelog.drivers.subject import channel_cells
from devicelog.errors import ConfigError
from devicelog.model.fields import Value
from devicelog.model.flow import Frame, Identity, Noise
from devicelog.model.states import Modality

_BABBLE_S: Final = 0.1  # so often a babbling device says something


class Source(Protocol):
    """What the device is: it lives in a time of its own, and says how it is."""

    @property
    def faults(self) -> Faults:
        """What is wrong now; may be changed."""

    @property
    def modalities(self) -> frozenset[Modality]:
        """Of which channels it tells."""

    @property
    def due_s(self) -> float:
        """When its faults change; infinite: no more."""

    def advance(self, to_s: float) -> None:
        """Let time pass up to here, in seconds since the device exists."""

    def values(self, modality: Modality) -> Mapping[str, Value]:
        """Fields of the catalogue, and `state`, of its channel of this modality."""


class VirtualDevice:
    """One device of a profile that says it all in tables. Pure: it is told the time.

    A source tells of one channel of each modality; `beside` are the sources of others,
    by the channel's name: what is wrong with those says nothing of the line. Channels
    of which nothing tells are at rest. `seed` decides what its faults leave to chance.
    """

    def __init__(
        self,
        profile: Profile,
        source: Source,
        identity: Identity,
        *,
        seed: int = 1,
        beside: Mapping[str, Source] = MappingProxyType({}),
    ) -> None:
        if not isinstance(profile, TableProfile):
            raise _no_simulation(profile)
        self.source = source
        self.identity = identity
        self._profile = profile
        self._driver, self._speaker = _spoken(profile, self._said)
        self._framer = self._driver.framer()
        self._asks = {
            it.data for it in (self._driver.identify(), *self._driver.polls()) if it
        }
        self._voices = {
            it.name: Voice(it, channel_cells(profile.cells, it))
            for it in profile.channels
        }
        told = source.modalities
        at_rest = machine({it.modality for it in profile.channels} - told)
        # Cells that all channels of their message share: one tells for all.
        self._common = {(it.message, it.name) for it in profile.cells if not it.channel}
        # Who tells of a channel; they live in the source's time.
        self._tells: dict[str, Source | Machine] = {
            it.name: source if it.modality in told else at_rest
            for it in profile.channels
        } | {**beside}
        self._beside = [
            *beside.values(),
            *([at_rest] if at_rest in self._tells.values() else ()),
        ]
        self._dice = random.Random(seed)  # noqa: S311  chance, no secret
        self._babbles_s = inf
        self._gone = False  # its port, when last looked at

    @property
    def faults(self) -> Faults:
        """What is wrong now; may be changed."""
        return self.source.faults

    @property
    def unplugged(self) -> bool:
        """Whether its port is gone now."""
        return self.faults.unplugged

    def receive(self, data: bytes, now_s: float) -> bytes:
        """What it answers to these bytes; b"" in: the line fell silent.

        Never raises, whatever the bytes.
        """
        answer = self.converse(self.off_line(data), now_s)
        return self.on_line(answer, echo=data)

    @property
    def due_s(self) -> float:
        """When it next has something to say unasked; infinite: never."""
        if self._gone:
            return self.source.due_s
        return min(self._speaker.due_s, self._babbles_s, self.source.due_s)

    def speak(self, now_s: float) -> bytes:
        """What it has said unasked up to now."""
        said: list[bytes] = []
        while (due := self.due_s) <= now_s:
            self._advance(due)
            if self._gone:
                continue
            said += [self._spoilt(it) for it in self._speaker.unasked(due)]
            if due == self._babbles_s:
                self._babbles_s += _BABBLE_S
                said.append(self._dice.randbytes(round(self.faults.babble * _BABBLE_S)))
        self._advance(now_s)
        return self.on_line(b"".join(said)) if said else b""

    # --- For who shares its line ----------------------------------------------------

    def converse(self, data: bytes, now_s: float) -> bytes:
        """What it answers, before its line does anything to that."""
        self._advance(now_s)
        if data in self._asks and not self._framer.pending:  # whole, as nearly always
            pieces: Sequence[Frame | Noise] = (Frame(data, "request"),)
        else:
            pieces = self._framer.feed(data)
        answers = [
            self._spoilt(answer)
            for piece in pieces
            if isinstance(piece, Frame)
            for answer in self._speaker.answers(piece)
        ]
        return answers[0] if len(answers) == 1 else b"".join(answers)

    def on_line(self, said: bytes, *, echo: bytes = b"") -> bytes:
        """What arrives of this at the other end."""
        faults = self.faults
        if faults.unplugged:
            return b""
        if faults.line is not None:
            said = reheard(said, faults.line, self._profile.line)
        return echo + said if faults.echo else said

    def off_line(self, data: bytes) -> bytes:
        """What it hears of this; as many devices do, it takes wrong parity too."""
        line = self.faults.line
        return data if line is None else reheard(data, self._profile.line, line)

    # --- Private ------------------------------------------------------------------

    def _advance(self, now_s: float) -> None:
        self.source.advance(now_s)
        for other in self._beside:
            other.advance(now_s)
        faults = self.faults
        if not faults.babble:
            self._babbles_s = inf
        elif self._babbles_s == inf:
            self._babbles_s = now_s + _BABBLE_S
        if self._gone and not faults.unplugged:
            self._speaker.begin(now_s)
        self._gone = faults.unplugged

    def _spoilt(self, said: bytes) -> bytes:
        return self.faults.spoil(said, self._dice)

    def _said(self, message: str) -> bytes:
        """What a driver encodes of this message, as things are now."""
        if message == self._profile.identity:
            who = msgspec.structs.asdict(self.faults.identity or self.identity)
            return self._driver.encode(message, who)
        own = {
            it.name: self._voices[it.name].of(self._tells[it.name].values(it.modality))
            for it in self._profile.channels
            if it.message == message
        }
        if len(own) == 1:
            (said,) = own.values()
            return self._driver.encode(message, said)
        common = {
            name: value
            for values in own.values()
            for name, value in values.items()
            if (message, name) in self._common
        }
        return self._driver.encode(message, common, own)


def _spoken(
    profile: TableProfile, say: Callable[[str], bytes]
) -> tuple[ModbusDriver | FramedDriver, Speaker]:
    """Who encodes for a profile of this style, and who answers."""
    if isinstance(profile, ModbusProfile):
        return ModbusDriver(profile), Registers(profile, say)
    if isinstance(profile, BytesProfile | TextProfile):
        return FramedDriver(profile), Messages(profile, say)
    raise _no_simulation(profile)


def _no_simulation(profile: Profile) -> ConfigError:
    return ConfigError(
        f"profile {profile.name} cannot be simulated",
        hint="only a profile that says it all in tables can",
    )
