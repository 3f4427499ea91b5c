"""One session while it is open: what it adds up to, and how it looks from outside.

It decides nothing: whether a reading belongs to it, the table and the tracker say.
"""

from math import inf
from typing import Final, Literal

import msgspec

from devicelog.model import dose
from devicelog.model.dose import Totals, Values
from devicelog.model.fields import SETTINGS, Value
from devicelog.model.flow import LossCause, Reading, SessionEvent
from devicelog.model.states import EMITTING, FLAGS, LIVE, EndReason, Flag, State
from devicelog.sessions.changes import Changes
from devicelog.sessions.clocks import Clocks
from devicelog.sessions.rules import SECOND, Rules
from devicelog.sessions.table import ACCIDENTAL_S
from devicelog.sessions.timer import Move, Timer

# Why output does not reach the patient although the session is live; empty: it does.
Hindrance = Literal["", "paused", "held"]

_HINDRANCES: Final[dict[State, Hindrance]] = {
    "paused": "paused",
    "hold_contact": "held",
}
_CONTACTS: Final = ("contact_ok", "electrode_1_ok", "electrode_2_ok")
_COUNTS: Final = ("pauses", "contacts_lost", "setting_changes", "faults")
_UNSEEN_ENDS: Final = frozenset({"link_lost", "logger_stopped"})


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """An open session as the live board shows it.

    `state`: `offline` while the line is lost. `left_s`: time left, last seen.
    `totals`: so far, as the end would carry them. `fault`: the resume window is open.
    """

    id: str
    channel: str
    started_ns: int
    state: State
    left_s: float | None
    settings: dict[str, Value]
    totals: Totals
    flags: tuple[Flag, ...]
    fault: bool = False


class Fault(msgspec.Struct):
    """A fault that may be overcome: its reading, when it is too late, its own clocks.

    What passes after it belongs to the session only if that goes on.
    """

    reading: Reading
    due_ns: int
    clocks: Clocks


class Loss(msgspec.Struct):
    """A lost line: why, since when patience counts, whether the gap can be measured."""

    cause: LossCause
    since_ns: int
    gap_known: bool = True


def settings_of(values: Values) -> dict[str, Value]:
    """The settings among these values."""
    return {name: value for name, value in values.items() if name in SETTINGS}


def first_reading(start: SessionEvent) -> Reading:
    """What a start says of the reading that caused it, where that is gone."""
    return Reading(
        channel=start.channel,
        state="running",
        mono_ns=start.mono_ns,
        at_ns=start.at_ns - 1,
        values=start.values,
        clock_ok=start.clock_ok,
    )


