"""What a device can say of its values in the words that its profile has.

A profile may know fewer states than the device has, other words for a waveform, or one
frequency where the device has another: then it says what comes nearest.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from devicelog.drivers.meaning import Values, codes
from devicelog.drivers.profile import Cell, Channel
from devicelog.model.fields import Value
from devicelog.model.states import State

# What is said where a state has no code, in order.
_INSTEAD: Final[dict[State, tuple[State, ...]]] = {
    "selftest": ("idle", "ready"),
    "idle": ("ready", "finished"),
    "ready": ("idle",),
    "ramping": ("running",),
    "running": ("ramping",),
    "hold_contact": ("paused", "running", "ramping"),
    "paused": ("hold_contact", "ready", "idle"),
    "finished": ("idle", "ready"),
    "aborted": ("finished", "idle", "ready"),
    "fault": ("aborted", "finished", "idle", "ready"),
}


class Voice:
    """The words of one channel of a profile; `cells` are those of its message."""

    def __init__(self, channel: Channel, cells: Sequence[Cell]) -> None:
        self._state = channel.state
        known = set(channel.states.values())
        self._states = {
            state: next((it for it in (state, *others) if it in known), state)
            for state, others in _INSTEAD.items()
        }
        self._words = {
            cell.name: tuple(codes(cell).values())
            for cell in cells
            if cell.values and cell.name != channel.state
        }

    def of(self, values: Mapping[str, Value]) -> Values:
        """These values as it says them; the run state is `state`."""
        said = {**values}
        said[self._state] = self._states[said.pop("state")]  # type: ignore[index]
        for name, words in self._words.items():
            value = said.get(name)
            if value is not None and value not in words:
                said[name] = _nearest(value, words)
        return said


def _nearest(value: Value, words: Sequence[Value]) -> Value:
    """The nearest number, or the word that begins alike; itself where none does."""
    if isinstance(value, str):
        alike = (it for it in words if isinstance(it, str) and _alike(it, value))
        return next(alike, value)
    numbers = [it for it in words if not isinstance(it, str | bool)]
    return min(numbers, key=lambda it: abs(it - value), default=value)


def _alike(word: str, other: str) -> bool:
    return word.startswith(other) or other.startswith(word)
