"""The broker of our own: a child process on loopback that never outlives its parent."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from contract.sinks.mqtt_rig import Rig, started
from contract.sinks.published import check, readings
from journals import clinic, entries
from servers.mosquitto import Seen, free_port
from waiting import wait_until

from devicelog.errors import SinkUnavailable
from devicelog.sinks.broker import Broker


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Nobody:
    """In the place of a broker that the test starts: the sink brings its own."""

    port = 0


@pytest.fixture
def rig(tmp_path):
    with Rig(tmp_path, Nobody(), port=free_port(), user="", embedded=True) as it:
        yield it


def test_any_client_can_watch(tmp_path, rig):
    rig.fill(started())
    rig.connect()
    out = tmp_path / "seen"
    arguments = ["-V", "mqttv311", "-t", "devicelog/#", "-F", "%r\t%t\t%p"]
    with out.open("wb") as file:
        watcher = subprocess.Popen(
            ["mosquitto_sub", "-p", str(rig.settings.port), *arguments], stdout=file
        )
    try:
        wait_until(lambda: "us-1/us/state" in out.read_text())
        rig.fill(clinic(1, 200))
        rig.drain()
        seqs = [it.seq for it in entries(rig.directory) if it.kind == "reading"]
        wait_until(lambda: len(readings(seen(out))) >= len(seqs))
    finally:
        watcher.kill()
        watcher.wait()
    check(seen(out))

    assert [note["seq"] for note, _ in readings(seen(out))] == seqs
    assert not listens_elsewhere(rig.settings.port)


def seen(path):
    lines = path.read_text().split("\n")[:-1]
    parts = [it.split("\t", 2) for it in lines]
    return [Seen(topic, flag == "1", text) for flag, topic, text in parts]


def listens_elsewhere(port):
    """Where it is bound beside loopback; /proc/net/tcp calls that 0100007F."""
    lines = Path("/proc/net/tcp").read_text().splitlines()
    bound = [it.split()[1] for it in lines if f":{port:04X} " in it]
    return [it for it in bound if not it.startswith("0100007F")]


def test_it_is_started_again_when_it_dies(rig):
    rig.fill(started())
    relay = rig.connect()
    child = relay.sink._broker._child
    os.kill(child.pid, signal.SIGKILL)
    rig.fill(clinic(1, 20))
    rig.drain()
    assert relay.sink._broker._child.pid != child.pid
    rig.stop()
    assert not listens(rig.settings.port)


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        broker = Broker(taken.getsockname()[1])
        with pytest.raises(SinkUnavailable, match="cannot run") as told:
            broker.ensure()
        broker.stop()
    assert "in use" in told.value.message
    assert "mqtt.port" in told.value.hint


def test_a_package_that_is_missing_is_told(tmp_path, monkeypatch):
    (tmp_path / "amqtt").mkdir()
    (tmp_path / "amqtt" / "__init__.py").write_text("raise ImportError('no amqtt')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    broker = Broker(free_port())
    with pytest.raises(SinkUnavailable, match="no amqtt") as told:
        broker.ensure()
    assert "`demo`" in told.value.hint


def test_it_ends_with_its_parent_however_that_ends():
    port = free_port()
    code = (
        "import sys, time; from devicelog.sinks.broker import Broker\n"
        f"it = Broker({port}); it.ensure(); print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout.readline() == "up\n"
        assert listens(port)
        parent.kill()
    wait_until(lambda: not listens(port))
