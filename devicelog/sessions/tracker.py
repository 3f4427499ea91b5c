"""Readings of one channel in, events of its sessions out. No I/O, no clock.

The tracker does what the tables say (table.py). Every deadline at or before a reading
fires before it, in order, with the deadline's own time, so that ticks cannot change a
replay.
"""

from collections.abc import Callable, Iterable
from typing import Final

from devicelog.model.flow import LossCause, Reading, SessionEvent
from devicelog.model.states import LIVE, State
from devicelog.sessions.rules import SECOND, Rules
from devicelog.sessions.session import Loss, OpenSession, Session, first_reading
from devicelog.sessions.table import (
    CHANGES,
    ENDINGS,
    OPENS,
    OVERDUE_S,
    RETURNS,
    WINDOW,
    Ending,
    Meaning,
)
from devicelog.sessions.teller import Teller, session_id

_NEVER: Final = 1 << 63


class Tracker:
    """The sessions of one channel, one after the other.

    `taken` says whether a session id is in use. `owner`: the id of the session that
    the last reading belongs to, empty if to none.
    """

    def __init__(
        self, device: str, channel: str, rules: Rules, taken: Callable[[str], bool]
    ) -> None:
        self.owner = ""
        self._device = device
        self._channel = channel
        self._rules = rules
        self._taken = taken
        self._quiet_ns = rules.quiet_ns
        self._window_ns = round(rules.resume_window_s * SECOND)
        self._teller = Teller(channel, rules)
        self._open: OpenSession | None = None
        self._latest = ""  # the id of the last session
        self._was: State = "offline"
        self._anchor = (-1, 0)  # monotonic and wall time of the last reading
        self._due = _NEVER
        self._replays = False

    # --- What comes in -----------------------------------------------------------

    def take(self, reading: Reading) -> list[SessionEvent]:
        """A believed reading. Deadlines up to its time fire first."""
        now = reading.mono_ns
        if self._due <= now:
            self._fire(now)
        self._teller.reading(reading)
        session = self._open
        if session is None:
            gone = now - self._anchor[0] >= self._quiet_ns
            self._begin("offline" if gone else self._was, reading)
        else:
            self._judge(session, reading)
        self._was = reading.state
        self._anchor = (now, reading.at_ns)
        self._schedule()
        return self._teller.told()

    def tick(self, mono_ns: int) -> list[SessionEvent]:
        """Time went by. [] before `deadline`."""
        self._fire(mono_ns)
        return self._teller.told()

    def lost(
        self, mono_ns: int, at_ns: int, cause: LossCause = "port"
    ) -> list[SessionEvent]:
        """The line was lost. Once is enough."""
        self._fire(mono_ns)
        self._was = "offline"
        session = self._open
        if session and not session.loss:
            self._teller.moment(mono_ns, at_ns)
            self._teller.line_lost(session, Loss(cause, session.last.mono_ns))
            self._schedule()
        return self._teller.told()

    def stopped(
        self, mono_ns: int, at_ns: int, *, gap_known: bool = True
    ) -> list[SessionEvent]:
        """The recorder was away until now; what ran then ends `logger_stopped`.

        Deadlines that passed meanwhile fire at the next tick. `gap_known` False: the
        times before and after do not compare, so patience begins anew.
        """
        self._was = "offline"
        session = self._open
        if session:
            self._teller.moment(mono_ns, at_ns)
            loss = Loss("restart", session.last.mono_ns, gap_known=gap_known)
            if not gap_known:
                self._anchor = (mono_ns, at_ns)
                loss.since_ns = mono_ns
                if session.fault:
                    session.fault.due_ns = mono_ns + self._window_ns
            self._teller.line_lost(session, loss)
            self._schedule()
        return self._teller.told()

    def close(self, mono_ns: int, at_ns: int) -> list[SessionEvent]:
        """A person closes the session, which ends with its last reading.

        A device that goes on emitting opens a new one with its next reading.
        """
        self._fire(mono_ns)
        if self._open:
            self._teller.moment(mono_ns, at_ns)
            self._end(self._open, ENDINGS["closed"])
            self._schedule()
        return self._teller.told()

    def restore(
        self, start: SessionEvent, inputs: Iterable[Reading | SessionEvent]
    ) -> None:
        """Rebuild an open session from what was journalled of it, in order of `seq`.

        `inputs`: its readings and its `line_lost` events; readings before its start
        are passed over. All monotonic times, the start's too, lie on this boot's axis.
        No event is made again. Where today's rules would have ended the session, it
        stays open, flagged `rules_changed`.
        """
        self._replays = True
        for it in inputs:
            if isinstance(it, SessionEvent):
                self._lose_again(it)
            elif self._open:
                self.take(it)
            elif it.state in LIVE and it.mono_ns >= start.mono_ns:
                self._reopen(start, it)
        if self._open is None:  # its readings are gone; what the start said is left
            self._reopen(start, first_reading(start))
        self._teller.told()
        self._replays = False

    # --- What can be asked -------------------------------------------------------

    @property
    def deadline(self) -> int | None:
        """The monotonic time at which a tick has something to say."""
        return None if self._due == _NEVER else self._due

    @property
    def session_id(self) -> str:
        """The open session's id, or empty. Costs nothing, unlike `session`."""
        return self._open.id if self._open else ""

    @property
    def session(self) -> Session | None:
        """The open session as it looks now; made when asked."""
        return self._open.view(self._channel) if self._open else None

    # --- Deadlines ---------------------------------------------------------------

    def _fire(self, mono_ns: int) -> None:
        while self._due <= mono_ns and self._open:
            session, due = self._open, self._due
            over = session.fault and session.fault.due_ns <= due
            if self._replays and (over or session.loss):
                session.flags.add("rules_changed")
                return
            seen_ns, at_ns = self._anchor
            self._teller.moment(due, at_ns + due - seen_ns)
            if over:
                self._end(session, ENDINGS["failed_at_fault"])
            elif session.loss:
                self._end(session, ENDINGS["lost"])
            else:
                self._was = "offline"
                self._teller.line_lost(session, Loss("silence", session.last.mono_ns))
            self._schedule()

    def _schedule(self) -> None:
        session = self._open
        if session is None:
            self._due = _NEVER
        elif session.loss is None:
            self._due = session.last.mono_ns + self._quiet_ns
        elif session.fault is None:
            self._due = session.loss.since_ns + self._patience_ns(session)
        else:
            self._due = _NEVER
        if session and session.fault and session.fault.due_ns < self._due:
            self._due = session.fault.due_ns

    def _patience_ns(self, session: OpenSession) -> int:
        left = session.timer.left
        return self._window_ns if left is None else round((left + OVERDUE_S) * SECOND)

    # --- What a reading means ----------------------------------------------------

    def _begin(self, was: State, reading: Reading) -> None:
        """No session is open; one may begin."""
        meaning = OPENS[was, reading.state]
        self.owner = ""
        if meaning != "nothing":
            name = session_id(
                self._device, self._channel, reading.at_ns, self._is_taken
            )
            session = self._opened(name, reading.at_ns, reading)
            if meaning == "starts_unseen":
                session.flags.add("start_unseen")
            self._teller.start(session)

    def _judge(self, session: OpenSession, reading: Reading) -> None:
        """A session is open; it goes on, or ends."""
        ns = max(0, reading.mono_ns - session.last.mono_ns)
        if session.loss and not session.loss.gap_known:
            ns = -1
        meaning = self._meaning(session, reading, ns)
        ending = ENDINGS.get(meaning)
        if ending is None:
            self._teller.go_on(session, meaning, reading, ns)
            self.owner = session.id
        elif self._replays:
            session.insist(reading, ns)
        else:
            self._finish(session, ending, reading, ns)

    def _meaning(self, session: OpenSession, reading: Reading, ns: int) -> Meaning:
        timer, was = session.timer, session.state
        now, values = reading.state, reading.values
        if session.fault:
            return WINDOW[now, timer.stands(values)]
        if session.loss:
            gap_s = None if ns < 0 else ns / SECOND
            return RETURNS[now, timer.clue(was, now, values, gap_s)]
        return CHANGES[was, now, timer.at(was, now, values)]

    def _finish(
        self, session: OpenSession, ending: Ending, reading: Reading, ns: int
    ) -> None:
        """A reading ends the session, and may open the next."""
        was: State = "offline" if session.loss else session.last.state
        if ending.at == "reading":
            session.follow_timer(reading, ns)
            session.arrive(reading, ns)
            if ending.reason == "fault":
                self._teller.fault(session, reading)
        elif ending.at == "estimate":
            session.extend(min(session.timer.runs_for(session.state), ns / SECOND))
        self._end(session, ending)
        self.owner = session.id if ending.at == "reading" else ""
        if ending.opens:
            self._begin(was, reading)

    def _end(self, session: OpenSession, ending: Ending) -> None:
        self._open = None
        self._teller.end(session, ending)

    # --- Names, and what was journalled ------------------------------------------

    def _is_taken(self, name: str) -> bool:
        return name == self._latest or self._taken(name)

    def _opened(self, name: str, started_ns: int, reading: Reading) -> OpenSession:
        session = OpenSession(name, started_ns, self._rules, reading)
        self._open = session
        self._latest = self.owner = name
        return session

    def _reopen(self, start: SessionEvent, first: Reading) -> None:
        session = self._opened(start.session_id, first.at_ns, first)
        session.flags.update(start.flags)
        self._teller.reading(first)
        self._teller.start(session)
        self._was = first.state
        self._anchor = (first.mono_ns, first.at_ns)
        self._schedule()

    def _lose_again(self, event: SessionEvent) -> None:
        if self._open and event.event == "line_lost":
            if event.cause == "port":
                self.lost(event.mono_ns, event.at_ns)
            elif event.cause == "restart":
                known = event.clock_ok
                self.stopped(event.mono_ns, event.at_ns, gap_known=known)
            else:
                self._fire(event.mono_ns)
