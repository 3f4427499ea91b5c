"""The profile `demo` by its own commands and configuration, here without containers."""

import json
import os
import re
import subprocess
import sys

import pytest
from servers.mosquitto import free_port
from unit.deploy.compose import ROOT, load
from waiting import wait_until

DEVICELOG = [sys.executable, "-m", "devicelog"]
ROOMS = {n: it for n, it in load()["services"].items() if n.startswith("room-")}


@pytest.fixture
def rooms():
    """Each room's device, by its own command, on a port of this machine."""
    ports, running = {}, []
    try:
        for name, service in ROOMS.items():
            ports[name] = free_port()
            words = [
                it.replace("0.0.0.0:4001", f"127.0.0.1:{ports[name]}")
                for it in service["command"]
            ]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            running.append(subprocess.Popen([*DEVICELOG, *words], **quiet))
        yield ports
    finally:
        for it in running:
            it.terminate()
            it.wait(10)


def health_check():
    """The image's own words, with this program."""
    text = (ROOT / "Dockerfile").read_text()
    (words,) = re.findall(r"HEALTHCHECK.*\\\n\s+CMD (.+)", text)
    return words.replace("devicelog ", f"{' '.join(DEVICELOG)} ", 1)


def test_the_recorder_finds_every_room_and_says_that_it_is_healthy(rooms, tmp_path):
    text = (ROOT / "config" / "compose" / "demo.toml").read_text()
    for name, port in rooms.items():
        assert f"//{name}:4001" in text
        text = text.replace(f"//{name}:4001", f"//127.0.0.1:{port}")
    text = text.replace("/var/lib/devicelog", str(tmp_path / "data"))
    # Broker and store are no part of this; the secrets' files are not here.
    text = re.sub(r"\[(mqtt|influx)\]\n(?:.+\n)+", "", text)
    config = tmp_path / "devicelog.toml"
    config.write_text(text)
    env = os.environ | {"DEVICELOG_CONFIG": str(config)}

    def status():
        words = [*DEVICELOG, "status", "--json"]
        told = subprocess.run(words, env=env, capture_output=True, check=False)
        return json.loads(told.stdout or b"{}")

    def lines():
        return {it["name"]: it.get("line") for it in status().get("devices", [])}

    def healthy():
        words = ["sh", "-c", health_check()]
        return subprocess.run(words, env=env, check=False).returncode == 0

    assert not healthy()
    recorder = subprocess.Popen([*DEVICELOG, "run"], env=env, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: set(lines().values()) == {"online"}, lines)
        assert set(lines()) == {"us-1", "if-1", "combo-1"}
        assert healthy()
    finally:
        recorder.terminate()
        recorder.wait(20)
    assert not healthy()
