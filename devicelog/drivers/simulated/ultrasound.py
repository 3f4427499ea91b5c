"""A virtual ultrasound device: states, timer, contact; it reads no clock."""

import random
from typing import Final

from devicelog.model.dose import Values

_CODES: Final = {"idle": "0", "ready": "1", "running": "3", "hold_contact": "4"}
_CODES_END: Final = {"paused": "5", "finished": "6"}
_TIMES: Final = (40.0, 60.0, 90.0)


class Ultrasound:
    """Plays plausible treatments one after the other; the same seed plays the same.

    `advance(to_s)` moves it to a time in seconds; `values` are those of the profile
    `us-modbus` then.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  (no secret hangs on it)
        self._now = 0.0
        self._state = "idle"
        self._next = self._random.uniform(1, 4)
        self._left = self._set = 0.0
        self._temperature = 24.0
        self._intensity, self._duty, self._frequency = 0.5, 20, 3.0

    def advance(self, to_s: float) -> None:
        """Let time pass up to here."""
        while self._next <= to_s:
            self._count(self._next)
            self._turn()
        self._count(to_s)

    @property
    def values(self) -> Values:
        """What the device would show now."""
        return {
            "state": (_CODES | _CODES_END)[self._state],
            "time_set_s": self._set,
            "time_left_s": self._left,
            "frequency_mhz": self._frequency,
            "duty_pct": self._duty,
            "intensity_w_cm2": self._intensity,
            "era_cm2": 5.0,
            "bnr": 4.1,
            "contact_ok": self._state != "hold_contact",
            "head_temp_c": self._temperature,
            "head_id": "A5",
        }

    def _count(self, to_s: float) -> None:
        passed, self._now = to_s - self._now, to_s
        if self._state == "running":
            self._left = max(0.0, self._left - passed)
            self._temperature = min(38.0, self._temperature + 0.05 * passed)

    def _turn(self) -> None:
        """The next thing that happens in the room."""
        if self._state in ("idle", "finished"):
            self._begin()
        elif self._state == "running" and self._left > 0:
            self._state = self._random.choice(["hold_contact", "paused"])
            self._next += self._random.uniform(2, 5)
        elif self._state == "running":
            self._state = "finished"
            self._next += self._random.uniform(5, 12)
        else:
            self._resume()

    def _begin(self) -> None:
        self._set = self._left = self._random.choice(_TIMES)
        self._intensity = self._random.choice([0.3, 0.5, 0.8, 1.0])
        self._duty = self._random.choice([20, 50, 100])
        self._frequency = self._random.choice([1.0, 3.0])
        self._resume()

    def _resume(self) -> None:
        self._state = "running"
        until = self._random.uniform(8, 40)
        self._next += min(self._left, until)
