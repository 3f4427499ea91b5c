"""The feed to a real Mosquitto, witnessed by mosquitto_sub."""

import json
import socket

import pytest
from contract.sinks.mqtt_rig import BOOT, Rig, draft, line, started
from contract.sinks.published import check, readings
from journals import SITE, clinic, entries, event, noise, reading
from servers.mosquitto import Mosquitto
from servers.proxy import Proxy
from waiting import wait_until

from devicelog.journal.reader import Reader
from devicelog.model.kinds import AlarmBody, GapBody
from devicelog.model.said import RegisterBody
from devicelog.records import audit
from devicelog.sinks.messages import instant

ROOT = f"devicelog/v1/{SITE}"
NAME = "Canary Person"  # of somebody: stands in the journal, and nowhere else


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as it:
        yield it


@pytest.fixture(params=["5", "3.1.1"])
def rig(request, tmp_path, broker):
    with Rig(tmp_path, broker, protocol=request.param) as it:
        yield it


def seqs(directory, kind="reading"):
    return [it.seq for it in entries(directory) if it.kind == kind]


def test_everything_arrives_in_order_once_and_as_published(rig, broker):
    witness = broker.witness()
    rig.connect()
    rig.fill(started())
    rig.fill(clinic(1, 400))
    rig.drain()
    witness.settle()
    seen = witness.seen()
    counts = check(seen)

    assert [note["seq"] for note, _ in readings(seen)] == seqs(rig.directory)
    assert not any(it.body.get("historical") for it in seen)
    assert {it.body["boot_id"] for it in seen if "event" in it.topic} == {BOOT}
    events = [it for it in seen if it.topic == f"{ROOT}/us-1/us/event"]
    assert [it.body["seq"] for it in events] == seqs(rig.directory, "session")
    assert counts["telemetry/1"] < 400  # a commit's readings go together
    assert counts.keys() == {
        *("state/1", "info/1", "health/1", "availability/1", "device/1"),
        *("device-event/1", "channel/1", "session/1", "telemetry/1", "session-event/1"),
    }


def test_a_message_says_what_the_journal_says(rig, broker):
    witness = broker.witness(f"{ROOT}/us-1/#")
    rig.connect()
    rig.fill(started())
    session = "us-1.us.x"
    rig.fill([[event(4, "start", session, values={"duty_pct": 20})]])
    rig.fill([[reading(5, subject=session)]])
    gap = GapBody(mono_ns=6, began_ns=5, seconds=None, cause="port", text="unplugged")
    alarm = AlarmBody(name="timer", text="runs fast", remedy="have it checked")
    rig.fill([[draft("gap", 6, gap, device="us-1")], [noise(7, 40)]])
    rig.fill([[draft("alarm", 8, alarm, device="us-1")]])
    rig.drain()
    witness.settle()
    seen = witness.seen()
    check(seen)
    (note, _), *_ = readings(seen)
    told = {it.body["event"]: it.body for it in seen if it.topic.endswith("us-1/event")}
    (start,) = (it.body for it in seen if it.topic.endswith("us/event"))

    assert note == {
        "seq": seqs(rig.directory)[0],
        "at": instant(1_800_000_005_000_000_000),
        "mono_ns": 5_000_000_000,
        "state": "running",
        "values": {"intensity_w_cm2": 0.5, "time_left_s": 295, "duty_pct": 20},
        "session_id": session,
    }
    assert note["at"] == "2027-01-15T08:00:05.000000000Z"
    assert (start["event"], start["session_id"]) == ("start", session)
    assert start["values"] == {"duty_pct": 20}
    assert told["gap"]["cause"] == "port"
    assert told["gap"]["began"] == "1970-01-01T00:00:00.000000005Z"
    assert (told["noise"]["count"], told["noise"]["text"]) == (40, "no frame")
    assert (told["alarm"]["name"], told["alarm"]["remedy"]) == ("timer", alarm.remedy)
    assert told["line"]["line"] == "online"


def test_what_was_missed_comes_after_what_is_new_and_is_never_retained(rig, broker):
    witness = broker.witness()
    rig.fill(started())
    rig.fill(clinic(1, 1500))
    rig.start()
    wait_until(lambda: readings(witness.seen()))
    rig.fill([[reading(5000)]])
    rig.drain()
    witness.settle()
    seen = witness.seen()
    check(seen)
    late = [note["seq"] for note, it in readings(seen) if it.body.get("historical")]
    live = [note["seq"] for note, it in readings(seen) if "historical" not in it.body]

    assert late + live == seqs(rig.directory)
    assert len(live) == 1
    # A fresh client learns nothing of the past but how things stand now.
    kept = broker.retained()
    check(kept.values())
    assert kept[f"{ROOT}/us-1/us/state"].body["seq"] == live[0]


