"""Tells what happens to a channel's sessions, as events with their names and times.

An event caused by a reading at t has t+1, t+2 ... ns; one caused by a deadline has the
deadline's time. At one instant, or before what was told already, stamps count up.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from devicelog.model.flow import EventName, Reading, SessionEvent
from devicelog.sessions.rules import SECOND, Rules
from devicelog.sessions.session import Hindrance, Loss, OpenSession, settings_of
from devicelog.sessions.table import Ending, Meaning

_BEGINS: Final[dict[Hindrance, tuple[EventName, str]]] = {
    "paused": ("pause", "pauses"),
    "held": ("contact_lost", "contacts_lost"),
}
_IS_OVER: Final[dict[Hindrance, EventName]] = {
    "paused": "resume",
    "held": "contact_back",
}


def session_id(
    device: str, channel: str, at_ns: int, taken: Callable[[str], bool]
) -> str:
    """`<device>.<channel>.<start>`, with `-2`, `-3` ... while it is taken."""
    start = datetime.fromtimestamp(at_ns // SECOND, UTC).strftime("%Y%m%dT%H%M%SZ")
    name = plain = f"{device}.{channel}.{start}"
    n = 1
    while taken(name):
        n += 1
        name = f"{plain}-{n}"
    return name


class Teller:
    """Events of one channel's sessions, kept until they are asked for."""

    def __init__(self, channel: str, rules: Rules) -> None:
        self._channel = channel
        self._quiet_ns = rules.quiet_ns
        self._window_ns = round(rules.resume_window_s * SECOND)
        self._told: list[SessionEvent] = []
        # The last stamp on both axes.
        self._mono_ns = -1
        self._at_ns = 0
        self._clock_ok = True

    def told(self) -> list[SessionEvent]:
        """What was told since the last call."""
        told = self._told
        if told:
            self._told = []
            return told
        return []

    # --- When --------------------------------------------------------------------

    def reading(self, reading: Reading) -> None:
        """A reading has its own time; what it causes comes after it."""
        if reading.mono_ns > self._mono_ns:
            self._mono_ns = reading.mono_ns
            self._at_ns = reading.at_ns
        elif reading.at_ns > self._at_ns:
            self._at_ns = reading.at_ns
        self._clock_ok = reading.clock_ok

    def moment(self, mono_ns: int, at_ns: int) -> None:
        """A deadline or a person has this time; what they cause begins with it."""
        if mono_ns > self._mono_ns:
            self._mono_ns = mono_ns
            self._at_ns = at_ns - 1

    # --- What --------------------------------------------------------------------

    def start(self, session: OpenSession) -> None:
        """A session began with its last reading."""
        first = session.last
        values = settings_of(first.values)
        self._say(session, "start", values=values, flags=session.flagged())
        self._hinder(session, first)
        if first.state == "running":
            self._compare(session, first)

    def line_lost(self, session: OpenSession, loss: Loss) -> None:
        """Its line was lost after its last reading."""
        session.loss = loss
        began_ns = session.last.at_ns
        self._say(session, "line_lost", began_ns=began_ns, cause=loss.cause)

    def go_on(
        self, session: OpenSession, meaning: Meaning, reading: Reading, ns: int
    ) -> None:
        """The session goes on with this reading, `ns` after its last (-1: unknown)."""
        if session.loss:
            paused = meaning == "goes_on_paused"
            began_ns = session.last.at_ns
            self._say(session, "gap", began_ns=began_ns, paused_in_gap=paused)
            session.bridge()
        old = session.timer.left
        move = session.follow_timer(reading, ns, fault=meaning == "faulted")
        session.arrive(reading, ns)
        if meaning == "faulted":
            self.fault(session, reading)
            return
        if meaning == "waits":
            return
        if meaning == "resumed":
            session.resume()
            self._segment(session, reading)
        self._hinder(session, reading)
        if move:
            new = session.timer.left
            self._say(session, move, field="time_left_s", old=old, new=new)
        if reading.state == "running":
            self._compare(session, reading)

    def fault(self, session: OpenSession, reading: Reading) -> None:
        """The device failed; for as long as the window is open it may resume."""
        session.fail(reading, reading.mono_ns + self._window_ns)
        self._say(session, "fault", new=reading.values.get("fault_code"))

    def end(self, session: OpenSession, ending: Ending) -> None:
        """The session is over."""
        reason = ending.reason
        if reason == "link_lost" and session.loss and session.loss.cause == "restart":
            reason = "logger_stopped"
        if ending.flag:
            session.flags.add(ending.flag)
        self._say(
            session,
            "end",
            reason=reason,
            ended_ns=session.ended_ns,
            flags=session.flagged(reason),
            totals=session.totals(),
        )

    def _hinder(self, session: OpenSession, reading: Reading) -> None:
        """Pause and lost contact begin and end; output may begin with a new head."""
        was, now = session.hindrance, session.hindrance_in(reading)
        if was == now:
            return
        if was:
            self._say(session, _IS_OVER[was], began_ns=session.hindered_ns)
        session.hindrance = now
        session.hindered_ns = reading.at_ns
        if now:
            name, count = _BEGINS[now]
            session.counts[count] += 1
            session.changes.interrupted()
            self._say(session, name)
        elif session.changes.swapped(reading.values):
            self._segment(session, reading)

    def _segment(self, session: OpenSession, reading: Reading) -> None:
        session.counts["segments"] += 1
        session.changes.put_on(reading.values)
        self._say(session, "segment", values=settings_of(reading.values))

    def _compare(self, session: OpenSession, reading: Reading) -> None:
        """What a person changed; a device that lost contact changes by itself."""
        if session.hindrance:
            return
        changes = session.changes.see(reading.values, reading.at_ns)
        if changes:
            session.counts["setting_changes"] += 1
            for change in changes:
                self._say(session, "setting", **change._asdict())
        session.sense_contact()

    def _say(self, session: OpenSession, event: EventName, **more: Any) -> None:
        self._at_ns += 1
        self._told.append(
            SessionEvent(
                session_id=session.id,
                event=event,
                channel=self._channel,
                at_ns=self._at_ns,
                mono_ns=self._mono_ns,
                clock_ok=self._clock_ok,
                **more,
            )
        )
