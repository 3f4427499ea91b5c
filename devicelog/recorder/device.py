"""One device's pipeline: bytes in; drafts, bytes to send and the next deadline out.

No I/O and no clock: the loop passes the time, so a test drives it as the wire would.
Counts conserve: bytes = frame bytes + noise bytes + pending; frames = readings +
silent frames (see `Counts`); readings = kept + thinned + held.
"""

from collections import deque
from collections.abc import Callable, Sequence

import msgspec

from devicelog.clock import SECOND
from devicelog.drivers.base import Driver
from devicelog.drivers.base import Request as Asked
from devicelog.errors import PortError
from devicelog.model.flow import Decoded, Draft, Frame, Identity, Noise, Reading
from devicelog.model.kinds import Counts, GapCause
from devicelog.recorder.book import Book
from devicelog.recorder.channel import Channel, channels_of
from devicelog.recorder.drafts import NO_CHANNEL, Drafter
from devicelog.recorder.gaps import GapWatch, Seen
from devicelog.recorder.line import IdentityCheck, LineWatch
from devicelog.recorder.polling import poller_of
from devicelog.recorder.settings import DeviceSettings
from devicelog.recorder.tally import Tally, Weighing
from devicelog.recorder.timebase import Timebase
from devicelog.sessions.gate import Verdict

Listener = Callable[[str, int, object], None]


class Step(msgspec.Struct, frozen=True):
    """What the world is to do now: make these durable together, send this."""

    drafts: list[Draft]
    send: Asked | None = None


