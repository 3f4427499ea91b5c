"""Carries entries from the journal to one sink, live ones first, and knows how far.

A thread a sink. Each return of the sink opens a new range at the head of the journal;
what lies before it is sent in between, lowest first, marked historical. Positions go to
the journal's writer, which makes them durable with its next commit: a crash between
means sending again, which the sink's identity absorbs.
"""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from devicelog.clock import SECOND, Clock
from devicelog.errors import SinkUnavailable
from devicelog.journal.reader import Reader
from devicelog.model.delivery import Position, Progress, Reject
from devicelog.model.flow import Entry
from devicelog.sinks.base import Journal, RelayStatus, Said, Sink, Store
from devicelog.sinks.latecomers import Latecomers
from devicelog.sinks.proof import Proving

_log = logging.getLogger(__name__)

_LIVE: Final = 1000
_BACKFILL: Final = 2000  # a store's request costs as much as 500 of its lines
_LOOK_S: Final = 1.0
_FIRST_WAIT_S: Final = 0.2
_LAST_WAIT_S: Final = 60.0
_ALARM_NS: Final = 60 * SECOND  # a shorter absence is no news for a person


class Relay:
    """See the module. `beats` counts its loop, at least one each second when idle."""

    def __init__(
        self,
        sink: Sink,
        directory: str,
        journal: Journal,
        clock: Clock,
        *,
        first_wait_s: float = _FIRST_WAIT_S,
    ) -> None:
        self.sink = sink
        self.beats = 0
        self._directory = directory
        self._journal = journal
        self._clock = clock
        self._jitter = random.Random()  # noqa: S311  (spreads retries, no secret)
        self._mutex = threading.Condition()
        self._awake = False
        self._stopping = False
        self._calls: list[Callable[[], None]] = []
        self._connected = False
        self._since_ns = clock.wall_ns()
        self._text = "not connected yet"
        self._away_ns: int | None = None  # since when, monotonic
        self._alarmed = False
        self._first_wait_s = self._wait_s = first_wait_s
        self._rejected = 0
        self._position = Position()
        self._late = Latecomers(sink.name)
        self._proving: Proving | None = None
        if isinstance(sink, Store):
            self._proving = Proving(sink.name, sink, journal, clock)

    # --- From anywhere ------------------------------------------------------------

    def wake(self) -> None:
        """Something was committed."""
        with self._mutex:
            self._awake = True
            self._mutex.notify()

    def reset(self, done_to: int = 0) -> None:
        """Send everything after this again, as history."""
        self._change(lambda old: Position(done_to, proof=old.proof).opened(old.top))

    def prove(self, after: int, night: int) -> None:
        """Read everything after this back, if the sink can be read."""
        proving = self._proving
        if proving is not None:
            self._change(lambda old: proving.again(old, after, night))

    def rewrote(self, seq: int) -> None:
        """Somebody else has sent entries from this one on to the sink again."""
        self._change(lambda old: old.proved(old.proof.wrote(seq)))

    def _change(self, change: Callable[[Position], Position]) -> None:
        self._calls.append(lambda: self._move(change(self._position)))
        self.wake()

    def stop(self) -> None:
        """End soon; what is not sent stays in the journal."""
        self._stopping = True
        self.wake()

    @property
    def status(self) -> RelayStatus:
        """How it stands now."""
        return RelayStatus(
            sink=self.sink.name,
            connected=self._connected,
            since_ns=self._since_ns,
            text=self._text,
            position=self._position,
            pending=self._position.pending(self._journal.committed),
            rejected=self._rejected,
        )

    # --- The thread ---------------------------------------------------------------

    def run(self) -> None:
        """Until `stop`."""
        name = self.sink.name
        with Reader(self._directory) as view:
            self._position, self._rejected = view.position(name), view.rejected(name)
            while not self._stopping:
                self.beats += 1
                self._pass(view)
        self.sink.close()

    def _pass(self, view: Reader) -> None:
        while self._calls:
            self._calls.pop(0)()
        try:
            if not self._connected:
                self._connect(view)
            worked = self._live(view)
            # Then the most urgent: reading back is slow, and must not hold up a gap.
            behind = (self._backfill, self._revisit, self._prove)
            if not any(work(view) for work in behind) and not worked:
                self.sink.tend(view)
                self._rest(_LOOK_S)
        except SinkUnavailable as error:
            self._lost(error)

    def _connect(self, view: Reader) -> None:
        self.sink.connect()
        before = self._position
        self._move(before.opened(view.last_seq()))
        self.sink.present(view)
        self._late.call(self._position)
        if self._proving:
            self._move(self._proving.connected(before, self._position))
        self._connected, self._away_ns = True, None
        self._text, self._since_ns = "connected", self._clock.wall_ns()
        if self._alarmed:
            self._journal.clear(self._alarm, f"{self.sink.name} is back")
        self._alarmed = False

    def _live(self, view: Reader) -> bool:
        """Whether there was anything new."""
        entries = view.entries(self._position.top, limit=_LIVE)
        if not entries:
            return False
        upto, progress = self._send(entries, historical=False, view=view)
        self._move(self._position.lived(upto), progress)
        return True

    def _backfill(self, view: Reader) -> bool:
        """Whether there was anything left out."""
        gap = self._position.gap
        if gap is None:
            return False
        first, last = gap
        found = view.entries(first - 1, limit=_BACKFILL)
        entries = [entry for entry in found if entry.seq <= last]
        if not entries:
            self._move(self._position.filled(last))
            return True
        upto, progress = self._send(entries, historical=True, view=view)
        if upto == entries[-1].seq and len(entries) < len(found):
            upto = last
        self._move(self._position.filled(upto), progress)
        return True

    def _revisit(self, view: Reader) -> bool:
        """Whether entries were waiting whose time may be known by now."""
        entries = self._late.page(view)
        if not entries:
            return False
        upto, progress = self._send(entries, historical=True, view=view)
        self._late.sent(upto)
        gone = {it.seq for it in entries if it.seq <= upto} - {*progress.waiting}
        told = msgspec.structs.replace(progress, waiting=(), arrived=tuple(gone))
        self._move(self._position, told)
        return True

    def _prove(self, view: Reader) -> bool:
        """Whether something was to be read back."""
        if self._proving is None:
            return False
        self._move(self._proving.look(self._position))
        page = self._proving.page(self._position, view)
        if page is None:
            return False
        upto, progress = page.upto, None
        if page.lacking:
            sent, progress = self._send(page.lacking, historical=True, view=view)
            upto = upto if sent == page.lacking[-1].seq else sent
        self._move(self._position.read_to(upto), progress)
        return True

    def _send(
        self, entries: Sequence[Entry], *, historical: bool, view: Reader
    ) -> tuple[int, Progress]:
        """Up to which `seq` these are dealt with, and what was set aside on the way."""
        if self._proving:
            proof = self._position.proof.wrote(entries[0].seq)
            self._position = self._position.proved(proof)
        answers = self.sink.send(entries, historical=historical, view=view)
        if any(entry.kind == "clock" for entry in entries):
            self._late.call(self._position)
        upto = entries[0].seq - 1
        rejects: list[Reject] = []
        waiting: list[int] = []
        for entry, answer in zip(entries, answers, strict=True):
            if answer is Said.KEEP:
                break
            upto = entry.seq
            if answer is Said.TAKEN:
                continue
            if answer is Said.WAIT:
                waiting.append(entry.seq)
            else:
                rejects.append(Reject(entry.seq, answer.reason))
        if upto < entries[0].seq:
            raise SinkUnavailable(
                f"{self.sink.name} keeps entry {entries[0].seq} waiting"
            )
        self._set_aside(rejects)
        self._wait_s = self._first_wait_s
        progress = Progress(self.sink.name, Position(), tuple(rejects), tuple(waiting))
        return upto, progress

    # --- Private ------------------------------------------------------------------

    @property
    def _alarm(self) -> str:
        return f"sink/{self.sink.name}/away"

    def _move(self, position: Position, progress: Progress | None = None) -> None:
        if position == self._position and progress is None:
            return
        self._position = position
        told = progress or Progress(self.sink.name, position)
        self._journal.deliver(msgspec.structs.replace(told, position=position))

    def _set_aside(self, rejects: Sequence[Reject]) -> None:
        self._rejected += len(rejects)
        if self._proving:
            self._proving.refused(rejects)
        if rejects:
            first = rejects[0]
            self._journal.alarm(
                f"sink/{self.sink.name}/rejected",
                f"{self.sink.name} will never take entry {first.seq}: {first.reason}"
                f" ({len(rejects)} such in this batch)",
                "`devicelog status` counts them; they stay in the journal",
            )

    def _lost(self, error: SinkUnavailable) -> None:
        """Logged once, an alarm once it lasts; again after a rest."""
        now_ns = self._clock.mono_ns()
        if self._away_ns is None:
            # As text: who keeps records would keep the batch that it was raised from.
            _log.warning("%s is away: %s", self.sink.name, str(error))
            self._away_ns, self._since_ns = now_ns, self._clock.wall_ns()
        # What asks for a person is told at once.
        lasts = error.retry_after_s >= _LAST_WAIT_S
        if not self._alarmed and (lasts or now_ns - self._away_ns >= _ALARM_NS):
            self._alarmed = True
            text = f"{self.sink.name} is away: {error.message}"
            self._journal.alarm(self._alarm, text, error.hint)
        self._connected, self._text = False, str(error)
        wait_s = self._wait_s * self._jitter.uniform(0.5, 1.0)
        self._wait_s = min(2 * self._wait_s, _LAST_WAIT_S)
        self._rest(max(wait_s, error.retry_after_s))

    def _rest(self, seconds: float) -> None:
        """So long, or until something is committed while the sink is there."""
        until = self._clock.mono_ns() + round(seconds * SECOND)
        with self._mutex:
            while not self._called:
                left = (until - self._clock.mono_ns()) / SECOND
                if left <= 0:
                    break
                self.beats += 1
                self._mutex.wait(min(left, _LOOK_S))
            self._awake = False

    @property
    def _called(self) -> bool:
        entries = self._awake and self._connected
        return self._stopping or bool(self._calls) or entries