def test_a_fresh_client_learns_how_things_stand_and_no_person(rig, broker):
    rig.fill(started())
    rig.fill(clinic(1, 120))
    person = json.dumps({"v": 1, "name": NAME, "pseudonym": "P-7F3K"}).encode()
    for n, kind in enumerate(("binding", "annotation", "user", "audit", "tombstone")):
        rig.fill([[draft(kind, 200 + n, person, subject="us-1.us.00000050")]])
    rig.fill([[noise(300, 10)], [reading(301, subject="us-1.us.00000100")]])
    witness = broker.witness("#")
    rig.start()
    rig.drain()
    witness.settle()
    kept = broker.retained()
    check(kept.values())
    below = {topic.removeprefix(f"{ROOT}/"): it.body for topic, it in kept.items()}

    assert set(below) == {
        *("daemon/state", "daemon/info", "us-1/availability", "us-1/info"),
        *("us-1/us/state", "us-1/us/session"),
    }
    assert below["daemon/state"]["state"] == "online"
    assert below["daemon/info"]["simulated"] is True
    assert below["us-1/info"]["simulated"] is True
    assert below["us-1/info"]["serial"] == "0042"
    assert below["us-1/availability"]["state"] == "online"
    assert below["us-1/us/session"]["session_id"] == "us-1.us.00000100"
    assert below["us-1/us/state"]["values"]["intensity_w_cm2"] == 0.5
    notes = below["daemon/info"].get("notes", [])
    assert bool(notes) is (rig.settings.protocol == "3.1.1")
    assert notes == [*rig.relay.sink.notes]
    everything = [*witness.seen(), *kept.values()]
    for it in everything:
        for word in (NAME, "Canary", "P-7F3K", NAME.encode().hex()):
            assert word not in it.text
            assert word not in it.topic


def test_the_chains_head_is_retained_as_an_anchor_that_proves_it(tmp_path, broker):
    key = b"k" * 32
    with Rig(tmp_path, broker, chain_key=key) as rig:
        rig.connect()
        heads = []
        for n in range(3):
            rig.fill([[reading(10 * n)], [draft("user", n, b'{"v":1}')]])
            rig.drain()
            kept = broker.retained()
            check(kept.values())
            heads.append(kept[f"{ROOT}/daemon/info"].body["chain_head"])
        with Reader(str(rig.directory)) as reader:
            assert heads[-1] == str(audit.head(reader))
    assert len({*heads}) == len(heads)
    for head in heads:
        told = audit.verify(str(rig.directory), key, audit.anchor_of(head))
        assert (told.state, told.records) == ("ok", 1 + len(heads))


def test_a_devices_label_is_that_of_the_register(rig, broker):
    """Where it has none, the configuration's; also for who connects later."""

    def called():
        rig.drain()
        kept = broker.retained()
        check(kept.values())
        return kept[f"{ROOT}/us-1/info"].body["label"]

    rig.connect()
    rig.fill(started())
    assert called() == "Ultrasound, room 1"
    for n, label in enumerate(("Window", "", "Balcony")):
        event = "in_service" if label else "repaired"
        told = {"thing": "device", "name": "us-1", "event": event, "label": label}
        body = RegisterBody(by="physio", on_ns=1000 + n, **told)
        rig.fill([[draft("register", n, body, device="us-1")]])
        assert called() == (label or "Window")
    rig.stop()
    rig.connect()
    assert called() == "Balcony"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_what_is_retained_is_the_newest_after_an_absence(tmp_path, broker, protocol):
    with (
        Proxy(broker.port) as between,
        Rig(tmp_path, broker, port=between.port, protocol=protocol) as rig,
    ):
        rig.connect()
        rig.fill(started())
        first, second = "us-1.us.a", "us-1.us.b"
        rig.fill(
            [[event(1, "start", first, treatment_id="A", values={"duty_pct": 10})]]
        )
        rig.drain()
        # Who watches is there before the relay comes back, so it hears all of it live.
        between.freeze()
        between.cut()
        broker.kill()
        rig.lost()
        rig.fill([[event(2, "end", first, reason="fault", ended_ns=9, flags=("gap",))]])
        rig.fill(
            [[event(3, "start", second, treatment_id="B", values={"duty_pct": 50})]]
        )
        broker.start()
        witness = broker.witness()
        between.thaw()
        # An entry about the old session, live: the newest one stays what is retained.
        wait_until(lambda: rig.relay.status.connected)
        rig.fill([[draft("annotation", 9, b'{"v":1}', subject=first)]])
        rig.drain()
        witness.settle()
        kept = broker.retained()
        told = [it for it in witness.seen() if it.topic == f"{ROOT}/us-1/us/session"]

        assert kept[f"{ROOT}/us-1/us/session"].body["treatment_id"] == "B"
        assert {it.body["treatment_id"] for it in told} == {"B"}
        late = [it.body for it in witness.seen() if it.topic.endswith("us/event")]
        assert [(it["event"], it["historical"]) for it in late] == [
            ("end", True),
            ("start", True),
        ]


