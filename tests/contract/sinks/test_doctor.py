"""The doctor before a real broker and a real store, and a Grafana by its routes."""

import jsonschema
import pytest
import trustme
from contract.grafana.stub import READER, TOKEN, Stub
from contract.sinks.published import described
from servers.certificates import make
from servers.influxdb import free_port
from servers.mosquitto import Mosquitto
from unit.operations.doctor.worlds import Place

from devicelog.grafana.wanted import SOURCE_UID

GRAFANA = '[grafana]\nurl = "{0}"\ntoken_file = "{1}"\n'
MUST = "topic write devicelog/v1/#\n"


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as it:
        yield it


def mqtt(place, broker, **more):
    told = {"port": broker.port, "user": "devicelog"}
    told |= {"password_file": broker.password_file()} | more
    lines = "".join(f"{key} = {toml(it)}\n" for key, it in told.items())
    place.write(f"[mqtt]\n{lines}")


def influx(place, server, **more):
    settings = server.settings(**more)
    told = {"url": settings.url, "org": settings.org, "bucket": settings.bucket}
    told |= {"token_file": settings.token_file}
    lines = "".join(f"{key} = {toml(it)}\n" for key, it in told.items())
    place.write(f"[influx]\n{lines}")


def toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, int) else f'"{value}"'


# --- The broker -------------------------------------------------------------------


def test_a_broker_that_is_set_up_as_we_say(place, broker):
    assert place.one("broker")[1] == "none"
    mqtt(place, broker)
    assert place.one("broker")[:2] == ("ok", "ok")


def test_a_broker_that_is_not_there(place, broker):
    mqtt(place, broker)
    broker.kill()
    severity, case, remedy = place.one("broker")
    assert (severity, case) == ("wrong", "away")
    assert remedy == "see that it runs"
    broker.start()
    assert place.right("broker")


def test_a_password_that_the_broker_does_not_know(place, broker):
    mqtt(place, broker)
    broker.password("devicelog", "another")
    broker.reload()
    severity, case, remedy = place.one("broker")
    assert (severity, case) == ("wrong", "away")
    assert "mqtt.password_file" in remedy
    broker.password("devicelog", "writes")
    broker.reload()
    assert place.right("broker")


def test_an_access_list_that_denies_what_we_must_write(place, broker):
    mqtt(place, broker)
    whole = broker.acl.read_text()
    assert MUST in whole
    broker.acl.write_text(whole.replace(MUST, ""))
    broker.reload()
    severity, case, remedy = place.one("broker")
    assert (severity, case) == ("wrong", "denied")
    assert "devicelog/v1/#" in remedy
    broker.acl.write_text(whole)
    broker.reload()
    assert place.right("broker")


def test_a_broker_without_an_access_list(place, broker):
    mqtt(place, broker)
    whole = broker.acl.read_text()
    broker.acl.write_text(whole.replace(MUST, "topic readwrite #\n"))
    broker.reload()
    witness = broker.witness("#", user="devicelog")
    severity, case, remedy = place.one("broker")
    assert (severity, case) == ("warning", "unguarded")
    assert "aclfile" in remedy
    witness.settle()
    seen = {it.topic: it.text for it in witness.seen() if "devicelog" in it.topic}
    assert {*seen} == {
        "devicelog/v1/sim-test/daemon/doctor",
        "devicelog-doctor/not-allowed",
    }
    for topic, text in seen.items():
        payload = described(topic)["payload"]
        assert jsonschema.Draft7Validator(payload).is_valid(text), topic
    assert described("devicelog/v1/sim-test/daemon/patient") is None
    broker.acl.write_text(whole)
    broker.reload()
    assert place.right("broker")


def test_a_broker_that_does_not_say_what_it_denies(place, broker):
    mqtt(place, broker, protocol="3.1.1")
    severity, case, remedy = place.one("broker")
    assert (severity, case) == ("unknown", "mute")
    assert 'mqtt.protocol = "5"' in remedy
    mqtt(place, broker)
    assert place.right("broker")


def test_a_broker_whose_certificate_is_over(place, tmp_path):
    authority = trustme.CA()
    for name, expired in (("old", True), ("new", False)):
        folder = make(tmp_path / name, authority=authority, expired=expired)
        with Mosquitto(tmp_path / f"broker-{name}", folder) as broker:
            told = {"tls": True, "host": "localhost", "port": broker.tls_port}
            mqtt(place, broker, ca_file=folder / "ca.pem", **told)
            if expired:
                severity, case, remedy = place.one("broker")
                assert (severity, case) == ("wrong", "away")
                assert "mqtt.ca_file" in remedy
            else:
                assert place.right("broker")


