"""What a broker can do to the feed: nothing is lost, and what to do is told."""

import socket
import struct
import subprocess
import sys
import threading
import time

import pytest
from contract.sinks.mqtt_rig import Rig, started
from contract.sinks.published import check, readings
from hypothesis import example, given, settings
from hypothesis import strategies as st
from journals import SITE, clinic, entries, reading
from servers.mosquitto import Mosquitto, free_port
from servers.proxy import Proxy
from servers.slow import Slow
from waiting import wait_until

from devicelog.clock import SystemClock
from devicelog.errors import SinkUnavailable
from devicelog.journal.reader import Reader
from devicelog.sinks import mqtt, mqtt_link
from devicelog.sinks.messages import Post
from devicelog.sinks.mqtt_link import Link
from devicelog.sinks.settings import MqttSettings

ROOT = f"devicelog/v1/{SITE}"
BLOCKED_S = 5.0  # no call of a sink may take longer


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as it:
        yield it


@pytest.fixture(params=["5", "3.1.1"])
def protocol(request):
    return request.param


def refusal(sink):
    """How a sink refuses to connect, and that it takes no more than its time."""
    began = time.monotonic()
    with pytest.raises(SinkUnavailable) as raised:
        sink.connect()
    assert time.monotonic() - began < BLOCKED_S
    sink.close()
    return raised.value


def seqs(directory):
    return [it.seq for it in entries(directory) if it.kind == "reading"]


# --- Refusals ---------------------------------------------------------------------


def test_a_denied_topic_is_an_alarm_and_the_entries_stay(tmp_path, broker):
    allowed = broker.acl.read_text()
    line = "topic write devicelog/v1/#\n"
    topics = (
        "daemon/+",
        "+/availability",
        "+/info",
        "+/+/state",
        "+/event",
        "+/+/event",
    )
    some = "".join(f"topic write devicelog/v1/+/{it}\n" for it in topics)
    assert allowed.count(line) == 1
    broker.acl.write_text(allowed.replace(line, some))
    broker.reload()
    with Rig(tmp_path, broker) as rig:
        rig.fill(started())
        rig.connect()
        rig.fill([[reading(1)], [reading(2)]])
        denied = time.monotonic()
        wait_until(rig.alarms, lambda: rig.relay.status, 5.0)
        took = time.monotonic() - denied
        (alarm,) = rig.alarms()
        pending = rig.relay.status.pending

        broker.acl.write_text(allowed)
        broker.reload()
        witness = broker.witness(f"{ROOT}/us-1/#")
        rig.leap(60)
        rig.drain()
        witness.settle()
        assert [note["seq"] for note, _ in readings(witness.seen())] == seqs(
            rig.directory
        )
        wait_until(lambda: rig.alarms()[0].cleared_ns)

    assert took < 5.0
    assert alarm.name == "sink/mqtt/away"
    assert f"{ROOT}/us-1/us/telemetry" in alarm.text
    assert "user devicelog" in alarm.text
    assert "aclfile" in alarm.remedy
    assert pending >= 2


def test_a_denial_of_everything_is_noticed_on_every_version(tmp_path, broker, protocol):
    """3.1.1 has no word for it; this broker answers, and then closes the connection."""
    broker.acl.write_text("user devicelog\ntopic read devicelog/v1/#\n")
    broker.reload()
    with Rig(tmp_path, broker, protocol=protocol) as rig:
        rig.fill(started())
        rig.start()
        wait_until(rig.alarms, lambda: rig.relay.status, 10.0)
        (alarm,) = rig.alarms()

    words = {"5": f"publish to {ROOT}/daemon/info", "3.1.1": "closed 5 connections"}
    assert words[protocol] in alarm.text
    assert "access list" in alarm.remedy


def test_a_refused_password_is_told_and_read_anew(tmp_path, broker, protocol):
    wrong = tmp_path / "password"
    wrong.write_text("never\n")
    with Rig(tmp_path, broker, protocol=protocol, password_file=str(wrong)) as rig:
        rig.fill(started())
        rig.start()
        wait_until(rig.alarms, lambda: rig.relay.status, 5.0)
        (alarm,) = rig.alarms()
        wrong.write_text("writes\n")
        rig.leap(60)
        rig.drain()

    assert "refuses us" in alarm.text
    assert "password_file" in alarm.remedy


