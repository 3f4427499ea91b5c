"""Driver of profiles in the style modbus_rtu: pairs answers with what was asked."""

import struct
from collections.abc import Sequence

from devicelog.drivers.base import Heard, Request
from devicelog.drivers.layout import Layout
from devicelog.drivers.profile import Channel, Profile
from devicelog.drivers.profile import Request as Declared
from devicelog.model.dose import Values
from devicelog.model.flow import Decoded, Frame, Identity
from devicelog.wire import modbus


class ModbusDriver:
    """See drivers.base.Driver."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._unit = profile.wire.unit
        self._declared = {it.name: it for it in profile.requests}
        self._requests = {
            it.name: Request(
                it.name,
                modbus.request(self._unit, it.function, it.address, it.count),
            )
            for it in profile.requests
        }
        self._layouts = {
            it.name: Layout(
                tuple(cell for cell in profile.cells if cell.request == it.name),
                2 * it.count,
            )
            for it in profile.requests
        }
        self._asked: Declared | None = None

    def framer(self) -> modbus.Framer:
        """See Driver."""
        return modbus.Framer()

    def identify(self) -> Request | None:
        """See Driver."""
        return self._requests.get(self.profile.identity)

    def polls(self) -> Sequence[Request]:
        """See Driver."""
        wanted = dict.fromkeys(channel.request for channel in self.profile.channels)
        return [self._requests[name] for name in wanted]

    def sent(self, request: Request) -> None:
        """See Driver."""
        self._asked = self._declared[request.name]

    def hear(self, frame: Frame) -> Heard:
        """See Driver."""
        data = frame.data
        if data[0] != self._unit:
            return Heard(foreign=f"unit {data[0]} speaks, not {self._unit}")
        if frame.kind == "request":
            self._overhear(data)
            return Heard()
        asked = self._asked
        if asked is None or data[1] & 0x7F != asked.function:
            return Heard()
        if frame.kind == "exception":
            return Heard(
                answers=asked.name,
                refusal=f"the device refuses {asked.name} with exception {data[2]}",
            )
        return self._answer(asked, data[3:-2])

    def encode(self, name: str, values: Values) -> bytes:
        """The block that answers this request, for a virtual device."""
        return self._layouts[name].encode(values)

    def _overhear(self, data: bytes) -> None:
        _, function, address, count = struct.unpack(">BBHH", data[:6])
        for it in self.profile.requests:
            if (it.function, it.address, it.count) == (function, address, count):
                self._asked = it
                return
        self._asked = None

    def _answer(self, asked: Declared, block: bytes) -> Heard:
        values, problem = self._layouts[asked.name].decode(block)
        if problem:
            return Heard(answers=asked.name, problem=problem)
        if asked.name == self.profile.identity:
            who = Identity(
                **{
                    key: str(values.get(key, ""))
                    for key in ("model", "serial", "firmware")
                }
            )
            return Heard(answers=asked.name, identity=who)
        decoded = []
        for channel in self.profile.channels:
            if channel.request == asked.name:
                code = str(values.pop(channel.state, ""))
                if code not in channel.states:
                    text = f"state code {code} is not in the profile"
                    return Heard(answers=asked.name, problem=text)
                decoded.append(self._decoded(channel, code, values))
        return Heard(answers=asked.name, decoded=decoded)

    def _decoded(self, channel: Channel, code: str, values: Values) -> Decoded:
        values |= channel.constants
        if channel.modality == "us":
            values["intensity_convention"] = self.profile.convention
        if "time_left_s" not in values and "time_elapsed_s" in values:
            left = float(values.get("time_set_s", 0)) - float(values["time_elapsed_s"])
            values["time_left_s"] = max(0.0, left)
        return Decoded(channel.name, channel.states[code], values)
