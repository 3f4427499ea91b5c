"""The store itself: what is journalled stands in it once, field by field."""

import random
import threading

import pytest
from contract.sinks.stored import (
    Carried,
    sink_for,
    wanted_events,
    wanted_readings,
)
from contract.sinks.test_relay import wait_until
from journals import SITE, clinic, fill, reading, writer

from devicelog.errors import SinkUnavailable
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Draft
from devicelog.model.kinds import ReadingBody
from devicelog.model.said import BindingBody, PurposeBody
from devicelog.sinks.influx import InfluxSink

HOT = "therapy_reading,site=x,device=d,channel=c,modality=us head_temp_c="


def hot(n):
    """A reading with a field that no other has."""
    body = ReadingBody(
        state="running",
        mono_ns=n,
        values={"head_temp_c": 31.5, "time_left_s": 3},
        frame="00",
        profile="p",
    )
    at_ns = 1_800_000_000_000_000_000 + n * 1_000_000_000
    return Draft(at_ns, "us-1", "us", "reading", "", f"hot/{n}", codec.encode(body))


def told_lost(directory):
    with Reader(str(directory)) as view:
        return [it for it in view.alarms() if it.name == "sink/influx/lost"]


def test_what_is_journalled_stands_in_the_store_field_by_field(influxdb, tmp_path):
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 2500))
        with Carried(tmp_path, sink_for(influxdb), journal) as carried:
            fill(journal, clinic(2500, 500))
            carried.drained()

    assert influxdb.rows("therapy_reading") == wanted_readings(tmp_path)
    events = {
        key: (it["seq"], it["session_id"])
        for key, it in influxdb.rows("therapy_event").items()
        if key[2] in ("start", "end")
    }
    assert events == wanted_events(tmp_path)
    sessions = influxdb.rows("therapy_session")
    assert len(sessions) == 60
    assert {it["end_reason"] for it in sessions.values()} == {"completed"}
    assert sessions["us", "us-1", "us", SITE, 1_800_000_000_000_000_003] == {
        "session_id": "us-1.us.00000000",
        "treatment_id": "",
        "pseudonym": "",
        "head": "",
        "head_source": "",
        "uncorrected": "head unknown",
        "started_at": 1_800_000_000_000,
        "ended_at": 0,
        "end_reason": "completed",
        "purpose": "treatment",
        "flags": "",
        "local_hour": 8,  # 2027-01-15T08:00:00Z
        "local_weekday": 5,
        "duty_pct": 20,
        "energy_j": 73,
    }


def said(n, kind, session_id, body):
    at_ns = 1_900_000_000_000_000_000 + n
    subject = session_id or body.pseudonym
    key = f"request-{n:04}"
    return Draft(at_ns, "us-1", "us", kind, subject, key, codec.encode(body))


def test_whose_a_session_is_and_what_for_are_fields_of_its_one_row(influxdb, tmp_path):
    one, two = "us-1.us.00000000", "us-1.us.00000050"
    bodies = [
        ("binding", one, BindingBody(session_id=one, pseudonym="3333-334F", by="kb")),
        ("binding", one, BindingBody(session_id=one, pseudonym="3333-335J", by="kb")),
        ("purpose", two, PurposeBody(session_id=two, purpose="training", by="kb")),
        ("binding", "", BindingBody(event="ahead", pseudonym="3333-334F", by="kb")),
    ]
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 100))
        with Carried(tmp_path, sink_for(influxdb), journal) as carried:
            carried.drained()
            before = influxdb.rows("therapy_session")
            fill(journal, [[said(n, *it)] for n, it in enumerate(bodies)])
            carried.drained()

    rows = influxdb.rows("therapy_session")
    assert rows.keys() == before.keys()
    told = {it["session_id"]: (it["pseudonym"], it["purpose"]) for it in rows.values()}
    assert told == {one: ("3333-335J", "treatment"), two: ("", "training")}


class Counted(InfluxSink):
    """How many entries it was given."""

    given = 0

    def send(self, entries, **more):
        answers = super().send(entries, **more)
        self.given += len(entries)
        return answers


def test_a_second_time_changes_nothing(influxdb, tmp_path):
    sink = sink_for(influxdb, make=Counted)
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 300))
        with Carried(tmp_path, sink, journal) as carried:
            carried.drained()
            before, once = influxdb.rows("therapy_reading"), sink.given
            carried.relay.reset(0)
            wait_until(lambda: sink.given >= 2 * once)
            carried.drained()

    assert influxdb.rows("therapy_reading") == before == wanted_readings(tmp_path)