def test_nobody_without_a_name_is_let_in(tmp_path, broker, protocol):
    with Rig(tmp_path, broker, protocol=protocol, user="") as rig:
        assert "refuses us" in str(refusal(rig.sink()))
    child = subprocess.run(
        ["mosquitto_sub", "-p", str(broker.port), "-t", "#", "-W", "2"],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert "not authorised" in child.stderr.lower()


def test_who_may_do_what(broker):
    """Each role, what it may see and what it may say: asked of the receiver."""
    broker.publish(f"{ROOT}/us-1/us/state", "by-the-recorder", retain=True)
    broker.publish(f"{ROOT}/us-1/info", "by-a-viewer", retain=True, user="viewer")
    broker.publish("homeassistant/device/x/config", "{}", retain=True)
    broker.publish("homeassistant/status", "online", retain=True, user="homeassistant")
    broker.publish("homeassistant/device/y/config", "{}", retain=True, user="viewer")
    broker.publish("elsewhere", "by-the-recorder", retain=True)
    state = f"{ROOT}/us-1/us/state"
    ours = {"homeassistant/device/x/config", "homeassistant/status"}

    assert set(broker.retained("#", "viewer")) == {state}
    assert set(broker.retained("#", "homeassistant")) == {state, *ours}
    assert set(broker.retained("#", "devicelog")) == set()


def test_a_missing_file_is_told_with_its_name(tmp_path, broker):
    missing = {"password_file": "/nowhere/secret"}
    with Rig(tmp_path, broker, **missing) as rig:
        error = refusal(rig.sink())
    assert "/nowhere/secret" in error.message
    assert "password_file" in error.hint


# --- Simulated and real -----------------------------------------------------------


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_and_real_refuse_each_other(tmp_path, broker, protocol, simulated):
    """Configuration keeps their names apart; here they have the same one."""
    site = SITE if simulated else "clinic"
    root = f"devicelog/v1/{site}"
    mark = f'{{"simulated":{str(not simulated).lower()},"installation":"beef"}}'
    broker.publish(f"{root}/daemon/info", mark, retain=True)
    broker.publish(f"{root}/daemon/state", '{"state":"online"}', retain=True)
    witness = broker.witness()
    with Rig(tmp_path, broker, site=site, protocol=protocol) as rig:
        rig.fill(started())
        error = refusal(rig.sink())
    witness.settle()

    assert "beef" in error.message
    assert ("this one is simulated" in error.message) is simulated
    assert "mosquitto_pub -r -n" in error.hint
    assert [it for it in witness.seen() if not it.retained] == []  # no last will either


def test_another_kind_that_comes_later_is_noticed(tmp_path, broker):
    with Rig(tmp_path, broker) as rig:
        rig.fill(started())
        rig.connect()
        mark = '{"simulated":false,"installation":"beef"}'
        broker.publish(f"{ROOT}/daemon/info", mark, retain=True)
        rig.lost()
        wait_until(rig.alarms, lambda: rig.relay.status, 10.0)
        assert "they never mix" in rig.alarms()[0].text


def test_a_mark_that_nobody_can_read_is_not_overwritten(tmp_path, broker):
    broker.publish(f"{ROOT}/daemon/info", "{what", retain=True)
    with Rig(tmp_path, broker) as rig:
        assert "they never mix" in refusal(rig.sink()).message


# --- Absence ----------------------------------------------------------------------


def late(witness):
    """The readings that came as history."""
    found = readings(witness.seen())
    return {note["seq"] for note, it in found if it.body.get("historical")}


def test_a_broker_that_is_killed_under_load_costs_nothing(tmp_path, broker, protocol):
    """Whatever it acknowledged and forgot, the journal sends again when it is asked."""
    with Rig(tmp_path, broker, protocol=protocol) as rig:
        rig.fill(started())
        rig.connect()
        for n in range(3):
            rig.fill(clinic(1000 * n + 1, 200))
            broker.kill()
            rig.fill(clinic(1000 * n + 500, 100))
            broker.start()
        witness = broker.witness()
        rig.drain()
        with Reader(str(rig.directory)) as reader:
            wait_until(
                lambda: reader.position("mqtt").pending(reader.last_seq()) == 0,
                lambda: reader.position("mqtt"),
            )
        rig.relay.reset(0)
        wait_until(lambda: late(witness) >= set(seqs(rig.directory)))
        rig.drain()
        check(witness.seen())
        assert rig.relay.status.rejected == 0


@pytest.mark.alone
def test_a_line_that_went_dead_is_noticed_while_sending(tmp_path, broker):
    with Proxy(broker.port) as proxy, Rig(tmp_path, broker, port=proxy.port) as rig:
        rig.fill(started())
        relay = rig.connect()
        proxy.freeze()
        began = time.monotonic()
        rig.fill([[reading(1)]])
        beats = relay.beats
        wait_until(lambda: not relay.status.connected, seconds=BLOCKED_S)
        noticed, text = time.monotonic() - began, relay.status.text
        wait_until(lambda: relay.beats > beats, seconds=BLOCKED_S)
        proxy.thaw()
        rig.drain()

    assert noticed < BLOCKED_S
    assert "did not answer" in text


@pytest.mark.alone
def test_a_line_that_went_dead_is_noticed_while_nothing_is_sent(
    tmp_path, broker, monkeypatch
):
    """Two keepalives and a turn of the loop; the real ones make it under 20 s."""
    assert 2 * mqtt_link.KEEPALIVE_S + 1 < 20
    monkeypatch.setattr(mqtt_link, "KEEPALIVE_S", 2)
    with Proxy(broker.port) as proxy, Rig(tmp_path, broker, port=proxy.port) as rig:
        rig.fill(started())
        relay = rig.connect()
        rig.drain()
        proxy.freeze()
        wait_until(lambda: not relay.status.connected, lambda: relay.status, 7.0)
        assert "lost" in relay.status.text


@pytest.mark.torture
def test_a_line_that_went_dead_is_noticed_within_20_s(tmp_path, broker):
    with Proxy(broker.port) as proxy, Rig(tmp_path, broker, port=proxy.port) as rig:
        rig.fill(started())
        relay = rig.connect()
        rig.drain()
        proxy.freeze()
        wait_until(lambda: not relay.status.connected, lambda: relay.status, 20.0)


def test_a_line_that_is_cut_again_and_again_still_drains(tmp_path, broker):
    with Proxy(broker.port) as proxy, Rig(tmp_path, broker, port=proxy.port) as rig:
        rig.fill(started())
        rig.fill(clinic(1, 3000))
        witness = broker.witness()
        relay = rig.connect()
        for n in range(4):
            rig.fill([[reading(10_000 + n)]])
            proxy.cut()
            wait_until(lambda: relay.status.connected)
        rig.drain()
        witness.settle()
        got = [note["seq"] for note, _ in readings(witness.seen())]
        assert set(got) == set(seqs(rig.directory))


def test_a_port_that_accepts_and_stays_mute_holds_nobody_up(
    tmp_path, broker, monkeypatch
):
    monkeypatch.setattr(mqtt_link, "CALL_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with Rig(tmp_path, broker, port=port) as rig:
            error = refusal(rig.sink())
    assert "stays mute" in error.message
    assert "mqtt.protocol" in error.message


def test_no_broker_at_all(tmp_path, broker):
    with Rig(tmp_path, broker, port=free_port()) as rig:
        error = refusal(rig.sink())
    assert "no broker at 127.0.0.1" in error.message
    assert error.retry_after_s == 0


def test_two_with_one_name_are_told_of_each_other(tmp_path, broker, protocol):
    """Mosquitto gives no reason on either version; it shows in how brief all are."""
    with Rig(tmp_path, broker, protocol=protocol) as rig:
        rig.fill(started())
        relay = rig.connect()
        for n in range(5):
            wait_until(lambda: relay.status.connected)
            copy = rig.sink()
            copy.connect()
            rig.fill([[reading(n)]])
            wait_until(lambda: not relay.status.connected)
            copy._link.cut()
        wait_until(rig.alarms, lambda: relay.status)
        (alarm,) = rig.alarms()

    assert "closed 5 connections in a row" in alarm.text
    assert "copy of this journal" in alarm.remedy


# --- Within bounds ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "at_once", "window"), [("3.1.1", 0, 100), ("5", 7, 7), ("5", 500, 100)]
)
def test_never_more_than_a_window_is_under_way_and_what_was_answered_counts(
    protocol, at_once, window
):
    with Slow(answers=150, at_once=at_once) as slow:
        asked = MqttSettings(port=slow.port, protocol=protocol)
        will = Post("t/will", b"x")
        link = Link(asked, "c", will, "t/info", SystemClock())
        link.open()
        posts = [Post(f"t/{n}", b"x" * 100) for n in range(1000)]
        taken = link.send(posts, within_s=0.5)
        with pytest.raises(SinkUnavailable, match="did not answer"):
            link.send(posts[:1], within_s=0.2)
        link.cut()

    assert taken == [True] * 150 + [False] * 850
    assert slow.publishes == 150 + window


@settings(max_examples=60, deadline=None)
@example(data=b"\x20\x02\x00\x01", five=True)  # "no such version", in the old form
@example(data=b"HTTP/1.1 400 Bad Request\r\n\r\n", five=True)
@example(data=b"\x20\x02\x00\x00\x90\x03\x00\x01\x01\xff\xff", five=False)
@given(data=st.binary(min_size=1, max_size=40), five=st.booleans())
def test_whatever_a_port_says_it_is_an_absence_and_no_more(data, five):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asked = MqttSettings(
            port=listener.getsockname()[1], protocol="5" if five else "3.1.1"
        )
        link = Link(asked, "c", Post("t/will", b"x"), "t/info", SystemClock())
        speaker = threading.Thread(target=_speak, args=(listener, data))
        speaker.start()
        with pytest.raises(SinkUnavailable):
            link.open()
        link.cut()
        speaker.join()


def test_what_the_library_raises_at_bytes_is_an_absence_too(monkeypatch):
    """Its earlier releases raise at packets that are cut short."""

    def raising():
        raise struct.error("unpack requires a buffer of 2 bytes")

    with Slow(answers=0) as slow:
        asked = MqttSettings(port=slow.port)
        link = Link(asked, "c", Post("t/will", b"x"), "t/info", SystemClock())
        monkeypatch.setattr(link._client, "loop_read", raising)
        with pytest.raises(SinkUnavailable, match="what is no MQTT 5: unpack") as told:
            link.open()
        link.cut()
    assert "3.1.1" in told.value.hint


def _speak(listener, data):
    sock, _ = listener.accept()
    with sock:
        sock.recv(100)
        sock.sendall(data)


def unpresentable(tmp_path, broker, slow, **asked):
    """How the sink refuses to go on, once it is connected."""
    with Rig(tmp_path, broker, port=slow.port, **asked) as rig:
        rig.fill(started())
        sink = rig.sink()
        sink.connect()
        began = time.monotonic()
        with Reader(str(rig.directory)) as view, pytest.raises(SinkUnavailable) as told:
            sink.present(view)
        assert time.monotonic() - began < BLOCKED_S
        sink.close()
    assert told.value.retry_after_s == 60
    return told.value


def test_what_does_not_come_back_is_noticed(tmp_path, broker, monkeypatch):
    """A broker that denies without a word and without closing."""
    monkeypatch.setattr(mqtt, "CALL_S", 0.3)
    with Slow(answers=100) as slow:
        error = unpresentable(tmp_path, broker, slow, protocol="3.1.1")
    assert "does not come back" in error.message
    assert "access list" in error.hint


def test_a_broker_that_says_who_took_our_place_is_believed(tmp_path, broker):
    with Slow(answers=0, farewell=b"\xe0\x01\x8e") as slow:
        error = unpresentable(tmp_path, broker, slow)
    assert "took our place" in error.message
    assert "copy of this journal" in error.hint


def test_nothing_of_the_broker_is_imported_before_it_is_used():
    code = (
        "import sys, devicelog.cli, devicelog.operations.config;"
        "print([it for it in sys.modules if it.startswith(('paho', 'amqtt'))])"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert child.stdout.strip() == "[]"
