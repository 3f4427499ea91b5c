"""What holds on every walk: readings in any states, at any rhythm, with any losses.

A walk is a list of steps; a step has its time and is a reading, a lost port, or a
restart of the recorder (a fresh tracker, rebuilt from what was journalled).
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.sessions.therapy import at, bodies, mono, reading, rules

from devicelog.model.flow import Reading, SessionEvent
from devicelog.model.states import DECODED
from devicelog.sessions.gate import Gate
from devicelog.sessions.rules import Rules
from devicelog.sessions.tracker import Tracker

RULES = [
    rules(),
    rules(has_timer=False),
    rules(check_bits=8),
    rules(contact_policy="none", resume_window_s=5.0, identity_verified=False),
]
# Mostly what a device does: run, with the odd pause, fault and restart.
STATES = st.sampled_from([*DECODED, *["running"] * 12, *["paused"] * 3, *["fault"] * 2])
WAITS = st.sampled_from([0.3, 1.0, 1.0, 1.0, 1.0, 2.0, 2.5, 3.0, 20.0, 130.0, 500.0])
TIMERS = st.sampled_from(["runs"] * 12 + ["stands", "jumps", "full", "untold"])
KINDS = st.sampled_from(["reading"] * 12 + ["port", "restart"])
LEVELS = st.sampled_from([0.0, 0.5, 1.0, 1.0, 1.0])


@dataclass
class Step:
    kind: str
    seconds: float
    one: Reading


@st.composite
def walks(draw: Any) -> list[Step]:
    seconds, left, steps = 0.0, 300.0, []
    for _ in range(draw(st.integers(1, 40))):
        wait, timer, state = draw(WAITS), draw(TIMERS), draw(STATES)
        seconds += wait
        moves = {"runs": left - wait, "jumps": left - 40 - wait, "full": 300.0}
        left = max(0.0, moves.get(timer, left))
        one = reading(
            seconds,
            state,
            None if timer == "untold" else left,
            intensity_w_cm2=draw(LEVELS),
            contact_ok=draw(st.sampled_from([True, True, True, False])),
        )
        steps.append(Step(draw(KINDS), seconds, one))
    return steps


@dataclass
class Recorder:
    """The smallest recorder: a gate, a tracker, and a journal in memory."""

    the_rules: Rules
    events: list[SessionEvent] = field(default_factory=list)
    journal: list[Reading | SessionEvent] = field(default_factory=list)
    owners: list[tuple[str, Reading]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate = Gate(self.the_rules)
        self.it = self._tracker()

    def _tracker(self) -> Tracker:
        used = {event.session_id for event in self.events}
        return Tracker("us1", "us", self.the_rules, used.__contains__)

    def _said(self, events: list[SessionEvent]) -> None:
        self.events += events
        self.journal += events

    def _take(self, verdicts: list[Any]) -> None:
        for verdict in verdicts:
            if verdict.believed:
                self.journal.append(verdict.reading)
                self._said(self.it.take(verdict.reading))
                self.owners.append((self.it.owner, verdict.reading))

    def tick(self, seconds: float) -> None:
        self._take(self.gate.tick(mono(seconds)))
        if not self.gate.holding:
            self._said(self.it.tick(mono(seconds)))

    def step(self, step: Step) -> None:
        if step.kind == "reading":
            self._take(self.gate.take(step.one))
            return
        self._take(self.gate.tick(mono(step.seconds)))
        self._take(self.gate.settle())
        if step.kind == "port":
            self._said(self.it.lost(mono(step.seconds), at(step.seconds)))
        else:
            self._said(self.it.tick(mono(step.seconds)))
            self.rebuild()
            self._said(self.it.stopped(mono(step.seconds), at(step.seconds)))

    def rebuild(self) -> None:
        """Forget all but the journal."""
        session = self.it.session
        self.it = self._tracker()
        if session:
            start = next(e for e in self.events if e.session_id == session.id)
            lines = [
                it
                for it in self.journal
                if isinstance(it, Reading) or it.session_id == session.id
            ]
            self.it.restore(start, lines)

    def end(self, seconds: float) -> None:
        self._take(self.gate.settle())
        for _ in range(4):
            self._said(self.it.tick(mono(seconds + 100_000)))


def recorded(the_rules: Rules, walk: list[Step]) -> Recorder:
    recorder = Recorder(the_rules)
    for step in walk:
        recorder.step(step)
    recorder.end(walk[-1].seconds)
    return recorder


ANY_RULES = st.sampled_from(RULES)
# No deadline: a loaded machine is no bug. A failure prints how to repeat it.
walked = settings(deadline=None, max_examples=100, print_blob=True)


@walked
@given(ANY_RULES, walks(), st.data())
def test_ticks_change_nothing(the_rules, walk, data):
    plain = recorded(the_rules, walk)
    ticked = Recorder(the_rules)
    for step, following in zip(walk, [*walk[1:], walk[-1]], strict=True):
        ticked.step(step)
        for share in data.draw(st.lists(st.floats(0, 0.999), max_size=3)):
            wait = following.seconds - step.seconds
            ticked.tick(step.seconds + share * wait)
    ticked.end(walk[-1].seconds)

    assert bodies(ticked.events) == bodies(plain.events)


@walked
@given(ANY_RULES, walks(), st.data())
def test_a_rebuilt_session_goes_on_and_ends_the_same(the_rules, walk, data):
    plain = recorded(the_rules, walk)
    rebuilt = Recorder(the_rules)
    cut = data.draw(st.integers(0, len(walk) - 1))
    for n, step in enumerate(walk):
        rebuilt.step(step)
        if n == cut and rebuilt.it.session:
            view = rebuilt.it.session
            rebuilt.rebuild()
            assert rebuilt.it.session == view
    rebuilt.end(walk[-1].seconds)

    assert bodies(rebuilt.events) == bodies(plain.events)


@walked
@given(ANY_RULES, walks())
def test_every_session_begins_once_and_ends_once(the_rules, walk):
    recorder = recorded(the_rules, walk)
    names = [e.session_id for e in recorder.events if e.event == "start"]
    ends = [e.session_id for e in recorder.events if e.event == "end"]

    assert names == ends
    assert len(set(names)) == len(names)
    assert recorder.it.session is None
    assert recorder.it.deadline is None


@walked
@given(ANY_RULES, walks())
def test_sessions_and_their_readings_do_not_overlap(the_rules, walk):
    recorder = recorded(the_rules, walk)
    ends = {e.session_id: e for e in recorder.events if e.event == "end"}
    starts = {e.session_id: e for e in recorder.events if e.event == "start"}
    owners = [name for name, _ in recorder.owners]
    turns = [
        name for n, name in enumerate(owners) if name and owners[n - 1 : n] != [name]
    ]

    assert len(set(turns)) == len(turns)
    for before, after in pairwise(turns):
        first = next(one for name, one in recorder.owners if name == after)
        assert ends[before].ended_ns < first.at_ns
    for name, one in recorder.owners:
        assert not name or one.mono_ns >= starts[name].mono_ns


@walked
@given(ANY_RULES, walks())
def test_stamps_only_grow(the_rules, walk):
    stamps = [event.at_ns for event in recorded(the_rules, walk).events]

    assert stamps == sorted(set(stamps))


@walked
@given(ANY_RULES, walks())
def test_totals_add_up(the_rules, walk):
    started = {}
    for event in recorded(the_rules, walk).events:
        if event.event == "start":
            started[event.session_id] = event.at_ns - 1
        if event.event == "end":
            totals = event.totals
            span_s = (event.ended_ns - started[event.session_id]) / 1e9

            assert abs(totals["wall_s"] - span_s) < 1e-3
            assert totals["emission_s"] + totals["paused_s"] <= totals["wall_s"] + 1e-5
            assert totals.get("output_s", 0) <= totals["emission_s"]
            assert 0 <= totals["coverage_pct"] <= 100
            assert ("gap" in event.flags) == (totals["gaps"] > 0)
