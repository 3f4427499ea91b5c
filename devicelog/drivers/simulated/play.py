"""What is done to a virtual device, and when; and what must come of it.

A script's steps count from the start of its treatment (the start key is second 0).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from devicelog.drivers.simulated.channel import Action
from devicelog.drivers.simulated.equipment import (
    LARGE,
    Combined,
    Current,
    Head,
    Programme,
)
from devicelog.drivers.simulated.faults import Faults, Trouble, Troubles
from devicelog.drivers.simulated.interferential import Interferential
from devicelog.drivers.simulated.machine import Channel, Machine
from devicelog.drivers.simulated.ultrasound import Ultrasound
from devicelog.model.fields import Value
from devicelog.model.flow import EventName
from devicelog.model.states import EndReason, Flag, Modality

LOADED_BEFORE_S: Final = 5.0
Loaded = Programme | Current | Combined


class Step(msgspec.Struct, frozen=True):
    """At this time this happens to the device; for `value` see `Action`.

    `to`: the channel that is meant, where it is not the one that is treated with.
    """

    at_s: float
    action: Action
    value: Loaded | Head | int | float | tuple[float, float] | str | None = None
    to: Modality | None = None


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """A session that must come of a script. Seconds count from the start key.

    `edges`: what happens in it, and when. `totals`: of the catalogue. `satp_j`,
    `sata_j`: energy if the intensity that is shown is SATP or SATA.
    """

    ends_s: float
    starts_s: float = 0.0
    modality: Modality = "us"
    reason: EndReason = "completed"
    edges: tuple[tuple[float, EventName], ...] = ()
    totals: dict[str, float] = {}
    satp_j: float | None = None
    sata_j: float | None = None
    flags: tuple[Flag, ...] = ()


class Script(msgspec.Struct, frozen=True):
    """One treatment from loading its programme to the device being idle again.

    `ends_s`: when the treatment ends (0: not told); with `head`, `ramp_s` and
    `timer_error_pct` the device is made (see `Ultrasound`). `expects`: the sessions
    that come of it. `begins_at`: the day and time (UTC) that it is about, if any.
    `troubles`: what goes wrong between the device and who listens.
    """

    meaning: str
    programme: Loaded
    ends_s: float = 0.0
    steps: tuple[Step, ...] = ()
    head: Head = LARGE
    ramp_s: float = 0.0
    timer_error_pct: float = 0.0
    expects: tuple[Expected, ...] = ()
    begins_at: str = ""
    troubles: tuple[Trouble, ...] = ()

    @property
    def modalities(self) -> frozenset[Modality]:
        """The channels that a device must have for it."""
        if isinstance(self.programme, Combined):
            return frozenset({"us", "if"})
        return frozenset({"us" if isinstance(self.programme, Programme) else "if"})

    def device(self) -> Machine:
        """A device as this treatment needs it."""
        error_pct = self.timer_error_pct
        sound = Ultrasound(
            self.head, ramp_s=self.ramp_s, ramp_from=1.0, timer_error_pct=error_pct
        )
        current = Interferential(timer_error_pct=error_pct)
        channels: tuple[Channel, ...] = (sound, current)
        return Machine(*(it for it in channels if it.modality in self.modalities))

    def timeline(self, begin_s: float = 10.0) -> list[Step]:
        """The steps in the device's own time: the start key is pressed at `begin_s`."""
        steps = (
            Step(-LOADED_BEFORE_S, "load", self.programme),
            Step(0.0, "start"),
            *self.steps,
        )
        return _later(steps, begin_s)

    def player(self, begin_s: float = 10.0) -> "Player":
        """This treatment, on a device of its own."""
        troubles = _later(self.troubles, begin_s)
        return Player(self.device(), self.timeline(begin_s), troubles)


class Player:
    """A device to which a script happens. `ignored` are steps that did nothing."""

    def __init__(
        self,
        device: Machine | Channel,
        steps: Iterable[Step],
        troubles: Sequence[Trouble] = (),
    ) -> None:
        self.device = device if isinstance(device, Machine) else Machine(device)
        self.ignored: list[Step] = []
        self._troubles = Troubles(troubles)
        self._steps = iter(steps)
        self._next = next(self._steps, None)

    @property
    def modalities(self) -> frozenset[Modality]:
        """The channels that it can tell of."""
        return frozenset(self.device.channels)

    @property
    def faults(self) -> Faults:
        """What is wrong now with how it is heard; may be changed."""
        return self._troubles.faults

    @property
    def due_s(self) -> float:
        """When that changes by the script; infinite: no more."""
        return self._troubles.due_s

    def advance(self, to_s: float) -> None:
        """Let time pass, and what the script has for it happen at its own time."""
        while self._next is not None and self._next.at_s <= to_s:
            step = self._next
            self.device.advance(step.at_s)
            if not self.device.press(step.action, step.value, step.to):
                self.ignored.append(step)
            self._next = next(self._steps, None)
        self.device.advance(to_s)
        self._troubles.advance(to_s)

    def values(self, modality: Modality) -> Mapping[str, Value]:
        """See `Machine.values`."""
        return self.device.values(modality)


_Timed = TypeVar("_Timed", Step, Trouble)


def _later(them: Iterable[_Timed], by_s: float) -> list[_Timed]:
    return [msgspec.structs.replace(it, at_s=by_s + it.at_s) for it in them]
