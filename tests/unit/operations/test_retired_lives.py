"""Random lives of a journal in which sessions leave: what stands is what was said.

After each step the chain verifies against every head that was ever shown, and the
projections are what the entries make.
"""

import contextlib
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from unit.operations.retiring import DAY, YEARS, Archive, said_of

from devicelog.errors import DevicelogError
from devicelog.journal import check, maintenance


class Life(RuleBasedStateMachine):
    """`known` is each session that was given; `held` those that must stay."""

    @initialize()
    def opens(self):
        self.folder = tempfile.mkdtemp()
        self.site = Archive(Path(self.folder))
        self.patients = [self.site.add("Anna"), self.site.add("Bernd")]
        self.known, self.held, self.gone = {}, set(), set()
        self.count = 0

    def say(self, op, **args):
        with contextlib.suppress(DevicelogError):  # refused: it writes nothing
            self.site.ask(op, confirm=True, **args)
            return True
        return False

    def some(self, data):
        return data.draw(st.sampled_from(sorted(self.known)))

    @rule(ahead=st.booleans(), n=st.integers(0, 1))
    def treat(self, ahead, n):
        if ahead:
            self.say("ahead", device="us-1", pseudonym=self.patients[n])
            self.site.clock.advance(5)
        at_ns = self.site.clock.wall_ns()
        self.known[self.site.treated()] = at_ns
        self.site.desk.carry_out()

    @precondition(lambda self: self.known)
    @rule(data=st.data(), n=st.integers(0, 1))
    def bind(self, data, n):
        args = {"session_id": self.some(data), "reason": "wrong_patient"}
        self.say("assign", pseudonym=self.patients[n], **args)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), what=st.sampled_from(["training", "treatment"]))
    def purpose(self, data, what):
        self.say("purpose", session_id=self.some(data), purpose=what)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), pain=st.integers(0, 10))
    def annotate(self, data, pain):
        facts = {"pain_before": pain}
        self.say("annotate", session_id=self.some(data), facts=facts, note="so")

    @precondition(lambda self: self.known)
    @rule(data=st.data(), over=st.booleans())
    def hold(self, data, over):
        session = self.some(data)
        if self.say("hold", session_id=session, reason="dispute", over=over):
            (self.held.discard if over else self.held.add)(session)

    @rule(n=st.integers(0, 1))
    def forget(self, n):
        code = self.patients[n]
        if self.say("forget", pseudonym=code, reason="asked"):
            self.count += 1
            self.patients[n] = self.site.add(f"{self.count * 7919:x} Carla")

    @rule(days=st.sampled_from([1, 400, 4000]))
    def time_goes_by(self, days):
        self.site.clock.advance(days * DAY)

    @rule()
    def night(self):
        self.site.elsewhere()
        self.site.night()
        there = set(self.site.there())
        left = set(self.known) - there
        assert not left & self.held
        newest = max(self.known, default="")
        old_ns = self.site.clock.wall_ns() - YEARS * 10**9
        due = {it for it, at_ns in self.known.items() if at_ns < old_ns}
        assert due - self.held - {newest} <= left | self.gone
        assert all(not said_of(self.site.directory, it) for it in left)
        self.gone |= left
        for it in left:
            del self.known[it]

    @rule()
    def rebuild(self):
        self.site.writer.close()
        maintenance.rebuild(str(self.site.directory))
        self.site.open().open()

    @invariant()
    def all_adds_up(self):
        if not hasattr(self, "site"):
            return
        with self.site.reader() as view:
            assert view.departed().sessions == len(self.gone)
            (use,) = [it for it in view.uses() if it.device == "us-1"] or [None]
            assert (use.sessions if use else 0) == len(self.gone) + len(self.known)
        assert set(self.site.there()) == set(self.known)
        report = check.examine(self.site.directory / "journal.db")
        assert (report.damage, report.stale) == ((), ())
        self.site.note_anchor()
        for anchor in {*self.site.anchors[::5], self.site.anchors[-1]}:
            assert self.site.verify(anchor).state == "ok"

    def teardown(self):
        if hasattr(self, "site"):
            self.site.writer.close()
            shutil.rmtree(self.folder)


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=6,
    stateful_step_count=12,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
