"""The same bytes at the same times make the same sessions, however they come.

A walk is what happens on a tapped line: requests and answers of treatments without end,
with damage, silence, losses of the port and restarts of the recorder. It is played
several times: cut elsewhere, with other ticks, under other run ids.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
import pytest
from line.sums import journalled

from devicelog.clock import SECOND, ManualClock
from devicelog.drivers.load import driver, load
from devicelog.drivers.profile import Profile
from devicelog.drivers.simulated.clinic import clinic
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.script import Player
from devicelog.drivers.simulated.ultrasound import Ultrasound
from devicelog.errors import LineLost
from devicelog.journal.reader import Reader
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model.flow import Draft, Entry, Identity
from devicelog.model.kinds import ConfigBody
from devicelog.recorder.device import Device
from devicelog.recorder.drafts import Drafter
from devicelog.recorder.restore import Axis, restore
from devicelog.recorder.settings import DeviceSettings
from devicelog.recorder.timebase import Timebase
from devicelog.wire import modbus
from devicelog.wire.modbus import ModbusWire

# Tracing each line would make the many readings thrice as long.
pytestmark = pytest.mark.no_cover

BOOT = "boot"
WALKS = 20
STEPS = 300


class Weak(ModbusWire, frozen=True, forbid_unknown_fields=True):
    """The same wire, were its checksum one of 8 bits: readings must follow."""

    @property
    def check_bits(self) -> int:
        return 8


def profile(*, weak: bool) -> Profile:
    shipped = load("us-modbus")
    if not weak:
        return shipped
    wire = Weak(
        **{name: getattr(shipped.wire, name) for name in ModbusWire.__struct_fields__}
    )
    return msgspec.structs.replace(shipped, wire=wire)


@dataclass(frozen=True)
class Step:
    at_ns: int
    what: Literal["bytes", "lost", "opened", "stop", "start"]
    data: bytes = b""


def walk(seed: int, steps: int, profile: Profile) -> Iterator[Step]:
    """What happens, in order of time."""
    dice = random.Random(seed)
    source = Player(Ultrasound(), clinic(seed, scale=0.1))
    device = VirtualDevice(profile, source, Identity("SIM", "1", "1"))
    request = modbus.request(10, 4, 0, 20)
    at_ns = 2 * SECOND
    yield Step(at_ns, "opened")
    for _ in range(steps):
        at_ns += round(dice.choice((0.3, 0.7, 1.0, 1.0, 1.0, 1.3)) * SECOND)
        at_ns += dice.randrange(1_000_000)
        answer = device.receive(request, at_ns / SECOND)
        chance = dice.random()
        if chance < 0.03:
            away_ns = round(dice.uniform(0.1, 90) * SECOND)
            gone, back = dice.choice((("lost", "opened"), ("stop", "start")))
            yield Step(at_ns, gone)
            yield Step(at_ns + away_ns, back)
            at_ns += away_ns
            continue
        if chance < 0.05:
            at_ns += round(dice.uniform(0, 200) * SECOND)
            continue
        yield Step(at_ns, "bytes", request + _spoilt(answer, chance, dice))


def _spoilt(answer: bytes, chance: float, dice: random.Random) -> bytes:
    if chance < 0.08:
        return answer[: dice.randrange(len(answer))]
    if chance < 0.11:
        broken = bytearray(answer)
        broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
        return bytes(broken)
    if chance < 0.14:
        return dice.randbytes(dice.randrange(20)) + answer
    if chance < 0.20:  # another state or timer, and a checksum that fits
        data = bytearray(answer[3:-2])
        data[dice.choice((1, 7))] = dice.randrange(10)
        return modbus.response(10, 4, bytes(data))
    return answer


@dataclass
class Played:
    """One playing of a walk, into a journal of its own."""

    directory: str
    profile: Profile
    seed: int  # of cuts and ticks
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.runs = 0
        self.now_ns = self.clock.mono_ns()

    def play(self, steps: list[Step]) -> list[Entry]:
        settings = JournalSettings(self.directory, commit_interval_ms=500)
        with Writer(
            settings, simulated=True, site="sim-x", clock=self.clock
        ) as self.writer:
            self._start()
            for step in steps:
                if step.what != "start":
                    self._tick_until(step.at_ns)
                self._do(step)
            self._keep(self.device.stop(self.now_ns).drafts)
            self.writer.append([], 10)
        with Reader(self.directory) as reader:
            entries: list[Entry] = []
            while page := reader.entries(len(entries)):
                entries += page
        return entries

    def _do(self, step: Step) -> None:
        self._to(step.at_ns)
        if step.what == "bytes":
            for piece in _cut(step.data, self.dice):
                self._keep(self.device.received(step.at_ns, piece).drafts)
        elif step.what == "lost":
            self._keep(self.device.closed(step.at_ns, LineLost("gone")).drafts)
        elif step.what == "opened":
            self._keep(self.device.opened(step.at_ns).drafts)
        elif step.what == "stop":
            self._keep(self.device.stop(step.at_ns).drafts)
        else:
            self._start()
            self._keep(self.device.opened(step.at_ns).drafts)

    def _start(self) -> None:
        self.runs += 1
        run = f"{self.dice.randrange(1 << 40):010x}"
        self.writer.append([], 10)
        with Reader(self.directory) as reader:
            timebase = Timebase(self.clock, BOOT, anchor_ns=self.clock.wall_ns())
            timebase.anchor_ns = ManualClock().wall_ns()
            boots = {it.run_id: it.boot_id for it in reader.runs()}
            axis = Axis(boots, BOOT, timebase, self.now_ns)
            self.device = Device(
                DeviceSettings("us-1", "us-modbus", "/dev/null", access="tap"),
                driver(self.profile),
                run_id=run,
                timebase=timebase,
                taken=self._taken,
                seen=axis.seen(reader.last("reading", "us-1")),
            )
            body = ConfigBody(
                event="start",
                run_id=run,
                boot_id=BOOT,
                mono_ns=self.now_ns,
                version="0",
                simulated=True,
            )
            drafter = Drafter(run, "-", "-", timebase)
            self._keep([drafter.at("config", body, self.now_ns)])
            self._keep(restore([self.device], reader, axis, run))

    def _taken(self, session_id: str) -> bool:
        self.writer.append([], 10)
        with Reader(self.directory) as reader:
            return reader.has_session(session_id)

    def _tick_until(self, until_ns: int) -> None:
        """Ticks as a loop would give them: none, some at random, or each when due."""
        for _ in range(self.dice.randrange(3)):
            span = until_ns - self.now_ns
            if span > 1:
                self._to(self.now_ns + self.dice.randrange(1, span))
                self._keep(self.device.tick(self.now_ns).drafts)

    def _to(self, mono_ns: int) -> None:
        self.clock.advance((mono_ns - self.now_ns) / SECOND)
        self.now_ns = mono_ns

    def _keep(self, drafts: list[Draft]) -> None:
        assert self.writer.submit(drafts)


def _cut(data: bytes, dice: random.Random) -> Iterator[bytes]:
    while data:
        size = dice.choice((1, 3, len(data)))
        yield data[:size]
        data = data[size:]


def content(entries: list[Entry]) -> list[Any]:
    """What sessions consist of: their events and their readings, in order."""
    return [
        (entry.kind, entry.at_ns, entry.subject, entry.body)
        for entry in entries
        if entry.kind == "session" or (entry.kind == "reading" and entry.subject)
    ]


def check(seed, tmp_path, steps=STEPS):
    print("seed", seed)
    shape = profile(weak=bool(seed % 2))
    steps = list(walk(seed, steps, shape))
    plays = [
        Played(str(tmp_path / f"{seed}-{n}"), shape, seed=seed * 10 + n).play(steps)
        for n in range(3)
    ]
    first = content(plays[0])
    for other in plays[1:]:
        assert content(other) == first
    for entries in plays:
        journalled(entries)
    kinds = {kind for kind, *_ in first}
    return kinds == {"session", "reading"}


@pytest.mark.parametrize("part", range(4))
def test_a_walk_played_again_makes_the_same_sessions(part, tmp_path):
    told = [check(seed, tmp_path) for seed in range(part, WALKS, 4)]

    assert sum(told) > len(told) / 2  # walks without a treatment prove little


@pytest.mark.torture
@pytest.mark.parametrize("part", range(10))
def test_many_walks_played_again_make_the_same_sessions(part, tmp_path):
    begin = random.randrange(2**31)
    for n in range(100):
        check(begin + n, tmp_path / str(part), steps=1000)
