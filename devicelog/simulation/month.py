"""Weeks of a made-up clinic through the whole pipeline, as fast as the machine allows.

Virtual devices encode bytes, pipelines read them, the journal's writer commits what
comes of it. Nothing waits: the clock is ours. What was encoded must be what is found in
the journal: see `conserve`.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, date, datetime, time, tzinfo
from typing import Final

import msgspec

from devicelog import __version__
from devicelog.clock import SECOND, ManualClock
from devicelog.drivers.load import driver, load
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.machine import machine
from devicelog.drivers.simulated.play import Player
from devicelog.journal.writer import Writer
from devicelog.model.flow import Draft, Identity
from devicelog.model.kinds import ConfigBody, Counts
from devicelog.recorder.device import Device
from devicelog.recorder.drafts import NO_CHANNEL, NO_DEVICE, Drafter
from devicelog.recorder.settings import DeviceSettings
from devicelog.recorder.timebase import Timebase
from devicelog.simulation.desk import Desk
from devicelog.simulation.plan import BEAT_S, DAY_S, Room, rooms, working_days
from devicelog.simulation.rehearsal import Rehearsal, together

_GROUP: Final = 500  # entries handed over together
_AHEAD: Final = 5_000  # entries that wait for the disk, at most: memory stays flat
_WAIT_S: Final = 60.0
_LOOK_S: Final = 900


class Told(msgspec.Struct, frozen=True):
    """What a month gave, counted before the journal had it.

    By device: bytes that its virtual device sent, and its pipeline's own counts.
    """

    run_id: str
    days: int
    entries: int
    sent: dict[str, int]
    counts: dict[str, Counts]
    visits: dict[str, int]  # treatments planned
    bindings: int
    purposes: int


class Month:
    """So many working days up to `last`, in the clinic's own time zone.

    `seed` decides everything; `run_id` and keys are the same for the same seed.
    `happens` makes of days and seed what happens in each room.
    """

    def __init__(
        self,
        last: date,
        days: int = 22,
        *,
        seed: int = 1,
        zone: tzinfo = UTC,
        holidays: Collection[date] = (),
        happens: Callable[[list[date], int], list[Room]] = rooms,
    ) -> None:
        self.days = working_days(last, days, holidays)
        self.rooms = happens(self.days, seed)
        self.clock = ManualClock(_midnight_ns(self.days[0], zone), mono_ns=SECOND)
        self._seed = seed
        self._run_id = f"history-{seed}-{last:%Y%m%d}"
        self._timebase = Timebase(self.clock, self._run_id)
        self._drafter = Drafter(self._run_id, NO_DEVICE, NO_CHANNEL, self._timebase)
        self._began_ns = self.clock.mono_ns()
        names = set()
        self._rehearsals = []
        for number, room in enumerate(self.rooms, 1):
            names.add(room.device.name)
            self._rehearsals.append(self._rehearsal(room, number))
        self._desk = Desk(self.rooms, seed, self._timebase.at(self._began_ns))

    def write(
        self,
        writer: Writer,
        progress: Callable[[int], None] = lambda _: None,
        look: Callable[[], None] | None = None,
    ) -> Told:
        """All of it into this journal; `progress` is told how many days are over.

        `look` is called each quarter of an hour, when all before it is durable.
        Returns once everything is durable. Raises JournalError.
        """
        lane = _Lane(writer)
        lane.put([self._run("start"), *self._anchor()])
        for n, day in enumerate(self.days, 1):
            last_s = ((day - self.days[0]).days + 1) * DAY_S
            end_ns = self._began_ns + last_s * SECOND
            while self.clock.mono_ns() < end_ns:
                self._on(lane, end_ns if look is None else self._next_ns())
                if look is not None:
                    lane.settle()
                    look()
            progress(n)
        for it in self._rehearsals:
            lane.put(it.device.stop(self.clock.mono_ns()).drafts)
        lane.put([self._run("stop")])
        lane.settle()
        return self._told(lane.entries)

    @property
    def devices(self) -> list[Device]:
        """The pipelines, one a room."""
        return [it.device for it in self._rehearsals]

    # --- Private ------------------------------------------------------------------

    def _on(self, lane: "_Lane", end_ns: int) -> None:
        """All that happens before this time."""
        for drafts in together(self._rehearsals, end_ns):
            lane.put(drafts + self._desk.after(drafts))
        self.clock.advance((end_ns - self.clock.mono_ns()) / SECOND)

    def _next_ns(self) -> int:
        return self.clock.mono_ns() + _LOOK_S * SECOND

    def _rehearsal(self, room: Room, number: int) -> Rehearsal:
        profile = load(room.device.profile)
        player = Player(
            machine(room.device.modalities, self._seed + number),
            room.steps,
            room.troubles,
        )
        serial = f"SIM{number:05d}"
        who = Identity("SIMULATED", serial, "1.0")
        spoken = msgspec.structs.replace(profile, interval_s=BEAT_S)
        virtual = VirtualDevice(spoken, player, who, seed=self._seed + number)
        name, label = room.device.name, room.device.label
        settings = DeviceSettings(
            name, room.device.profile, f"/dev/{name}", label=label, serial=serial
        )
        device = Device(
            settings,
            driver(profile),
            run_id=self._run_id,
            timebase=self._timebase,
            taken=lambda _: False,
        )
        return Rehearsal(device, virtual, self._began_ns)

    def _anchor(self) -> Iterator[Draft]:
        for body in self._timebase.observe(live=False):
            yield self._drafter.at("clock", body, body.mono_ns)

    def _run(self, event: str) -> Draft:
        drivers = [it.device.driver.profile for it in self._rehearsals]
        body = ConfigBody(
            event="start" if event == "start" else "stop",
            run_id=self._run_id,
            boot_id=self._run_id,
            mono_ns=self.clock.mono_ns(),
            version=__version__,
            simulated=True,
            profiles={it.name: it.hash for it in drivers},
            devices={it.device.name: it.device.profile for it in self.rooms},
        )
        return self._drafter.at("config", body, self.clock.mono_ns())

    def _told(self, entries: int) -> Told:
        return Told(
            run_id=self._run_id,
            days=len(self.days),
            entries=entries,
            sent={it.device.settings.name: it.sent for it in self._rehearsals},
            counts={
                it.device.settings.name: it.device.counts for it in self._rehearsals
            },
            visits={it.device.name: len(it.visits) for it in self.rooms},
            bindings=self._desk.bindings,
            purposes=self._desk.purposes,
        )


class _Lane:
    """Groups of entries on their way to the writer, some at a time."""

    def __init__(self, writer: Writer) -> None:
        self.entries = 0
        self._writer = writer
        self._held: list[Draft] = []

    def put(self, drafts: list[Draft]) -> None:
        self._held += drafts
        if len(self._held) >= _GROUP:
            self._hand_over()

    def settle(self) -> None:
        self._hand_over()
        self._writer.append([], _WAIT_S)

    def _hand_over(self) -> None:
        held, self._held = self._held, []
        self.entries += len(held)
        while self._writer.backlog > _AHEAD or not self._writer.submit(held):
            self._writer.append([], _WAIT_S)  # raises if the writer has given up


def _midnight_ns(day: date, zone: tzinfo) -> int:
    return round(datetime.combine(day, time(), zone).timestamp()) * SECOND
