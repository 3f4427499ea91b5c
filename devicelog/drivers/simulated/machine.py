"""A virtual device: its channels, alone or together in one treatment.

In combination therapy the ultrasound head is the moving electrode. Then one key acts on
both channels, and what stops one (a fault, a head that left the skin) stops the other.
"""

from collections.abc import Container
from math import inf
from typing import Any, Final

from devicelog.drivers.simulated.channel import Action, VirtualChannel
from devicelog.drivers.simulated.equipment import Combined, Current, Programme
from devicelog.drivers.simulated.interferential import Interferential
from devicelog.drivers.simulated.ultrasound import Ultrasound
from devicelog.model.fields import Value
from devicelog.model.states import LIVE, Modality

Channel = VirtualChannel[Any]

_MEANS: Final[dict[type, Modality]] = {Programme: "us", Current: "if"}


def machine(modalities: Container[Modality], seed: int = 1) -> "Machine":
    """A device with these channels, in good order."""
    made: tuple[Channel, ...] = (Ultrasound(), Interferential(seed=seed))
    return Machine(*(it for it in made if it.modality in modalities))


class Machine:
    """One channel of each modality at most. Told the time as its channels are."""

    def __init__(self, *channels: Channel) -> None:
        self.channels: dict[Modality, Channel] = {it.modality: it for it in channels}
        self.device_clock = ""
        self._linked = False
        self._chosen: Modality | None = None  # whose programme was loaded last

    def advance(self, to_s: float) -> None:
        """Let time pass. A time that is past already changes nothing."""
        if self._linked:  # what happens to one concerns the other at once
            while (due := self.due_s) <= to_s:
                self._advance(due)
                self._align()
        self._advance(to_s)

    @property
    def due_s(self) -> float:
        """When something happens if nobody does anything; infinite: never."""
        return min((it.due_s for it in self.channels.values()), default=inf)

    def press(
        self, action: Action, value: Any = None, to: Modality | None = None
    ) -> bool:
        """Something is done to the device now; False: it ignores it.

        `to`: the channel that is meant, where it is not the one that is treated with.
        """
        if isinstance(value, Combined):
            self._linked = self._load(value)
            return self._linked
        if action == "clock":
            self.device_clock = str(value)
            return True
        if action == "load":
            to = self._chosen = _MEANS[type(value)]
            self._linked = False
        done = [it.press(action, value) for it in self._meant(action, to)]
        if self._linked:
            self._align()
        return any(done)

    def values(self, modality: Modality) -> dict[str, Value]:
        """What the device says of this channel, and of itself."""
        said = self.channels[modality].values()
        if self.device_clock:
            said["device_clock"] = self.device_clock
        return said

    # --- Private ------------------------------------------------------------------

    def _advance(self, to_s: float) -> None:
        for channel in self.channels.values():
            channel.advance(to_s)

    def _load(self, both: Combined) -> bool:
        self._chosen = None
        parts = {"us": both.sound, "if": both.current}
        done = [it.press("load", parts[it.modality]) for it in self._all()]
        return all(done)

    def _meant(self, action: Action, to: Modality | None) -> list[Channel]:
        """Whom an action concerns."""
        knowing = [it for it in self._all() if action in it.acts]
        to = to or (None if self._linked or action == "reset" else self._chosen)
        meant = [it for it in knowing if to in (None, it.modality)]
        return meant or knowing

    def _all(self) -> list[Channel]:
        return [*self.channels.values()]

    def _align(self) -> None:
        """What stops one channel stops the other."""
        failed = next((it for it in self._all() if it.state == "fault"), None)
        held = any(it.state == "hold_contact" for it in self._all())
        for channel in self._all():
            if failed and channel.state in LIVE:
                channel.press("fail", failed.fault)
            elif held:
                channel.hold()