class OpenSession:
    """What is known of a session so far."""

    def __init__(
        self, name: str, started_ns: int, rules: Rules, first: Reading
    ) -> None:
        self.id = name
        self.started_ns = started_ns
        self.last = first
        self.state = first.state  # the last live one
        self.fault: Fault | None = None
        self.loss: Loss | None = None
        self.timer = Timer(rules, first.values)
        self.changes = Changes(first.values)
        self.flags: set[Flag] = set()
        self.counts = dict.fromkeys(_COUNTS, 0) | {"segments": 1}
        self.hindrance: Hindrance = ""
        self.hindered_ns = first.at_ns  # since when
        self._rules = rules
        self._quiet_ns = rules.quiet_ns
        # These devices go on emitting when contact is lost.
        self._emits_without = rules.contact_policy in ("reduce", "none")
        self._clocks = Clocks()
        self._dose = dose.accumulator(rules.modality, rules.convention)
        self._planned: Totals | None = None
        self._level: float | None = None
        self._level_known = False
        self._put_out = False
        self._unseen_ns = 0  # from the last reading to an estimated end
        if not rules.identity_verified:
            self.flags.add("identity_unverified")
        self._meet(first)

    # --- Readings ----------------------------------------------------------------

    def arrive(self, reading: Reading, ns: int) -> None:
        """A reading of this session, `ns` after its last (-1: nobody knows)."""
        if ns > self._quiet_ns:
            self._running_clocks.gap += ns
        elif ns >= 0:
            self._count(ns)
        self._meet(reading)

    def _count(self, ns: int) -> None:
        """The last reading held until now."""
        if self.fault:
            self.fault.clocks.covered += ns
            return
        last = self.last
        contact = not self.hindrance
        self._clocks.count(last.state, ns, output=bool(self._level), contact=contact)
        if last.state in EMITTING:
            self._dose.add(last.values, ns / SECOND)

    def _meet(self, reading: Reading) -> None:
        """A reading holds from now on."""
        self.last = reading
        if not reading.clock_ok:
            self.flags.add("clock_untrusted")
        if reading.flags:
            self.flags.update(reading.flags)
        if reading.state in LIVE:
            self.state = reading.state
        if reading.state in EMITTING:
            self._emit(reading)

    def _emit(self, reading: Reading) -> None:
        modality = self._rules.modality
        self._level = level = dose.output(modality, reading.values)
        if level is not None:
            self._level_known = True
            self._put_out = self._put_out or level > 0
        if self._planned is None and reading.state == "running":
            convention = self._rules.convention
            self._planned = dose.planned(modality, reading.values, convention)

    def follow_timer(
        self, reading: Reading, ns: int, *, fault: bool = False
    ) -> Move | None:
        """The timer goes on to this reading; tell if it moved by itself."""
        timer, values, seconds = self.timer, reading.values, ns / SECOND
        if fault:
            timer.freeze(values, seconds if ns >= 0 else inf)
        if self.fault or not 0 <= ns <= self._quiet_ns:
            timer.meet(reading.state, values)
            return None
        return timer.step(self.state, reading.state, values, seconds)

    def hindrance_in(self, reading: Reading) -> Hindrance:
        """What this reading says of pause and contact."""
        if reading.state in EMITTING:
            if self._emits_without:
                for name in _CONTACTS:
                    if reading.values.get(name) is False:
                        return "held"
            return ""
        return _HINDRANCES.get(reading.state, "")

    def sense_contact(self) -> None:
        """Flag an output too low for the contact sensor, once it stands."""
        level, least = self._level, self._rules.contact_unreliable_below
        if level and level < least and self.changes.standing("intensity_w_cm2"):
            self.flags.add("contact_unreliable")

    # --- What happens to it ------------------------------------------------------

    def fail(self, reading: Reading, due_ns: int) -> None:
        """A fault opens the resume window."""
        self.fault = Fault(reading, due_ns, Clocks())
        self.counts["faults"] += 1
        self.hindrance = ""
        self.changes.interrupted()

    def resume(self) -> None:
        """The fault was overcome: its time belongs to the session."""
        if self.fault:
            self._clocks.absorb(self.fault.clocks)
            self.fault = None

    def bridge(self) -> None:
        """The line is back with this session: there is a gap within."""
        self._running_clocks.gaps += 1
        self.loss = None

    def extend(self, seconds: float) -> None:
        """The end lies so long after the last reading, unseen."""
        self._unseen_ns = round(seconds * SECOND)
        self._clocks.gap += self._unseen_ns
        self._clocks.gaps += 1

    def insist(self, reading: Reading, ns: int) -> None:
        """Today's rules would end it here, but it was recorded as going on."""
        self.flags.add("rules_changed")
        self.follow_timer(reading, ns)
        self.arrive(reading, ns)
        self.resume()
        self.loss = None

    # --- Telling -----------------------------------------------------------------

    @property
    def _running_clocks(self) -> Clocks:
        return self.fault.clocks if self.fault else self._clocks

    @property
    def ended_ns(self) -> int:
        """Wall time of its end, were it now."""
        return (self.fault.reading if self.fault else self.last).at_ns + self._unseen_ns

    def totals(self) -> Totals:
        """What the session adds up to so far."""
        totals: Totals = self._clocks.totals() | self._dose.totals() | self.counts
        if self._level_known:
            totals["output_s"] = self._clocks.output / SECOND
        timer = self.timer
        if timer.left is not None:
            totals["device_s"] = timer.counted_s
        error = timer.error_pct()
        if error is not None:
            totals["timer_error_pct"] = error
        if timer.longest_set_s is not None:
            totals["time_set_main_s"] = timer.longest_set_s
        return dose.rounded(totals | (self._planned or {}))

    def flagged(self, reason: EndReason | None = None) -> tuple[Flag, ...]:
        """Its flags, in the order of the catalogue; with a reason, those of its end."""
        flags = set(self.flags)
        if self._clocks.gaps:
            flags.add("gap")
        if self._dose.ambiguous:
            flags.add("convention_unknown")
        if reason:
            seen = "start_unseen" not in flags and reason not in _UNSEEN_ENDS
            if seen and self._clocks.wall < ACCIDENTAL_S * SECOND:
                flags.add("accidental")
            if self._level_known and not self._put_out:
                flags.add("no_output")
        return tuple(flag for flag in FLAGS if flag in flags)

    def view(self, channel: str) -> Session:
        """The session as it looks now."""
        return Session(
            id=self.id,
            channel=channel,
            started_ns=self.started_ns,
            state="offline" if self.loss else self.last.state,
            left_s=self.timer.left,
            settings=settings_of(self.last.values),
            totals=self.totals(),
            flags=self.flagged(),
            fault=self.fault is not None,
        )
