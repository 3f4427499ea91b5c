"""Heads and corrected doses in the store: as the journal tells them when it is sent."""

from contract.sinks.stored import Carried, sink_for
from journals import fill, writer

from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Draft, SessionEvent
from devicelog.model.said import CalibrationBody, Point, RegisterBody

FIRST = 1_800_000_000_000_000_000
MINUTE = 60_000_000_000
SOUND = {"frequency_mhz": 1.0, "duty_pct": 20}
SAID = {"by": "kb", "request": "", "mono_ns": 0, "boot_id": ""}


class Told:
    """Drafts, each with a key of its own; `n` is the minute in which it happened."""

    count = 0

    def draft(self, n, kind, body, subject="", device="us-1"):
        self.count += 1
        key = f"derived/{self.count}"
        told = (device, "us", kind, subject, key, codec.encode(body), True)
        return Draft(FIRST + n * MINUTE + self.count, *told)

    def session(self, n, *, device="us-1", head=None, energy=100.0):
        """A treatment in this minute; its id."""
        name = f"{device}.us.{n:03}"
        values = SOUND | ({"head_serial": head} if head else {})
        told = {"session_id": name, "channel": "us", "at_ns": 0, "mono_ns": 0}
        ended = FIRST + n * MINUTE + 30_000_000_000
        end = {"reason": "completed", "ended_ns": ended, "totals": {"energy_j": energy}}
        return name, [
            self.draft(n, "session", it, name, device)
            for it in (
                SessionEvent(event="start", values=values, **told),
                SessionEvent(event="end", **told, **end),
            )
        ]

    def check(self, n, measured, *, on, head="H-1", **more):
        """An output check, written down in minute `n`, dated `on`."""
        body = CalibrationBody(
            name=head,
            on_ns=FIRST + on * MINUTE,
            frequency_mhz=1.0,
            mode="pulsed",
            points=(Point(10.0, measured),),
            error_pct=(measured - 10.0) * 10,
            **SAID,
        )
        return self.draft(n, "calibration", body)

    def withdrawn(self, n, seq):
        return self.draft(n, "calibration", CalibrationBody(of=seq, **SAID))

    def moved(self, n, head, device, *, on):
        told = {"name": head, "event": "moved", "device": device}
        body = RegisterBody(thing="head", on_ns=FIRST + on * MINUTE, **told, **SAID)
        return self.draft(n, "register", body)


class Stored:
    """A journal, its relay and the store; what the store says of a session."""

    def __init__(self, influxdb, directory):
        self.influxdb, self.directory = influxdb, directory
        self.tell = Told()

    def __enter__(self):
        self.journal = writer(self.directory).__enter__()
        sink = sink_for(self.influxdb)
        self.carried = Carried(self.directory, sink, self.journal).__enter__()
        return self

    def __exit__(self, *told: object):
        self.carried.__exit__(*told)
        self.journal.__exit__(*told)

    def fill(self, *drafts):
        fill(self.journal, [[it] for it in drafts])
        self.carried.drained()

    def of(self, name):
        rows = self.influxdb.rows("therapy_session").values()
        (row,) = [it for it in rows if it["session_id"] == name]
        names = ("head", "head_source", "uncorrected", "energy_corrected_j")
        return tuple(row.get(it) for it in names)

    def differences(self, *names):
        """What an audit of the store finds, as the journal stands now."""
        audit = sink_for(self.influxdb).audit()
        audit.open()
        with Reader(str(self.directory)) as view:
            found = [audit.examine(view.session(it), view).differences for it in names]
        audit.close()
        return [it.text for its in found for it in its]

    def last_seq(self):
        return self.journal.committed


def test_the_corrected_dose_follows_the_check_whenever_it_is_written(
    influxdb, tmp_path
):
    with Stored(influxdb, tmp_path) as it:
        tell = it.tell
        early, drafts = tell.session(1, head="H-1")
        late, more = tell.session(20, head="H-1")
        other, others = tell.session(21, head="H-2")
        it.fill(*drafts, *more, *others)
        none = "no output check before it"
        assert it.of(late) == ("H-1", "wire", none, None)

        it.fill(tell.check(30, 7.0, on=10))
        first = it.last_seq()
        assert it.of(late) == ("H-1", "wire", "", 70.0)
        assert it.of(early) == ("H-1", "wire", none, None)
        assert it.of(other) == ("H-2", "wire", none, None)

        it.fill(tell.check(31, 8.0, on=15))
        second = it.last_seq()
        assert it.of(late) == ("H-1", "wire", "", 80.0)
        it.fill(tell.withdrawn(32, second))
        assert it.of(late) == ("H-1", "wire", "", 70.0)
        it.fill(tell.withdrawn(33, first))
        # A field cannot be deleted: what counts is said beside it.
        assert it.of(late) == ("H-1", "wire", none, 70.0)
        assert it.differences(early, late, other) == []


def test_a_head_that_the_register_moves_later_is_told_of_again(influxdb, tmp_path):
    with Stored(influxdb, tmp_path) as it:
        tell = it.tell
        before, drafts = tell.session(1)
        after, more = tell.session(20)
        beside, others = tell.session(21, device="us-2")
        named, wire = tell.session(22, head="H-9")
        it.fill(*drafts, *more, *others, *wire)
        assert it.of(after) == ("", "", "head unknown", None)

        it.fill(tell.check(30, 7.0, on=0), tell.moved(31, "H-1", "us-1", on=10))
        assert it.of(after) == ("H-1", "register", "", 70.0)
        assert it.of(before) == it.of(beside) == ("", "", "head unknown", None)
        it.fill(tell.moved(32, "H-1", "us-2", on=15))
        assert it.of(after) == ("", "", "head unknown", 70.0)
        assert it.of(beside) == ("H-1", "register", "", 70.0)
        assert it.of(named) == ("H-9", "wire", "no output check before it", None)
        assert it.differences(before, after, beside, named) == []


def test_what_is_sent_again_from_the_beginning_says_the_same(influxdb, tmp_path):
    with Stored(influxdb, tmp_path) as it:
        tell = it.tell
        one, drafts = tell.session(1, head="H-1")
        two, more = tell.session(20)
        it.fill(*drafts, tell.check(10, 7.0, on=5), *more)
        it.fill(tell.moved(31, "H-1", "us-1", on=15), tell.check(32, 9.0, on=0))
        before = influxdb.rows("therapy_session")
        influxdb.delete("therapy_session", FIRST + MINUTE + 1)
        it.carried.relay.reset(0)
        it.fill(tell.check(33, 9.0, on=40))
        assert influxdb.rows("therapy_session") == before
        assert it.differences(one, two) == []
