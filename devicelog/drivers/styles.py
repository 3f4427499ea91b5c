"""Framing styles: the shapes of a profile of each, and what makes its driver."""

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from devicelog.drivers.base import Driver
from devicelog.drivers.framed import FramedDriver
from devicelog.drivers.installed import python_driver
from devicelog.drivers.modbus import ModbusDriver
from devicelog.drivers.profile import (
    ByteCell,
    BytesMessage,
    BytesProfile,
    Cell,
    Channel,
    Message,
    ModbusProfile,
    Output,
    Profile,
    PythonProfile,
    Read,
    RegisterCell,
    Said,
    TextCell,
    TextMessage,
    TextProfile,
)
from devicelog.wire.counted import CountedWire
from devicelog.wire.delimited import DelimitedWire
from devicelog.wire.lines import LinesWire
from devicelog.wire.stuffed import StuffedWire

Kind = Literal["registers", "octets", "text", "python"]


class LinesProfile(TextProfile, frozen=True, forbid_unknown_fields=True):
    """Style lines."""

    wire: LinesWire


class DelimitedProfile(TextProfile, frozen=True, forbid_unknown_fields=True):
    """Style delimited, data = "text"."""

    wire: DelimitedWire


class BinaryProfile(BytesProfile, frozen=True, forbid_unknown_fields=True):
    """Style delimited, data = "binary"."""

    wire: DelimitedWire


class CountedProfile(BytesProfile, frozen=True, forbid_unknown_fields=True):
    """Style counted."""

    wire: CountedWire


class StuffedProfile(BytesProfile, frozen=True, forbid_unknown_fields=True):
    """Style stuffed."""

    wire: StuffedWire


class Style(NamedTuple):
    """One style. `kind`: what its cells are."""

    kind: Kind
    profile: type[Profile]
    message: type[Message]
    channel: type[Output]
    cell: type[Cell]
    driver: Callable[[Any], Driver]


_BINARY: Final = Style(
    "octets", BinaryProfile, BytesMessage, Channel, ByteCell, FramedDriver
)
STYLES: Final = {
    "modbus_rtu": Style(
        "registers", ModbusProfile, Read, Channel, RegisterCell, ModbusDriver
    ),
    "lines": Style("text", LinesProfile, TextMessage, Channel, TextCell, FramedDriver),
    "delimited": Style(
        "text", DelimitedProfile, TextMessage, Channel, TextCell, FramedDriver
    ),
    "counted": Style(
        "octets", CountedProfile, BytesMessage, Channel, ByteCell, FramedDriver
    ),
    "stuffed": Style(
        "octets", StuffedProfile, BytesMessage, Channel, ByteCell, FramedDriver
    ),
    "python": Style("python", PythonProfile, Said, Output, Cell, python_driver),
}


def named(wire: object) -> str:
    """The style that a `[wire]` table names, or ""."""
    style = wire.get("style") if isinstance(wire, dict) else None
    return style if isinstance(style, str) else ""


def style_of(wire: object) -> Style | None:
    """The style of a `[wire]` table, if there is one of its name."""
    if isinstance(wire, dict) and (named(wire), wire.get("data")) == (
        "delimited",
        "binary",
    ):
        return _BINARY
    return STYLES.get(named(wire))


def driver(profile: Profile) -> Driver:
    """A driver for one device of this family. Raises ConfigError (style python)."""
    return STYLES[profile.wire.style].driver(profile)
