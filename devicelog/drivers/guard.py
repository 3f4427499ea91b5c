"""Another package's driver, held to the contract: what it gets wrong stays its own.

A fault in it becomes noise that says so; it never reaches the loop that serves all
devices. Bytes that it loses or makes up are told as what arrived.
"""

from collections.abc import Sequence
from typing import Final

from devicelog.drivers.base import Driver, Heard, Request
from devicelog.drivers.profile import Profile
from devicelog.model.fields import FIELDS
from devicelog.model.flow import Decoded, Frame, Noise
from devicelog.model.states import DECODED
from devicelog.wire.base import Framer

_LONGEST: Final = 65_536


class GuardedDriver:
    """See `drivers.base.Driver`."""

    def __init__(self, driver: Driver, name: str) -> None:
        self.profile: Profile = driver.profile
        self._driver = driver
        self._name = name
        self._channels = {it.name for it in driver.profile.channels}

    def framer(self) -> Framer:
        """See `Driver`."""
        return _GuardedFramer(self._driver, self._name)

    def identify(self) -> Request | None:
        """See `Driver`."""
        return self._driver.identify()

    def polls(self) -> Sequence[Request]:
        """See `Driver`."""
        return self._driver.polls()

    def sent(self, request: Request) -> None:
        """See `Driver`."""
        self._driver.sent(request)

    def hear(self, frame: Frame) -> Heard:
        """See `Driver`."""
        try:
            heard = self._driver.hear(frame)
            wrong = next(filter(None, map(self._wrong, heard.decoded)), "")
        except Exception as error:  # noqa: BLE001  whatever a foreign package raises
            return Heard(problem=_fault(self._name, error))
        return Heard(problem=wrong) if wrong else heard

    # --- Private ------------------------------------------------------------------

    def _wrong(self, decoded: Decoded) -> str:
        """Why this cannot be believed: what a profile of tables would refuse."""
        if decoded.channel not in self._channels:
            return f"driver {self._name}: no channel is named {decoded.channel}"
        if decoded.state not in DECODED:
            return f"driver {self._name}: no state is named {decoded.state}"
        for name, value in decoded.values.items():
            if name not in FIELDS:
                return f"driver {self._name}: {name} is not in the catalogue"
            if not FIELDS[name].plausible(value):
                return f"{name}: {value} is not plausible"
        return ""


class _GuardedFramer:
    """See `wire.base.Framer`."""

    def __init__(self, driver: Driver, name: str) -> None:
        self._driver = driver
        self._name = name
        self._framer: Framer | None = None
        self._held = b""

    @property
    def pending(self) -> int:
        """See `Framer`."""
        return len(self._held)

    def feed(self, data: bytes) -> Sequence[Frame | Noise]:
        """See `Framer`."""
        self._held += data
        try:
            self._framer = self._framer or self._driver.framer()
            pieces = [*self._framer.feed(data)]
            told = b"".join(piece.data for piece in pieces)
        except Exception as error:  # noqa: BLE001  whatever a foreign package raises
            return self._failed(_fault(self._name, error))
        if not self._held.startswith(told):
            return self._failed(f"driver {self._name} tells bytes that never came")
        self._held = self._held[len(told) :]
        if len(self._held) > (_LONGEST if data else 0):
            why = f"driver {self._name} holds {len(self._held)} bytes back"
            return [*pieces, *self._failed(why)]
        return pieces

    def _failed(self, why: str) -> list[Frame | Noise]:
        lost, self._held, self._framer = self._held, b"", None
        return [Noise(lost, why)] if lost else []


def _fault(name: str, error: Exception) -> str:
    return f"driver {name} failed: {type(error).__name__}: {error}"
