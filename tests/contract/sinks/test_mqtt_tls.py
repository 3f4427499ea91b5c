"""TLS: the one right certificate is accepted, and nothing else, whatever is asked."""

import contextlib

import msgspec
import pytest
import trustme
from contract.sinks.mqtt_rig import Rig, started
from servers.certificates import make
from servers.mosquitto import Mosquitto

from devicelog.errors import SinkUnavailable
from devicelog.sinks.settings import MqttSettings


@pytest.fixture
def authority():
    return trustme.CA()


@contextlib.contextmanager
def secured(tmp_path, folder, ca_file, host="localhost", protocol="5"):
    told = {"tls": True, "ca_file": str(ca_file), "host": host, "protocol": protocol}
    with (
        Mosquitto(tmp_path / "broker", folder) as broker,
        Rig(tmp_path, broker, port=broker.tls_port, **told) as rig,
    ):
        yield rig


def refusal(rig):
    sink = rig.sink()
    with pytest.raises(SinkUnavailable) as told:
        sink.connect()
    sink.close()
    assert "certificate" in told.value.message
    assert "ca_file" in told.value.hint
    assert told.value.retry_after_s == 60
    return told.value.message


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_the_right_certificate_is_accepted(tmp_path, authority, protocol):
    folder = make(tmp_path / "certs", authority=authority)
    with secured(tmp_path, folder, folder / "ca.pem", protocol=protocol) as rig:
        rig.fill(started())
        rig.connect()
        rig.drain()


def test_an_expired_one_is_refused(tmp_path, authority):
    folder = make(tmp_path / "certs", authority=authority, expired=True)
    with secured(tmp_path, folder, folder / "ca.pem") as rig:
        assert "expired" in refusal(rig)


def test_one_for_another_host_is_refused(tmp_path, authority):
    folder = make(tmp_path / "certs", authority=authority, name="elsewhere.test")
    with secured(tmp_path, folder, folder / "ca.pem") as rig:
        assert "Hostname mismatch" in refusal(rig)


def test_an_address_is_checked_like_a_name(tmp_path, authority):
    folder = make(tmp_path / "certs", authority=authority)
    with secured(tmp_path, folder, folder / "ca.pem", host="127.0.0.1") as rig:
        assert "IP address mismatch" in refusal(rig)


def test_one_of_an_unknown_authority_is_refused(tmp_path, authority):
    folder = make(tmp_path / "certs", authority=authority)
    other = make(tmp_path / "other")
    with secured(tmp_path, folder, other / "ca.pem") as rig:
        assert "self-signed" in refusal(rig)


def test_a_broker_without_tls_is_no_way_around(tmp_path, authority):
    folder = make(tmp_path / "certs", authority=authority)
    told = {"tls": True, "ca_file": str(folder / "ca.pem")}
    with Mosquitto(tmp_path / "broker") as broker, Rig(tmp_path, broker, **told) as rig:
        with pytest.raises(SinkUnavailable):
            rig.sink().connect()
        assert "devicelog" not in broker.log().split("New connection", 2)[-1]


def test_no_setting_turns_the_checks_off():
    names = {it.name for it in msgspec.structs.fields(MqttSettings)}
    assert not [it for it in names if "insecure" in it or "verify" in it]