class Device:
    """See the module. `taken` tells whether a session id is in the journal already.

    `known`, `seen` and `alarmed` are what earlier runs left: who this device is, its
    last reading, whether its alarm about another one at its cable is still open.
    `owners`: see `IdentityCheck`.
    """

    def __init__(
        self,
        settings: DeviceSettings,
        driver: Driver,
        *,
        run_id: str,
        timebase: Timebase,
        taken: Callable[[str], bool],
        known: Identity | None = None,
        owners: dict[str, str] | None = None,
        seen: Seen | None = None,
        alarmed: bool = False,
    ) -> None:
        self.settings = settings
        self.driver = driver
        self.listener: Listener | None = None
        self._timebase = timebase
        self._framer = driver.framer()
        self._silence = driver.profile.wire.silence_ms * 1_000_000
        self._last_byte = 0
        self._stale = False
        quiet_ns = round(driver.profile.quiet_s * SECOND)
        self._gaps = GapWatch(quiet_ns, seen)
        self._tally = Tally()
        self.line = LineWatch(quiet_ns)
        self.poller = poller_of(driver, listens=settings.access == "tap")
        # Who cannot be asked is believed in what it says by itself.
        self._asks = asks = self.poller.identifies
        self.identity = IdentityCheck(
            settings.name, settings.serial, known, owners, can_ask=asks
        )

        def drafter(channel: str) -> Drafter:
            return Drafter(run_id, settings.name, channel, timebase)

        own = drafter(NO_CHANNEL)
        self._book = Book(own, self.line, lambda: self.counts, alarmed=alarmed)
        self.channels = channels_of(driver.profile, drafter, taken, verified=asks)
        self._weighing = {name: deque[Weighing]() for name in self.channels}

    # --- What the loop tells ------------------------------------------------------

    def opened(self, mono_ns: int) -> Step:
        """The port is open."""
        self._framer = self.driver.framer()
        self.line.opened(mono_ns)
        self.identity.doubt()
        self.poller.opened(mono_ns)
        return self.tick(mono_ns)

    def closed(self, mono_ns: int, error: PortError) -> Step:
        """The port went away (LineLost), or could not be opened."""
        self._hear_silence(mono_ns)
        self.poller.closed()
        if self.line.closed(error, mono_ns):
            self._book.line(mono_ns)
        self._gaps.lost("port")
        self._book.news(mono_ns)
        for channel in self.channels.values():
            self._weigh(channel, channel.settle())
            self._book.add(channel.lost(mono_ns, "port"))
        return self._step()

    def received(self, mono_ns: int, data: bytes) -> Step:
        """These bytes were read at this time."""
        self._end_silence(mono_ns)
        self._tally.bytes += len(data)
        self._last_byte = mono_ns
        self.line.byte(mono_ns)
        self._watch("received", mono_ns, data)
        self._take(self._framer.feed(data), mono_ns)
        return self._step()

    def tick(self, mono_ns: int) -> Step:
        """Time has come this far and nothing is waiting to be read."""
        self._end_silence(mono_ns)
        if self.poller.expire(mono_ns):
            self._hear_silence(mono_ns)
            self.identity.doubt()
        for channel in self.channels.values():
            due = channel.deadline
            if due is not None and due <= mono_ns:
                self._weigh(channel, channel.release(mono_ns))
                self._book.add(channel.tick(mono_ns))
        if self.line.judge(mono_ns):
            self._book.line(mono_ns)
        self._book.tick(mono_ns)
        request = self.poller.due(mono_ns, verified=self.identity.verified)
        if request:
            self.driver.sent(request)
            self._watch("sent", mono_ns, request.data)
        return self._step(request)

    def absent(self, mono_ns: int, cause: GapCause, stale: bytes) -> Step:
        """Nobody looked until now; these bytes arrived at an unknown time meanwhile.

        They count, but what was so at no known time is no reading.
        """
        self._gaps.lost(cause)
        self._stale = True
        step = self.received(mono_ns, stale) if stale else self._step()
        self._stale = False
        self.identity.doubt()
        return step

    def stop(self, mono_ns: int) -> Step:
        """The run ends; open sessions stay open in the journal."""
        self._hear_silence(mono_ns)
        for channel in self.channels.values():
            self._weigh(channel, channel.settle())
            self._book.add(channel.end(mono_ns))
        self._book.end(mono_ns)
        return self._step()

    def close_session(self, session_id: str, mono_ns: int, key: str) -> Step | None:
        """A person closes this session, with the request's id; None: not open here."""
        for channel in self.channels.values():
            if channel.session_id == session_id:
                self._book.add(channel.close(mono_ns, key))
                return self._step()
        return None

    @property
    def deadline(self) -> int | None:
        """The next monotonic time at which `tick` has something to do."""
        marks = [self.poller.deadline, self.line.deadline, self._book.deadline]
        marks += [channel.deadline for channel in self.channels.values()]
        if self._framer.pending:
            marks.append(self._last_byte + self._silence)
        due = None
        for mark in marks:
            if mark is not None and (due is None or mark < due):
                due = mark
        return due

    @property
    def counts(self) -> Counts:
        """What the line brought in this run so far."""
        keepers = (channel.keeper for channel in self.channels.values())
        pending = self._framer.pending
        return self._tally.total(pending, keepers, self.poller, self._gaps.count)

    # --- Bytes to readings --------------------------------------------------------

    def _end_silence(self, mono_ns: int) -> None:
        """Half a frame is given up after a silence, whenever that is noticed."""
        if self._framer.pending and mono_ns >= self._last_byte + self._silence:
            self._hear_silence(mono_ns)

    def _hear_silence(self, mono_ns: int) -> None:
        if self._framer.pending:
            ended_ns = min(mono_ns, self._last_byte + self._silence)
            self._take(self._framer.feed(b""), ended_ns)

    def _take(self, pieces: Sequence[Frame | Noise], mono_ns: int) -> None:
        for piece in pieces:
            if isinstance(piece, Noise):
                self._reject(piece.data, piece.why, mono_ns)
            else:
                self._hear(piece, mono_ns)

    def _hear(self, frame: Frame, mono_ns: int) -> None:
        heard = self.driver.hear(frame)
        self._watch("frame", mono_ns, (frame, heard))
        awaited = self.poller.answered(heard.answers, mono_ns)
        if heard.problem:
            self._reject(frame.data, heard.problem, mono_ns)
            return
        self.line.frame(mono_ns)
        if heard.identity and (awaited or not self._asks) and not self._stale:
            self._identify(heard.identity, mono_ns)
        if heard.foreign:
            self.line.complain("foreign", heard.foreign)
        if heard.refusal and self.line.complain("unverified", heard.refusal):
            self._book.answered(heard.refusal, mono_ns)
        if not heard.decoded or not self.identity.verified or self._stale:
            self._tally.silent(len(frame.data))
            return
        weighing = self._tally.weigh(frame.data, len(heard.decoded))
        for decoded in heard.decoded:
            self._weighing[decoded.channel].append(weighing)
            self._offer(decoded, frame, mono_ns)

    def _offer(self, decoded: Decoded, frame: Frame, mono_ns: int) -> None:
        channel = self.channels[decoded.channel]
        self._book.add(channel.tick(mono_ns))  # before the reading's stamp is given
        reading = Reading(
            channel=decoded.channel,
            state=decoded.state,
            mono_ns=mono_ns,
            at_ns=channel.stamp(mono_ns),
            values=decoded.values,
            frame=frame.data,
            clock_ok=self._timebase.trusted,
        )
        self._weigh(channel, channel.offer(reading))

    def _weigh(self, channel: Channel, verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            reading = verdict.reading
            weighing = self._weighing[channel.name].popleft()
            if not verdict.believed:
                if self._tally.doubt(weighing):
                    self._reject(reading.frame, verdict.why, reading.mono_ns)
                continue
            self._tally.believe(weighing)
            gap = self._gaps.reading(reading)
            if gap:
                self._book.note("gap", gap, reading.mono_ns)
            if self.line.reading(reading.mono_ns):
                self._book.line(reading.mono_ns)
            self._book.add(channel.take(reading))

    def _reject(self, data: bytes, why: str, mono_ns: int) -> None:
        self._tally.noise_bytes += len(data)
        self._watch("noise", mono_ns, (data, why))
        self._book.noise(data, why, mono_ns)

    def _identify(self, identity: Identity, mono_ns: int) -> None:
        wrong = self.identity.see(identity)
        if wrong:
            self.poller.abandon()
            if self.line.refuse(wrong, mono_ns):
                self._book.refused(identity, wrong, mono_ns)
            return
        if identity != self.identity.known:
            self.identity.known = identity
            self._book.identified(identity, mono_ns)
        self._book.right(mono_ns)

    def _watch(self, what: str, mono_ns: int, payload: object) -> None:
        if self.listener:
            self.listener(what, mono_ns, payload)

    def _step(self, send: Asked | None = None) -> Step:
        return Step(self._book.take(), send)