def test_a_state_goes_at_once_when_it_changes_else_once_a_second(rig, broker):
    witness = broker.witness(f"{ROOT}/us-1/us/state")
    rig.connect()
    rig.fill(started())
    rig.drain()
    for n in range(1, 120):
        rig.fill([[reading(n)]])
    rig.drain()
    last = seqs(rig.directory)[-1]
    wait_until(lambda: witness.seen()[-1].body["seq"] == last)
    busy = len(witness.seen())
    rig.fill([[line(200, "silent", "no byte for 2.5 s")]])
    rig.drain()
    wait_until(lambda: len(witness.seen()) > busy)
    gone = witness.seen()[-1].body

    assert busy <= 20  # a second each, on however slow a machine
    assert (gone["state"], gone["seq"]) == ("offline", last)
    offline = broker.retained()[f"{ROOT}/us-1/availability"].body
    assert offline["state"] == "offline"
    assert (offline["line"], offline["text"]) == ("silent", "no byte for 2.5 s")


def test_the_end_of_the_recorder_is_told_and_so_is_its_death(rig, broker):
    rig.connect()
    rig.fill(started())
    rig.drain()
    witness = broker.witness(f"{ROOT}/daemon/state")
    rig.stop()
    wait_until(lambda: [it.body["state"] for it in witness.seen()][-1:] == ["stopped"])
    relay = rig.connect()
    relay.sink._link._client.socket().shutdown(socket.SHUT_RDWR)  # as if it died
    rig.lost()
    wait_until(lambda: "lost" in [it.body["state"] for it in witness.seen()])
    wait_until(lambda: [it.body["state"] for it in witness.seen()][-1] == "online")


@pytest.mark.parametrize("live", [False, True])
def test_home_assistant_is_told_of_devices_and_of_nothing_else(tmp_path, broker, live):
    with Rig(tmp_path, broker, home_assistant=True) as rig:
        rig.fill(started())
        if live:
            rig.connect()
        rig.fill(clinic(1, 10))
        if not live:
            rig.connect()
        rig.fill([[event(20, "start", "us-1.us.y", values={"duty_pct": 30})]])
        rig.drain()
        kept = broker.retained(user="homeassistant")
    (topic,) = (it for it in kept if it.startswith("homeassistant/"))
    told = kept[topic].body

    assert topic == f"homeassistant/device/devicelog_{SITE}_us-1/config"
    assert told["device"]["name"] == "Ultrasound, room 1 (SIMULATED)"
    assert told["device"]["serial_number"] == "0042"
    assert told["availability_mode"] == "all"
    assert {it["topic"] for it in told["availability"]} <= kept.keys()
    parts = told["components"]
    assert {*parts} == {f"us_{it}" for it in ("state", *VALUES)}
    assert {it["state_topic"] for it in parts.values()} == {f"{ROOT}/us-1/us/state"}
    assert parts["us_intensity_w_cm2"]["unit_of_measurement"] == "W/cm²"
    assert "session" not in kept[topic].text


VALUES = ("intensity_w_cm2", "time_left_s", "duty_pct")


def test_without_home_assistant_nothing_stands_outside_of_our_topics(tmp_path, broker):
    with Rig(tmp_path, broker) as rig:
        rig.fill(started())
        rig.start()
        rig.drain()
        kept = broker.retained(user="homeassistant")

    assert not [it for it in kept if not it.startswith("devicelog/v1/")]


def test_health_is_told_each_minute_also_when_all_devices_are_silent(rig, broker):
    witness = broker.witness(f"{ROOT}/daemon/health")
    rig.fill(started())
    rig.connect()
    rig.drain()
    witness.settle()
    known = len(witness.seen())
    for n in range(1, 4):
        rig.leap(59)
        rig.leap(1)
        wait_until(lambda n=n: len(witness.seen()) == known + n, witness.seen)
    witness.settle()

    told = witness.seen()
    check(told)
    assert len(told) == known + 3