def test_a_row_that_conflicts_is_set_aside_and_the_rest_stands(influxdb, tmp_path):
    influxdb.write(HOT + '"warm" 1800000000000000000')
    with writer(tmp_path) as journal:
        fill(journal, [*clinic(0, 100), [hot(1000)], *clinic(100, 100)])
        with Carried(tmp_path, sink_for(influxdb), journal) as carried:
            carried.drained()
    with Reader(str(tmp_path)) as view:
        (reject,) = view.rejects("influx")
        alarms = [it.name for it in view.alarms()]
        there = view.entry(reject.seq)

    assert there.key == "hot/1000"
    assert "head_temp_c" in reject.reason
    assert alarms == ["sink/influx/rejected"]
    wanted = wanted_readings(tmp_path)
    stored = influxdb.rows("therapy_reading")
    lost = {key for key, it in wanted.items() if it["seq"] == reject.seq}
    assert {key: stored.get(key) for key in wanted.keys() - lost} == {
        key: it for key, it in wanted.items() if key not in lost
    }


def test_a_bucket_that_is_not_there_is_an_alarm_and_nothing_is_lost(influxdb, tmp_path):
    sink = sink_for(influxdb)
    sink.server.bucket = "nowhere"
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 50))
        with Carried(tmp_path, sink, journal) as carried:
            wait_until(lambda: "nowhere" in carried.relay.status.text)
            assert carried.relay.status.rejected == 0
    with Reader(str(tmp_path)) as view:
        names = [it.name for it in view.alarms()]
        assert view.position("influx").done_to == 0

    assert names == ["sink/influx/away"]


def test_simulated_and_real_refuse_each_other(influxdb, tmp_path):
    with writer(tmp_path) as journal:
        fill(journal, clinic(0, 10))
        with Carried(tmp_path, sink_for(influxdb), journal) as carried:
            carried.drained()
    real = sink_for(influxdb, simulated=False)
    real.server.bucket += "_sim"  # an operator's mistake
    with pytest.raises(
        SinkUnavailable, match="holds simulated data; this site is real"
    ):
        real.connect()
    real.close()


class TestKilled:
    """What a crash of the server may and may not cost."""

    @pytest.mark.parametrize("kills", [8, pytest.param(60, marks=pytest.mark.torture)])
    def test_kill_9_under_load_loses_nothing(self, own_influxdb, tmp_path, kills):
        seed = random.randrange(2**32)
        print("seed", seed)
        chance = random.Random(seed)
        directory, pause = tmp_path / "data", threading.Event()
        with (
            writer(directory) as journal,
            Carried(directory, sink_for(own_influxdb), journal) as carried,
        ):
            for n in range(0, 500 * kills, 500):
                for group in clinic(n, 500):
                    journal.submit(group)
                pause.wait(chance.uniform(0, 0.15))
                own_influxdb.kill()
                own_influxdb.start()
            carried.drained()
            wanted = wanted_readings(directory)
            wait_until(lambda: own_influxdb.rows("therapy_reading") == wanted)

        assert own_influxdb.rows("therapy_reading") == wanted_readings(directory)

    @pytest.mark.parametrize("reads_back", [True, False])
    def test_a_store_that_lies_is_found_out_without_a_human(
        self, own_influxdb, tmp_path, reads_back
    ):
        directory = tmp_path / "data"
        sink = sink_for(own_influxdb)
        with writer(directory) as journal:
            carried = Carried(directory, sink, journal)
            if not reads_back:
                carried.relay._proving = None
            with carried:
                fill(journal, clinic(0, 300))
                carried.drained()
                own_influxdb.kill()
                own_influxdb.tear()
                own_influxdb.start()
                fill(journal, clinic(300, 300))
                carried.drained()
                verified = own_influxdb.rows("therapy_reading")
                assert verified == wanted_readings(directory)
                own_influxdb.kill()
                own_influxdb.start()
                fill(journal, [[reading(10**6)]])
                carried.drained()
                if reads_back:
                    wanted = wanted_readings(directory)
                    wait_until(lambda: own_influxdb.rows("therapy_reading") == wanted)
                    wait_until(
                        lambda: any(it.cleared_ns for it in told_lost(directory))
                    )
        told = told_lost(directory)
        lost = wanted_readings(directory).keys() - own_influxdb.rows("therapy_reading")

        if reads_back:
            assert not lost
            assert len(told) == 1
            assert "that it had acknowledged" in told[0].text
        else:
            assert len(lost) >= 300
            assert told == []
