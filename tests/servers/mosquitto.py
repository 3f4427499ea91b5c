"""The real broker, as config/mosquitto sets it up, on a free port."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import NamedTuple

import requires
from waiting import wait_until

CONFIG = Path(__file__).parents[2] / "config" / "mosquitto"
USERS = {"devicelog": "writes", "viewer": "looks", "homeassistant": "shows"}


class Seen(NamedTuple):
    """A message as mosquitto_sub received it."""

    topic: str
    retained: bool
    text: str
    received_s: float = 0.0

    @property
    def body(self):
        return json.loads(self.text)


def program(name):
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    return path or requires.tool(name)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Mosquitto:
    """A broker that can be killed and started again on its port.

    `certificates`: a directory with ca.pem, server.pem and server.key; then `tls_port`.
    """

    def __init__(self, directory, certificates=None):
        self.binary = program("mosquitto")
        requires.tool("mosquitto_sub")
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.tls_port = free_port() if certificates else None
        self.acl = self.directory / "aclfile"
        shutil.copy(CONFIG / "aclfile", self.acl)
        self.passwords = self.directory / "passwd"
        self.passwords.touch()
        for user, password in USERS.items():
            self.password(user, password)
        self._configure(certificates)
        self._child = None
        self._witnesses = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_: object):
        for witness in self._witnesses:
            witness.close()
        self.kill()

    def start(self):
        log = self.directory / "log"
        with log.open("ab") as out:
            self._child = subprocess.Popen(
                [self.binary, "-c", str(self.directory / "mosquitto.conf")], stderr=out
            )
        wait_until(self._answers, lambda: log.read_text()[-2000:])

    def kill(self):
        """As a crash would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def password(self, user, password):
        """Given or changed; the broker reads it at its start and on `reload`."""
        tool = program("mosquitto_passwd")
        subprocess.run([tool, "-b", str(self.passwords), user, password], check=True)

    def reload(self):
        """Read passwords and access list again."""
        self._child.send_signal(signal.SIGHUP)

    def password_file(self, user="devicelog"):
        path = self.directory / f"{user}.password"
        path.write_text(USERS[user] + "\n")
        return str(path)

    def log(self):
        return (self.directory / "log").read_text()

    def witness(self, topic="devicelog/#", *, user="viewer", protocol="mqttv5"):
        """A separate client that writes down what it receives, from now on."""
        witness = Witness(self, topic, user, protocol, len(self._witnesses))
        self._witnesses.append(witness)
        return witness

    def retained(self, topic="#", user="viewer"):
        """What a fresh client is given, by topic."""
        witness = self.witness(topic, user=user)
        witness.settle()
        witness.close()
        return {it.topic: it for it in witness.seen() if it.retained}

    def publish(self, topic, payload, *, retain=False, user="devicelog"):
        arguments = ["-u", user, "-P", USERS[user], "-t", topic, "-m", payload]
        arguments += ["-q", "1", *(["-r"] if retain else [])]
        subprocess.run(
            ["mosquitto_pub", "-p", str(self.port), *arguments], check=True, timeout=10
        )

    def _configure(self, certificates):
        text = (CONFIG / "mosquitto.conf").read_text()
        changes = {
            "listener 1883 127.0.0.1": f"listener {self.port} 127.0.0.1",
            "/etc/mosquitto/devicelog.passwd": str(self.passwords),
            "/etc/mosquitto/devicelog.acl": str(self.acl),
        }
        if certificates:
            text += (CONFIG / "tls.conf").read_text()
            changes["listener 8883"] = f"listener {self.tls_port} 127.0.0.1"
            for name in ("ca.pem", "server.pem", "server.key"):
                changes[f"/etc/mosquitto/certs/{name}"] = f"{certificates}/{name}"
        for old, new in changes.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        user = pwd.getpwuid(os.getuid()).pw_name  # else it could not read its files
        (self.directory / "mosquitto.conf").write_text(f"{text}\nuser {user}\n")

    def _answers(self):
        assert self._child.poll() is None, self.log()
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


class Witness:
    """mosquitto_sub, beside everything that this project wrote."""

    def __init__(self, broker, topic, user, protocol, number):
        self._broker = broker
        # A topic that it hears, whoever it is: what comes on it comes after all before.
        wide = topic in ("#", "devicelog/#")
        self._end = "devicelog/v1/-/daemon/info" if wide else topic.replace("#", "end")
        self._ends = 0
        self._path = broker.directory / f"witness-{number}"
        name = f"witness-{number}"
        arguments = ["-i", name, "-u", user, "-P", USERS[user], "-V", protocol]
        arguments += ["-q", "1", "-t", topic, "-F", "%U\t%r\t%t\t%p"]
        with self._path.open("wb") as out:
            self._child = subprocess.Popen(
                ["mosquitto_sub", "-p", str(broker.port), *arguments],
                stdout=out,
                stderr=subprocess.DEVNULL,
            )
        wait_until(lambda: f" {name} 1 {topic}" in broker.log(), broker.log)

    @property
    def pid(self):
        return self._child.pid

    def seen(self):
        """All messages so far, in the order in which they came."""
        return [*self.stream()]

    def stream(self):
        """The same, one by one."""
        with self._path.open(encoding="utf-8") as lines:
            for line in lines:
                if not line.endswith("\n"):
                    return  # half of it, so far
                at, flag, topic, text = line[:-1].split("\t", 3)
                if topic == self._end and text == "end":
                    continue
                yield Seen(topic, flag == "1", text, float(at))

    def settle(self):
        """Wait until all has come that the broker took so far."""
        self._ends += 1
        self._broker.publish(self._end, "end")
        wait_until(
            lambda: self._heard() == self._ends, lambda: self._broker.log()[-999:]
        )

    def _heard(self):
        lines = self._path.read_text(encoding="utf-8").splitlines()
        return sum(line.endswith(f"\t{self._end}\tend") for line in lines)

    def close(self):
        self._child.kill()
        self._child.wait()
