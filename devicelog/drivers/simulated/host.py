"""Another's host that asks a device, as one hears both who listens on their line."""

from math import inf

from devicelog.drivers.load import driver
from devicelog.drivers.profile import Profile
from devicelog.drivers.simulated.device import VirtualDevice


class Overheard:
    """The requests of a host and the answers to them, on one line.

    A device that speaks unasked is heard as it is. `intruded`: bytes that whoever
    listens has sent, which must never be more than none.
    """

    def __init__(self, profile: Profile, device: VirtualDevice) -> None:
        asks = driver(profile)
        identify = asks.identify()
        self.device = device
        self.intruded = 0
        self._interval_s = profile.interval_s
        self._polls = [it.data for it in asks.polls()]
        self._first = [identify.data] if identify and self._polls else []
        self._next_s = 0.0 if self._polls else inf

    @property
    def unplugged(self) -> bool:
        """See `VirtualDevice`."""
        return self.device.unplugged

    @property
    def due_s(self) -> float:
        """When something is next to be heard."""
        return min(self._next_s, self.device.due_s)

    def receive(self, data: bytes, now_s: float) -> bytes:
        """Somebody speaks who should listen."""
        del now_s
        self.intruded += len(data)
        return b""

    def speak(self, now_s: float) -> bytes:
        """What was to be heard up to now."""
        heard = []
        while (due := self.due_s) <= now_s:
            heard.append(self.device.speak(due))
            if due == self._next_s:
                heard.append(self._asked(due))
                self._next_s += self._interval_s
        return b"".join(heard)

    # --- Private ------------------------------------------------------------------

    def _asked(self, now_s: float) -> bytes:
        """One cycle: each request, and what is said to it. Both agree on the line."""
        requests, self._first = [*self._first, *self._polls], []
        cycle = b"".join(it + self.device.converse(it, now_s) for it in requests)
        return self.device.on_line(cycle)
