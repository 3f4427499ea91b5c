"""`mqtt.embedded = true`: the recorder brings its broker, and anybody may watch."""

import subprocess

import requires
from durability.daemon import clinic_in, recording
from servers.mosquitto import free_port
from waiting import wait_until


def test_the_recorder_brings_its_own_broker(tmp_path):
    requires.tool("mosquitto_sub")
    port = free_port()
    with clinic_in(tmp_path) as clinic:
        with clinic.config.open("a") as config:
            config.write(f"[mqtt]\nembedded = true\nport = {port}\n")
        with recording(clinic):
            wait_until(lambda: "mqtt: there since" in clinic.ask("status").stdout)
            where = ["-p", str(port), "-t", "devicelog/#"]
            watched = subprocess.run(
                ["mosquitto_sub", *where, "-F", "%t", "-C", "12", "-W", "20"],
                capture_output=True,
                text=True,
                check=False,
            )
    root = "devicelog/v1/sim-proof"

    assert watched.returncode == 0, watched
    assert {*watched.stdout.split()} >= {
        f"{root}/daemon/info",
        f"{root}/us-1/availability",
        f"{root}/us-1/us/state",
    }
