"""No entry ever belongs to two patients: whatever people, cables and clocks do.

Real pipelines, journal, restore and desk on one clock. What is asserted is read from
the entries alone, by rules written here a second time.
"""

import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from unit.records.bench import Bench
from unit.records.clinic import ANNA, BERND, CARLA

from devicelog.errors import DevicelogError
from devicelog.journal import check
from devicelog.model import codec

DEVICES = ("us-1", "us-2")
ALL = (ANNA, BERND, CARLA)
devices = st.sampled_from(DEVICES)
patients = st.sampled_from(ALL)
WITHIN_S = 60.0


class Life(RuleBasedStateMachine):
    """A clinic in which everything happens; `named` is whose each request named."""

    @initialize()
    def opens(self):
        self.folder = tempfile.mkdtemp()
        self.bench = Bench(Path(self.folder) / "data", DEVICES)
        self.bench.writer.open()
        self.bench.up()
        self.bench.live(2)
        self.named = {}
        self.read_to = 0
        self.entries = []

    # --- What people do -----------------------------------------------------------

    def say(self, op, named=None, **args):
        """Asked; what is refused is no failure of ours, and writes nothing."""
        id_ = f"said-{len(self.named):05}"
        self.named[id_] = (op, named)
        with contextlib.suppress(DevicelogError):
            self.bench.ask(op, request_id=id_, **args)

    @rule(data=st.data(), patient=patients, confirm=st.booleans(), why=st.booleans())
    def assign(self, data, patient, confirm, why):
        session = self.some(data)
        reason = {"reason": "wrong_patient"} if why else {}
        args = {"session_id": session, "pseudonym": patient, "confirm": confirm}
        self.say("assign", (session, patient), **args, **reason)

    @rule(data=st.data())
    def unbind(self, data):
        session = self.some(data)
        named = (session, "")
        self.say("unbind", named, session_id=session, reason="wrong_session")

    @rule(data=st.data())
    def undo(self, data):
        session = self.some(data)
        self.say("undo", (session, None), session_id=session)

    @rule(data=st.data(), what=st.sampled_from(["training", "treatment"]))
    def purpose(self, data, what):
        self.say("purpose", session_id=self.some(data), purpose=what)

    @rule(device=devices, patient=patients, confirm=st.booleans())
    def ahead(self, device, patient, confirm):
        args = {"device": device, "pseudonym": patient, "within_s": WITHIN_S}
        self.say("ahead", (device, patient), **args, confirm=confirm)

    @rule()
    def carry_out(self):
        self.bench.desk.carry_out()

    @rule(data=st.data(), device=devices, patient=patients)
    def expect_and_treat(self, data, device, patient):
        """Said ahead of a treatment, and something comes between."""
        self.bench.machines[device].stop()
        self.bench.live(2)
        args = {"device": device, "pseudonym": patient, "within_s": WITHIN_S}
        self.say("ahead", (device, patient), **args, confirm=True)
        between = {
            "nothing": lambda: None,
            "time": lambda: self.nothing_is_read_for(70.0),
            "restart": self.restart,
            "reboot": lambda: self.reboot(5.0),
            "step": lambda: self.step(7200.0),
            "cable": lambda: (self.plug_or_unplug(device), self.plug_or_unplug(device)),
        }
        between[data.draw(st.sampled_from(sorted(between)))]()
        self.bench.live(2)
        self.treat(device, 3)
        if data.draw(st.booleans()):
            quicker = data.draw(patients)
            session = self.bench.devices[device].channels["us"].session_id
            args = {"session_id": session, "pseudonym": quicker, "confirm": True}
            self.say("assign", (session, quicker), **args)
        self.carry_out()

    # --- What devices, cables and clocks do ---------------------------------------

    @rule(device=devices, seconds=st.integers(2, 5))
    def treat(self, device, seconds):
        self.bench.machines[device].treat()
        self.bench.live(seconds)

    @rule(device=devices)
    def stop(self, device):
        self.bench.machines[device].stop()
        self.bench.live(2)

    @rule(seconds=st.integers(1, 5))
    def live(self, seconds):
        self.bench.live(seconds)

    @rule(seconds=st.sampled_from([9.0, 40.0, 70.0, 400.0]))
    def nothing_is_read_for(self, seconds):
        self.bench.clock.advance(seconds)
        for machine in self.bench.machines.values():
            machine.live(seconds)
        self.bench.live(1)

    @rule(device=devices)
    def plug_or_unplug(self, device):
        if self.bench.machines[device].plugged:
            self.bench.unplug(device)
        else:
            self.bench.plug(device)
            self.bench.live(2)

    @rule()
    def restart(self):
        self.bench.restart()

    @rule(off_s=st.sampled_from([5.0, 100.0]))
    def reboot(self, off_s):
        self.bench.reboot(off_s)

    @rule(seconds=st.sampled_from([-7200.0, -5.0, 5.0, 7200.0]))
    def step(self, seconds):
        self.bench.clock.step_wall(seconds)

    # --- What must hold -----------------------------------------------------------

    def some(self, data):
        with self.bench.reader() as reader:
            ids = [row.session_id for row in reader.sessions()]
        return data.draw(st.sampled_from(sorted(ids) or ["us-1.us.none"]))

    @invariant()
    @precondition(lambda self: hasattr(self, "bench"))
    def every_entry_has_one_patient_at_most(self):
        self.read()
        whose, starts = {}, {}
        for entry, body in self.entries:
            if entry.kind == "session" and body.event == "start":
                starts[entry.subject] = (entry, body)
            if entry.kind == "binding" and body.session_id:
                assert body.was == whose.get(body.session_id, ""), "a binding was lost"
                self.is_asked_for(entry, body, starts)
                whose[body.session_id] = body.pseudonym
        with self.bench.reader() as reader:
            rows = reader.sessions()
        for row in rows:
            assert row.pseudonym == whose.get(row.session_id, "")
            assert not row.pseudonym or row.purpose == "treatment"
        self.sessions_do_not_mix()

    def read(self):
        with self.bench.reader() as reader:
            while page := reader.entries(self.read_to):
                self.entries += [(it, codec.decode(it.kind, it.body)) for it in page]
                self.read_to = page[-1].seq

    def is_asked_for(self, entry, body, starts):
        """By a request that named this session, or ahead, for its first start."""
        if body.how != "ahead":
            op, named = self.named[entry.key.partition("/")[0]]
            session, patient = named
            assert session == body.session_id
            if op == "undo":
                undone = next(it for it, _ in self.entries if it.seq == body.undoes)
                assert codec.decode("binding", undone.body).was == body.pseudonym
            else:
                assert patient == body.pseudonym
            return
        asked, told = next(it for it in self.entries if it[0].seq == body.ahead)
        start, began = starts[body.session_id]
        assert (asked.device, told.pseudonym) == (start.device, body.pseudonym)
        assert 0 <= began.mono_ns - told.mono_ns <= WITHIN_S * 1e9
        assert start.seq > asked.seq
        runs = [it for other, it in self.entries if other.kind == "config"]
        boots = {it.run_id: it.boot_id for it in runs}
        assert told.boot_id == boots[start.key.partition("/")[0]]
        between = [
            it
            for it, other in starts.values()
            if it.device == asked.device and asked.seq < it.seq < start.seq
        ]
        assert between == [], "it was not the next session"
        used = [e for e, it in self.entries if getattr(it, "ahead", None) == asked.seq]
        assert len(used) == 1, "it was used more than once"

    def sessions_do_not_mix(self):
        """On a channel, once another session has a reading, the first has none."""
        order = {device: [] for device in DEVICES}
        for entry, _ in self.entries:
            if entry.kind == "reading" and entry.subject:
                seen = order[entry.device]
                assert entry.subject.startswith(entry.device)
                if not seen or seen[-1] != entry.subject:
                    assert entry.subject not in seen, "two sessions mix"
                    seen.append(entry.subject)

    def teardown(self):
        if hasattr(self, "bench"):
            self.bench.writer.close()
            report = check.examine(self.bench.directory / "journal.db")
            shutil.rmtree(self.folder)
            assert (report.damage, report.stale) == ((), ())


LIMITS = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

TestLife = Life.TestCase
TestLife.settings = settings(max_examples=15, stateful_step_count=30, **LIMITS)


@pytest.mark.torture
class TestLongLife(Life.TestCase):
    settings = settings(max_examples=150, stateful_step_count=50, **LIMITS)
