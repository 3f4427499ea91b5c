"""Sessions that the last run left open, taken up from what it journalled.

A session's readings are played through a fresh tracker; the events already journalled
stand. Monotonic times of an earlier boot are moved onto this boot's axis by the wall
clock; where that cannot be trusted, the length of the gap is unknown, and the tracker
decides by the device's own timer alone.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import msgspec

from devicelog.journal.reader import Reader, SessionRow
from devicelog.model import codec
from devicelog.model.fields import FIELDS
from devicelog.model.flow import Draft, Entry, Reading, SessionEvent
from devicelog.model.states import Modality
from devicelog.recorder.channel import Channel
from devicelog.recorder.device import Device
from devicelog.recorder.drafts import Drafter
from devicelog.recorder.gaps import Seen
from devicelog.recorder.timebase import Timebase
from devicelog.sessions.rules import Rules

_PAGE: Final = 1000
_DEADLINES: Final = 10
_T = TypeVar("_T", Reading, SessionEvent)


class Axis:
    """Where the monotonic times of earlier boots lie on this boot's axis.

    `boots` maps each earlier run to its boot, `mono_ns` is now.
    """

    def __init__(
        self, boots: dict[str, str], boot_id: str, timebase: Timebase, mono_ns: int
    ) -> None:
        self._boots = boots
        self._boot_id = boot_id
        self.timebase = timebase
        self.now_ns = mono_ns

    def boot(self, entry: Entry) -> str:
        """The boot that an entry is of; that of an unknown run is known by the run."""
        run = entry.key.partition("/")[0]
        return self._boots.get(run, run)

    def shifts(self, entries: Sequence[Entry]) -> tuple[dict[str, int], bool]:
        """Per boot, ns to add to its times; whether the gap since the last is known.

        A boot lies where its last entry's wall time puts it, if both clocks can be
        believed; else it ends now.
        """
        last = {self.boot(entry): entry for entry in entries}
        shifts, known = {}, True
        for boot, entry in last.items():
            shifts[boot], known = 0, True
            if boot == self._boot_id:
                continue
            body = codec.decode(entry.kind, entry.body)
            lands = entry.at_ns - self.timebase.anchor_ns
            trusted = self.timebase.trusted and body.clock_ok
            known = trusted and lands <= self.now_ns
            shifts[boot] = (lands if known else self.now_ns) - body.mono_ns
        return shifts, known

    def seen(self, last: Entry | None) -> Seen | None:
        """A device's last reading in an earlier run, for the gap until its next."""
        if last is None:
            return None
        body = codec.decode(last.kind, last.body)
        same = self.boot(last) == self._boot_id
        return Seen(last.at_ns, body.mono_ns if same else None, body.clock_ok)


def restore(
    devices: list[Device], reader: Reader, axis: Axis, run_id: str
) -> list[Draft]:
    """Take up every open session of these devices; the drafts that this causes.

    A session of a device or channel that is no longer configured ends here: none
    stays live for ever.
    """
    channels = {
        (device.settings.name, channel.name): channel
        for device in devices
        for channel in device.channels.values()
    }
    drafts: list[Draft] = []
    for row in reader.open_sessions():
        channel = channels.get((row.device, row.channel))
        if channel is not None:
            drafts += take_up(channel, row, reader, axis)
            continue
        drafter = Drafter(run_id, row.device, row.channel, axis.timebase)
        rules = Rules(modality=_modality(row))
        orphan = Channel(drafter, rules, "", reader.has_session)
        drafts += take_up(orphan, row, reader, axis)
        for _ in range(_DEADLINES):
            if orphan.session_id and orphan.deadline is not None:
                drafts += orphan.tick(orphan.deadline)
    return drafts


def take_up(
    channel: Channel, row: SessionRow, reader: Reader, axis: Axis
) -> list[Draft]:
    """One open session into its channel."""
    entries = [
        entry
        for entry in _entries(reader, row.session_id)
        if entry.kind in ("reading", "session")
    ]
    shifts, known = axis.shifts(entries)
    start: SessionEvent | None = None
    inputs: list[Reading | SessionEvent] = []
    bodies = []
    for entry in entries:
        shift = shifts[axis.boot(entry)]
        if entry.kind == "reading":
            bodies.append(entry.body)
            reading = codec.reading(entry.channel, entry.at_ns, entry.body)
            inputs.append(_moved(reading, shift))
        else:
            event = _moved(codec.session_event(entry.body), shift)
            if event.event == "start":
                start = event
            elif event.event == "line_lost":
                inputs.append(event)
    if start is None:
        return []
    channel.restore(start, inputs, bodies)
    return channel.stopped(axis.now_ns, gap_known=known)


def _entries(reader: Reader, subject: str) -> Iterator[Entry]:
    after = 0
    while page := reader.entries(after, subject=subject, limit=_PAGE):
        yield from page
        after = page[-1].seq


def _moved(it: _T, shift: int) -> _T:
    return msgspec.structs.replace(it, mono_ns=it.mono_ns + shift) if shift else it


def _modality(row: SessionRow) -> Modality:
    names = row.settings
    modes = {FIELDS[name].modality for name in names if name in FIELDS}
    return "if" if "if" in modes else "us"
