"""The device's own timer over one session: data, never a key to our clocks."""

from typing import Literal

from devicelog.model.dose import Values, number
from devicelog.model.fields import Value
from devicelog.model.states import EMITTING, LIVE, State
from devicelog.sessions.rules import Rules
from devicelog.sessions.table import (
    GAP_SHARE,
    JUMP_SHARE,
    MEASURED_S,
    RATES,
    SLACK_S,
    Clue,
    Stands,
    TimerAt,
)

Move = Literal["timer_lengthened", "timer_jump"]


def time_left(rules: Rules, values: Values) -> float | None:
    """Time left on the timer, counting down or up; None where nothing tells it."""
    if not rules.has_timer:
        return None
    left = values.get("time_left_s")
    if left is not None:
        return float(left)
    gone = number(values, "time_elapsed_s")
    whole = number(values, "time_set_s")
    return None if gone is None or whole is None else whole - gone


class Timer:
    """Where the timer stood, how far it counted, how fast it runs.

    `left`: time left last seen. `counted_s`: what it counted by its own steps; what
    jumped, or passed while the line was lost, is not counted.
    """

    def __init__(self, rules: Rules, values: Values) -> None:
        self._rules = rules
        self.left = time_left(rules, values)
        self.counted_s = 0.0
        self.longest_set_s = number(values, "time_set_s")
        self._set: Value | None = values.get("time_set_s")
        self._stood = self.left  # when output last flowed
        self._at_fault = self.left
        self._unread_s = 0.0  # passed since `left` was seen
        # Between two readings with the timer running: its steps, our seconds.
        self._pace_counted_s = 0.0
        self._pace_s = 0.0

    # --- A good line -------------------------------------------------------------

    def at(self, was: State, now: State, values: Values) -> TimerAt:
        """Where the timer is as the state changes (table.CHANGES)."""
        if self.left is None:
            return "none"
        if now in EMITTING and was not in EMITTING:
            left = time_left(self._rules, values)
            whole = number(values, "time_set_s")
            if left is not None and whole is not None and self._stood is not None:
                back = left >= whole - SLACK_S and left > self._stood + SLACK_S
                return "full" if back else "inside"
        ends = self.left <= 2 * self._rules.interval_s + SLACK_S
        return "end" if ends else "inside"

    def step(
        self, was: State, now: State, values: Values, seconds: float
    ) -> Move | None:
        """Follow the timer over an interval; tell if it did not go by itself."""
        left = 0.0 if now == "finished" else time_left(self._rules, values)
        seconds += self._unread_s
        if left is None or self.left is None:
            self._unread_s = seconds
            self.meet(now, values)
            return None
        step = self.left - left
        slack = SLACK_S + JUMP_SHARE * seconds
        ran, runs = self._runs(was), self._runs(now)
        if -slack <= step <= slack + (seconds if ran or runs else 0.0):
            self.counted_s += step
            if ran and runs:
                self._pace_counted_s += step
                self._pace_s += seconds
            move: Move | None = None
        elif step < 0 and (was in EMITTING or now in EMITTING):
            move = "timer_lengthened"
        else:
            move = "timer_jump"
        self.meet(now, values)
        return move

    def meet(self, now: State, values: Values) -> None:
        """Take the timer as it stands, whatever it did before."""
        left = time_left(self._rules, values)
        whole = values.get("time_set_s")
        if whole is not None and whole != self._set:
            self._set = whole
            self.longest_set_s = max(float(whole), self.longest_set_s or 0.0)
        if left is not None:
            self.left = left
            self._unread_s = 0.0
            if now in EMITTING:
                self._stood = left

    def _runs(self, state: State) -> bool:
        return state in LIVE and state not in self._rules.timer_stops_in

    # --- A fault -----------------------------------------------------------------

    def freeze(self, values: Values, seconds: float) -> None:
        """Remember where a fault left the timer; a device may clear it at once."""
        shown = time_left(self._rules, values)
        self._at_fault = self.left
        if shown is not None and self.left is not None:
            slack = SLACK_S + JUMP_SHARE * seconds
            if -SLACK_S <= self.left - shown <= seconds + slack:
                self._at_fault = shown

    def stands(self, values: Values) -> Stands:
        """Whether the timer is where the fault left it (table.WINDOW)."""
        left = time_left(self._rules, values)
        if left is None or self._at_fault is None:
            return "elsewhere"
        return "there" if abs(left - self._at_fault) <= SLACK_S else "elsewhere"

    # --- A lost line -------------------------------------------------------------

    @property
    def measured(self) -> bool:
        """Whether this session's timer ran long enough to know its rate."""
        return self._pace_s >= MEASURED_S

    def rate(self, was: State) -> float:
        """Seconds that the timer counts in one of ours, in this state."""
        if not self._runs(was):
            return 0.0
        if not self.measured:
            return 1.0
        low, high = RATES
        return min(max(self._pace_counted_s / self._pace_s, low), high)

    def error_pct(self) -> float | None:
        """How much faster than our clock it runs; None until that can be told."""
        if not self.measured or self.counted_s <= 0:
            return None
        return 100 * (self._pace_counted_s / self._pace_s - 1)

    def clue(self, was: State, now: State, values: Values, gap_s: float | None) -> Clue:
        """What the timer says of a gap (table.RETURNS). None: its length is unknown.

        With an unknown gap the timer may have run, but not back.
        """
        if now in LIVE and values.get("time_set_s", self._set) != self._set:
            return "differs"
        left = time_left(self._rules, values)
        if self.left is None or (now in LIVE and left is None):
            return "differs" if gap_s is None and now in LIVE else "untimed"
        if gap_s is None:
            fits = left is not None and left <= self.left + SLACK_S
            return "fits" if fits else "differs"
        unmeasured = self._runs(was) and not self.measured
        slack = SLACK_S + gap_s * (JUMP_SHARE if unmeasured else GAP_SHARE)
        soonest = self.left - self.rate(was) * gap_s
        if now not in LIVE or left is None:
            return "over" if soonest <= slack else "differs"
        if not soonest - slack <= left <= self.left + slack:
            return "differs"
        return "paused" if left > soonest + slack else "fits"

    def runs_for(self, was: State) -> float:
        """Seconds after the last reading until the timer must have run out."""
        rate = self.rate(was)
        return self.left / rate if self.left is not None and rate else 0.0
