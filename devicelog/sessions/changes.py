"""What a person changed while a session ran: told between two running readings.

An amplitude is watched apart, for it moves by itself: the first rise after a start or
resume and the fall at an end are no changes. A standing amplitude that rises is told at
once; one that fell, or was stopped, is told when it stands again at another level.
"""

from typing import Final, NamedTuple

from devicelog.model.dose import Values
from devicelog.model.fields import AMPLITUDES, SETTINGS, Value

_HEAD: Final = ("head_id", "head_serial", "era_cm2", "bnr")
_LEVELS: Final = SETTINGS & {
    "power_w",
    *(name for names in AMPLITUDES.values() for name in names),
}


class Change(NamedTuple):
    """A setting's old and new value, and since when the new one was on its way."""

    field: str
    old: Value
    new: Value
    began_ns: int | None = None


class Changes:
    """Compares each running reading with the one before."""

    def __init__(self, values: Values) -> None:
        self._before: Values | None = None
        self._head = values
        # Where an amplitude last stood; which ones move, and since when if they did.
        self._stood: dict[str, Value] = {}
        self._moving: dict[str, int | None] = {}
        self._interrupted = False

    def interrupted(self) -> None:
        """Output stops here: a pause, lost contact, a fault. It will rise again."""
        self._interrupted = True
        self._moving |= dict.fromkeys(self._stood)

    def swapped(self, values: Values) -> bool:
        """Whether output begins again with another head than before."""
        old = self._head
        return any(
            old.get(name, values[name]) != values[name]
            for name in _HEAD
            if name in values
        )

    def put_on(self, values: Values) -> None:
        """A new segment begins with this head."""
        self._head = values

    def standing(self, *names: str) -> bool:
        """Whether these amplitudes stand where a person put them."""
        return self._before is not None and not any(n in self._moving for n in names)

    def see(self, values: Values, at_ns: int) -> list[Change]:
        """A running reading: what differs from the one before."""
        before, self._before = self._before, values
        interrupted, self._interrupted = self._interrupted, False
        self._head = values
        if before is None:
            self._moving = dict.fromkeys(_LEVELS & values.keys())
            return []
        changes: list[Change] = []
        get, moving = before.get, self._moving
        for name, value in values.items():
            old = get(name, value)
            if name in _LEVELS:
                if name in moving or old != value:
                    self._follow(changes, name, old, value, at_ns)
            elif old == value or name not in SETTINGS:
                continue
            elif not (interrupted and name in _HEAD):
                changes.append(Change(name, old, value))
        return changes

    def _follow(
        self, changes: list[Change], name: str, old: Value, value: Value, at_ns: int
    ) -> None:
        """Follow one amplitude that moves or begins to."""
        if name not in self._moving:
            stood = self._stood.setdefault(name, old)
            if float(value) > float(stood):
                changes.append(Change(name, stood, value))
                self._stood[name] = value
            else:
                self._moving[name] = at_ns
        elif value != old:
            self._moving[name] = self._moving[name] or at_ns
        elif value:  # it stands again
            since = self._moving.pop(name)
            stood = self._stood.get(name, value)
            if stood != value:
                changes.append(Change(name, stood, value, since))
            self._stood[name] = value
