"""The relays of one run: each sink that the configuration names, in its own thread."""

import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from devicelog.clock import SECOND, Clock
from devicelog.errors import DevicelogError, JournalError
from devicelog.journal.directory import JOURNAL
from devicelog.journal.reader import Reader
from devicelog.journal.writer import Writer
from devicelog.model.words import counted
from devicelog.records.rounds import Rounds
from devicelog.sinks.base import RelayStatus, Sink
from devicelog.sinks.relay import Relay

_END_S: Final = 10.0
_DAY_S: Final = 86_400


class SinkStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a sink stands, with its backlog as time. Times in UTC ns.

    `backlog_s`: age of the oldest entry that it has not taken. `room_s`: how long the
    disk takes entries while it is away. `why` it is away; `text` says it all.
    """

    sink: str
    connected: bool
    since_ns: int
    text: str
    pending: int = 0
    backlog_s: float = 0.0
    rejected: int = 0
    room_s: float | None = None
    why: str = ""


class Delivery:
    """`start`, then `check` now and then, then `stop`."""

    def __init__(
        self, sinks: Sequence[Sink], directory: str, writer: Writer, clock: Clock
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._relays = {
            sink.name: Relay(sink, directory, writer, clock) for sink in sinks
        }
        self._threads: dict[str, threading.Thread] = {}
        self.rounds: Rounds | None = None  # makes receipts, where there is a store
        for relay in self._relays.values():
            writer.listen(relay.wake)

    @property
    def beats(self) -> Mapping[str, int]:
        """How often each loop turned; it hangs where that stands still."""
        beats = {f"relay to {name}": it.beats for name, it in self._relays.items()}
        return beats | ({"receipts": self.rounds.beats} if self.rounds else {})

    def start(self) -> None:
        """Begin to send."""
        loops = {f"relay to {name}": it.run for name, it in self._relays.items()}
        if self.rounds:
            loops["receipts"] = self.rounds.run
        for name, loop in loops.items():
            thread = threading.Thread(target=loop, name=name, daemon=True)
            self._threads[name] = thread
            thread.start()

    def check(self) -> None:
        """Raise JournalError if a thread ended: nobody would do its work."""
        for name, thread in self._threads.items():
            if not thread.is_alive():
                raise JournalError(f"the {name} ended", hint="see the log above")

    def stop(self, patience_s: float = _END_S) -> None:
        """End, soon; what is not sent stays in the journal."""
        for relay in self._relays.values():
            relay.stop()
        if self.rounds:
            self.rounds.stop()
        until = time.monotonic() + patience_s
        for thread in self._threads.values():
            thread.join(timeout=max(0.0, until - time.monotonic()))

    def reset(self, sink: str, done_to: int) -> None:
        """Send all after this entry again. Raises DevicelogError: no such sink."""
        self.relay(sink).reset(done_to)

    @property
    def status(self) -> list[SinkStatus]:
        """How each stands now."""
        statuses = [relay.status for relay in self._relays.values()]
        if not statuses:
            return []
        with Reader(self._directory) as reader:
            return [self._told(it, reader) for it in statuses]

    @property
    def names(self) -> list[str]:
        """The sinks that are configured."""
        return [*self._relays]

    def relay(self, sink: str) -> Relay:
        """The one to this sink. Raises DevicelogError where it is not configured."""
        if sink not in self._relays:
            known = ", ".join(self._relays) or "none is configured"
            raise DevicelogError(f'no sink "{sink}"', hint=f"there are: {known}")
        return self._relays[sink]

    # --- Private ------------------------------------------------------------------

    def _told(self, it: RelayStatus, reader: Reader) -> SinkStatus:
        oldest = reader.entries(it.position.done_to, limit=1) if it.pending else []
        behind_s = (self._clock.wall_ns() - oldest[0].at_ns) / SECOND if oldest else 0.0
        behind_s = max(0.0, behind_s)
        room_s = self._room_s(reader)
        return SinkStatus(
            sink=it.sink,
            connected=it.connected,
            since_ns=it.since_ns,
            text=sentence(it, behind_s, room_s),
            pending=it.pending,
            backlog_s=behind_s,
            rejected=it.rejected,
            room_s=None if it.connected else room_s,
            why="" if it.connected else it.text,
        )

    def _room_s(self, reader: Reader) -> float | None:
        """How long the disk takes entries at the rate so far; None: not known yet."""
        first = reader.entries(limit=1)
        lived_s = (self._clock.wall_ns() - first[0].at_ns) / SECOND if first else 0.0
        if lived_s < _DAY_S / 24:
            return None
        size = (Path(self._directory) / JOURNAL).stat().st_size
        return shutil.disk_usage(self._directory).free / (size / lived_s)


def sentence(it: RelayStatus, behind_s: float, room_s: float | None) -> str:
    """As in "away since 09:12, 3.1 h buffered, room for 41 days: refused"."""
    since = datetime.fromtimestamp(it.since_ns / SECOND, UTC)
    parts = [f"{'there' if it.connected else 'away'} since {since:%H:%M}Z"]
    if it.pending:
        parts.append(f"{counted(it.pending, 'entry')}, {span(behind_s)} buffered")
    if room_s is not None and not it.connected:
        parts.append(f"room for {span(room_s)}")
    if it.rejected:
        parts.append(f"{it.rejected} rejected for good")
    told = ", ".join(parts)
    return told if it.connected else f"{told}: {it.text}"


def span(seconds: float) -> str:
    """A length of time in the largest fitting unit of measure."""
    for size, name in ((_DAY_S, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return (
                f"{seconds / size:.0f} {name}"
                if size == _DAY_S
                else (f"{seconds / size:.1f} {name}")
            )
    return f"{seconds:.0f} s"
