"""Profiles of style modbus_rtu: answers are read as what was last asked, or overheard.

Modbus answers do not say what they answer, only unit and function; so an answer counts
for the request last sent, or last heard on the line where another asks (tap, echo). An
answer to a request that the profile does not declare is a frame without a reading.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from devicelog.drivers.base import Heard, Request
from devicelog.drivers.layout import Layout, of_read
from devicelog.drivers.meaning import Values
from devicelog.drivers.profile import ModbusProfile
from devicelog.drivers.subject import (
    NOTHING_OWN,
    Subject,
    channel_cells,
    identity,
    identity_cells,
    subjects,
)
from devicelog.model.flow import Frame
from devicelog.wire import modbus

_FUNCTION: Final = 0x7F  # without the bit that says "refused"


class _Asked(msgspec.Struct, frozen=True):
    """A declared request, and how its answer is read."""

    request: Request
    function: int
    size: int  # bytes of data in the answer
    identity: Layout | None
    channels: tuple[tuple[Subject, Layout], ...]


class ModbusDriver:
    """See `drivers.base.Driver`. Also says what a virtual device would answer."""

    def __init__(self, profile: ModbusProfile) -> None:
        self.profile = profile
        self._unit = profile.wire.unit
        self._declared = {it.request.name: it for it in _declared(profile)}
        self._by_bytes = {it.request.data: it for it in self._declared.values()}
        self._asked: _Asked | None = None

    def framer(self) -> modbus.Framer:
        """See `Driver`."""
        return modbus.Framer()

    def identify(self) -> Request | None:
        """See `Driver`."""
        asked = self._declared.get(self.profile.identity)
        return asked.request if asked else None

    def polls(self) -> Sequence[Request]:
        """See `Driver`."""
        return [it.request for it in self._declared.values() if it.channels]

    def sent(self, request: Request) -> None:
        """See `Driver`."""
        self._asked = self._declared.get(request.name)

    def hear(self, frame: Frame) -> Heard:
        """See `Driver`."""
        data, asked = frame.data, self._asked
        if len(data) < modbus.SHORTEST:
            return Heard(problem="too short for a frame")
        if data[0] != self._unit:
            does = "is asked" if frame.kind == "request" else "answers"
            return Heard(foreign=f"unit {data[0]} {does}, not {self._unit}")
        if frame.kind == "request" and not _also_answers(data, asked):
            self._asked = self._by_bytes.get(data)
            return Heard()
        return self._answered(asked, frame) if asked else Heard()

    def encode(
        self, message: str, values: Values, own: Mapping[str, Values] = NOTHING_OWN
    ) -> bytes:
        """The data that answer this request when these values hold, of all channels.

        `values` may hold `state` cells by name and, for the identity, its texts. What a
        channel says differently from the others stands in `own`, by its name.
        Raises ValueError where the profile has no way to say a value.
        """
        asked = self._declared[message]
        block = bytearray(asked.size)
        if asked.identity:
            asked.identity.encode(values, block)
        for subject, layout in asked.channels:
            layout.encode(subject.said(values, own), block)
        return bytes(block)

    # --- Private ------------------------------------------------------------------

    def _answered(self, asked: _Asked, frame: Frame) -> Heard:
        data = frame.data
        if frame.kind == "exception":
            return self._refused(asked, data)
        if data[1] != asked.function or data[2] != asked.size:
            return Heard(
                problem=f"function {data[1]} with {data[2]} bytes answers; asked was "
                f"`{asked.request.name}`: function {asked.function}, {asked.size} bytes"
            )
        self._asked = None
        return _answer(asked, data[3:-2])

    def _refused(self, asked: _Asked, data: bytes) -> Heard:
        if data[1] & _FUNCTION != asked.function:
            return Heard()
        self._asked = None
        name = asked.request.name
        words = modbus.EXCEPTIONS.get(data[2], "for no known reason")
        text = f"the device refuses request `{name}`: {words} (exception {data[2]})"
        return Heard(answers=name, refusal=text)


def _declared(profile: ModbusProfile) -> list[_Asked]:
    """The profile's requests, with the layouts of whom their answers speak of."""
    declared = []
    for it in profile.messages:
        data = modbus.request(profile.wire.unit, it.function, it.address, it.count)
        who = it.name == profile.identity
        declared.append(
            _Asked(
                request=Request(it.name, data),
                function=it.function,
                size=modbus.size(it.function, it.count),
                identity=of_read(it, identity_cells(profile.cells, it.name))
                if who
                else None,
                channels=tuple(
                    (
                        subject,
                        of_read(it, channel_cells(profile.cells, subject.channel)),
                    )
                    for subject in subjects(profile, it.name)
                ),
            )
        )
    return declared


def _also_answers(data: bytes, asked: _Asked | None) -> bool:
    """Whether what looks like a request is the answer that is waited for.

    Three bytes of bits make an answer as long as a request (wire.modbus).
    """
    return (
        asked is not None
        and data != asked.request.data
        and data[1] == asked.function
        and data[2] == asked.size == len(data) - 5
    )


def _answer(asked: _Asked, data: bytes) -> Heard:
    name = asked.request.name
    if asked.identity:
        values, problem = asked.identity.decode(data)
        if problem:
            return Heard(answers=name, problem=problem)
        return Heard(answers=name, identity=identity(values))
    decoded = []
    for subject, layout in asked.channels:
        values, problem = layout.decode(data)
        if problem:
            return Heard(answers=name, problem=problem)
        decoded.append(subject.decoded(values))
    return Heard(answers=name, decoded=decoded)
