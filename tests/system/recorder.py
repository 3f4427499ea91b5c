"""`devicelog run` as a process between real sinks, as the long tests start it."""

import json
import os
import subprocess
import sys

HEAD = """
[site]
name = "sim-test"
simulated = true
[journal]
directory = "{directory}"
ballast_mb = 1
[mqtt]
port = {mqtt}
user = "devicelog"
password_file = "{password}"
[influx]
url = "{url}"
token_file = "{token}"
"""
DEVICE = """
[[devices]]
name = "{name}"
profile = "{profile}"
port = "{port}"
"""
_MAIN = """
from devicelog.__main__ import main
import sys
sys.argv[0] = "devicelog"
main()
"""


def configured(folder, broker, influxdb, devices, more=""):
    """The configuration's file; `devices`: names, profiles and ports."""
    head = HEAD.format(
        directory=folder / "data",
        mqtt=broker.port,
        password=broker.password_file(),
        url=influxdb.settings().url,
        token=influxdb.token,
    )
    blocks = [
        DEVICE.format(name=name, profile=profile, port=port)
        for name, profile, port in devices
    ]
    config = folder / "devicelog.toml"
    config.write_text(head + more + "".join(blocks))
    return config


class Recorder:
    """`devicelog run`, as often as it takes; `spoilt`: Python that is run before."""

    def __init__(self, clinic, *, spoilt="", console=False):
        self.clinic = clinic
        # No test has a console that does not ask for it (conftest).
        served = "true" if console else "false"
        self.environ = os.environ | {"DEVICELOG_CONSOLE_ENABLED": served}
        command = clinic.command("run")
        program = command.index("run")
        other = [sys.executable, "-c", spoilt + _MAIN, *command[program:]]
        self.command = other if spoilt else command
        self.process = None

    def start(self):
        with self.clinic.config.with_name("log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stderr=log, env=self.environ)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def status(self):
        told = self.clinic.ask("status", "--json")
        return json.loads(told.stdout) if told.returncode == 0 else {}

    def drained(self):
        # Entries never cease; what lies behind the live ones must be gone.
        return self._pending_below(500)

    def settled(self):
        return self._pending_below(1)

    def end(self):
        self.process.terminate()
        assert self.process.wait(30) == 0

    def _pending_below(self, most):
        status = self.status()
        sinks = status.get("sinks", []) if status.get("running") else []
        return len(sinks) == 2 and all(
            it["connected"] and it.get("pending", 0) < most for it in sinks
        )


def differences(wanted, found):
    """What is not in the store as it is in the journal, and what is there beside."""
    wrong = [f"missing {key}" for key in wanted.keys() - found.keys()]
    wrong += [f"stray {key}" for key in found.keys() - wanted.keys()]
    for key in wanted.keys() & found.keys():
        there = {name: it for name, it in found[key].items() if name != "flags"}
        if there != wanted[key]:
            other = dict(wanted[key].items() ^ there.items())
            wrong.append(f"{key} differs in {other}")
    return wrong
