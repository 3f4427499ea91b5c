"""Whom an answer speaks of: a channel with its state, constants and timer.

Knows no bytes; every framing style makes its readings here.
"""

from collections.abc import Sequence
from typing import Final, cast

import msgspec

from devicelog.drivers.meaning import Values
from devicelog.drivers.profile import Cell, Channel, Profile
from devicelog.model.fields import Value
from devicelog.model.flow import Decoded
from devicelog.model.states import State

# The cells of an identity request, and nothing else.
IDENTITY: Final = ("model", "serial", "firmware")


class Subject:
    """One channel: values as decoded in, a reading without time out."""

    def __init__(self, profile: Profile, channel: Channel) -> None:
        self.channel = channel
        self.cells = channel_cells(profile, channel)
        self._name = channel.name
        self._state = channel.state
        self._constants: dict[str, Value] = {**channel.constants}
        names = {cell.name for cell in self.cells} | set(self._constants)
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
            _count_down(values)
        return Decoded(self._name, state, values)


def subjects(profile: Profile, request: str) -> list[Subject]:
    """The channels of which the answer to this request speaks."""
    return [Subject(profile, it) for it in profile.channels if it.request == request]


def channel_cells(profile: Profile, channel: Channel) -> tuple[Cell, ...]:
    """The channel's cells; its state cell maps codes to canonical states."""
    return tuple(
        _with_states(cell, channel) if cell.name == channel.state else cell
        for cell in profile.cells
        if cell.request == channel.request and cell.channel in ("", channel.name)
    )


def identity_cells(profile: Profile) -> Sequence[Cell]:
    """The cells that say who answers."""
    return [it for it in profile.cells if it.request == profile.identity]


# --- Private ----------------------------------------------------------------------


def _with_states(cell: Cell, channel: Channel) -> Cell:
    states = dict(channel.states)
    return msgspec.structs.replace(cell, values=states, other="", absent=None)


def _count_down(values: Values) -> None:
    elapsed, whole = values.get("time_elapsed_s"), values.get("time_set_s")
    if elapsed is not None and whole is not None:
        values["time_left_s"] = max(0.0, float(whole) - float(elapsed))
