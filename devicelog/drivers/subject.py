"""Whom a message speaks of: a channel with its state, constants and timer.

Knows no bytes; every framing style makes its readings here.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeVar, cast

import msgspec

from devicelog.drivers.meaning import Values
from devicelog.drivers.profile import Cell, Channel, TableProfile
from devicelog.model.fields import Value
from devicelog.model.flow import Decoded, Identity
from devicelog.model.states import State

# The cells of an identity message, and nothing else.
IDENTITY: Final = ("model", "serial", "firmware")
# All channels of a message say the same.
NOTHING_OWN: Final[Mapping[str, Values]] = MappingProxyType({})

_C = TypeVar("_C", bound=Cell)


class Subject:
    """One channel: values as decoded in, a reading without time out; and back."""

    def __init__(self, profile: TableProfile, channel: Channel) -> None:
        self.channel = channel
        self._name = channel.name
        self._state = channel.state
        self._constants: dict[str, Value] = {**channel.constants}
        cells = channel_cells(profile.cells, channel)
        names = {cell.name for cell in cells} | set(self._constants)
        if channel.modality == "us":
            self._constants.setdefault("intensity_convention", profile.convention)
        self._counts_up = (
            profile.timer.direction == "up"
            and {"time_elapsed_s", "time_set_s"} <= names
            and "time_left_s" not in names
        )

    def decoded(self, values: Values) -> Decoded:
        """The reading; `values` becomes part of it.

        Where the timer counts up, time_left_s is what it still has to go.
        """
        state = cast("State", values.pop(self._state))
        values.update(self._constants)
        if self._counts_up:
            _complete(values, "time_elapsed_s", "time_left_s")
        return Decoded(self._name, state, values)

    def said(self, values: Values, own: Mapping[str, Values]) -> Values:
        """What its wire says of these values and its own (`own`, by channel).

        Where it counts up, the time gone.
        """
        if self._name in own:
            values = values | own[self._name]
        if not self._counts_up or "time_elapsed_s" in values:
            return values
        values = {**values}
        _complete(values, "time_left_s", "time_elapsed_s")
        return values


def subjects(profile: TableProfile, message: str) -> list[Subject]:
    """The channels of which this message speaks."""
    return [Subject(profile, it) for it in profile.channels if it.message == message]


def channel_cells(cells: Sequence[_C], channel: Channel) -> list[_C]:
    """The channel's cells; its state cell maps codes to canonical states."""
    return [
        _with_states(cell, channel) if cell.name == channel.state else cell
        for cell in cells
        if cell.message == channel.message and cell.channel in ("", channel.name)
    ]


def identity_cells(cells: Sequence[_C], message: str) -> list[_C]:
    """The cells of the message that says who answers."""
    return [it for it in cells if it.message == message]


def identity(values: Values) -> Identity:
    """Who answers, as decoded."""
    return Identity(**{name: str(values.get(name, "")) for name in IDENTITY})


# --- Private ----------------------------------------------------------------------


def _with_states(cell: _C, channel: Channel) -> _C:
    return msgspec.structs.replace(cell, values=dict(channel.states), other="")


def _complete(values: Values, known: str, wanted: str) -> None:
    """One of time gone and time left, from the other."""
    part, whole = values.get(known), values.get("time_set_s")
    if part is not None and whole is not None:
        values[wanted] = max(0.0, float(whole) - float(part))