def test_asking_leaves_nothing_behind_and_throws_nobody_out(place, broker):
    """Empty messages, retained by nobody, under a name of its own.

    A Mosquitto of 2.0.11 hangs up on whom it denies, so the last will is told too.
    """
    witness = broker.witness()
    mqtt(place, broker)
    assert place.right("broker")
    witness.settle()
    seen = [(it.topic, it.text, it.retained) for it in witness.seen()]
    assert {*seen} == {("devicelog/v1/sim-test/daemon/doctor", "", False)}
    assert len(seen) <= 2
    assert broker.retained() == {}
    assert " as devicelogdoctor" in broker.log()


def test_an_embedded_broker_is_told_as_one(place):
    place.write(f"[mqtt]\nembedded = true\nport = {free_port()}\n")
    assert place.one("broker")[:2] == ("ok", "embedded")


# --- The store --------------------------------------------------------------------


def test_a_store_that_is_set_up_as_we_say(place, influxdb):
    assert place.one("influx")[1] == "none"
    influx(place, influxdb)
    assert place.one("influx")[:2] == ("ok", "ok")
    assert influxdb.rows("therapy_reading") == {}


def test_a_store_that_is_not_there(place, own_influxdb):
    influx(place, own_influxdb)
    own_influxdb.kill()
    severity, case, remedy = place.one("influx")
    assert (severity, case) == ("wrong", "away")
    assert "does it run" in remedy
    own_influxdb.start()
    assert place.right("influx")


def test_a_token_that_the_store_does_not_know(place, influxdb):
    wrong = place.folder / "wrong"
    wrong.write_text("recorder:wrong")
    influx(place, influxdb, token_file=str(wrong))
    severity, case, remedy = place.one("influx")
    assert (severity, case) == ("wrong", "away")
    assert "token_file" in remedy
    influx(place, influxdb)
    assert place.right("influx")


def test_a_token_that_may_only_read(place, own_influxdb):
    reader = place.folder / "reader"
    reader.write_text("grafana:grafanapw")
    influx(place, own_influxdb, token_file=str(reader))
    severity, case, remedy = place.one("influx")
    assert (severity, case) == ("wrong", "away")
    assert "must read and write the bucket" in remedy
    influx(place, own_influxdb)
    assert place.right("influx")


def test_a_bucket_that_is_not_there(place, influxdb):
    influx(place, influxdb, bucket="another")
    severity, case, _ = place.one("influx")
    assert (severity, case) == ("wrong", "away")
    influx(place, influxdb)
    assert place.right("influx")


def test_a_store_that_forgets(place, own_influxdb):
    influx(place, own_influxdb)
    policy = 'ALTER RETENTION POLICY "autogen" ON "devicelog_sim" DURATION'
    own_influxdb.admin(f"{policy} 26w")
    (found,) = place.look("influx")
    assert (found.severity, found.case) == ("wrong", "forgets")
    assert found.told["kept"] == "4368h0m0s"
    assert "DURATION INF" in found.remedy
    own_influxdb.admin(f"{policy} INF")
    assert place.right("influx")


# --- Grafana ----------------------------------------------------------------------


def test_grafana_away_with_a_wrong_token_and_empty(place):
    """No Grafana is installed here: a server that has its documented routes."""
    assert place.one("grafana")[1] == "none"
    token = place.folder / "token"
    token.write_text("glsa_wrong")
    place.write(GRAFANA.format(f"http://127.0.0.1:{free_port()}", token))
    assert place.one("grafana")[:2] == ("wrong", "away")
    with Stub() as stub:
        place.write(GRAFANA.format(stub.url, token))
        for wrong, hint in (("glsa_wrong", "grafana.token_file"), (READER, "Admin")):
            token.write_text(wrong)
            severity, case, remedy = place.one("grafana")
            assert (severity, case) == ("wrong", "away")
            assert hint in remedy
        token.write_text(TOKEN)
        severity, case, remedy = place.one("grafana")
        assert (severity, case) == ("warning", "empty")
        assert "devicelog dashboards push" in remedy
        stub.sources[SOURCE_UID] = {"uid": SOURCE_UID}
        stub.secrets[SOURCE_UID] = {}
        assert place.right("grafana")
        assert stub.writes == []
