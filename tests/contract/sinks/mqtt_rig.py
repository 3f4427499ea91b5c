"""A journal, its relay and the real sink, towards a real broker."""

import threading

from journals import SITE, fill, writer
from waiting import wait_until

from devicelog.clock import SECOND, SystemClock
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Draft, Identity
from devicelog.model.kinds import ConfigBody, DeviceBody
from devicelog.records import audit, register
from devicelog.sinks.mqtt import DeviceFacts, MqttSink
from devicelog.sinks.relay import Relay
from devicelog.sinks.settings import MqttSettings

BOOT = "6c1bd5a4-0000-4000-8000-000000000001"
FACTS = (DeviceFacts("us-1", "Ultrasound, room 1", "us-modbus", {"us": "us"}),)


class Leaping(SystemClock):
    """The real clock, until a test lets it leap over what a retry would wait."""

    def __init__(self):
        super().__init__()
        self._ahead_ns = 0

    def mono_ns(self):
        return super().mono_ns() + self._ahead_ns

    def lost(self):
        """Wait until the relay knows that the broker is away; it looks at once."""
        self.relay.wake()
        wait_until(lambda: not self.relay.status.connected, lambda: self.relay.status)

    def leap(self, seconds):
        self._ahead_ns += round(seconds * SECOND)


def draft(kind, n, body, *, device="-", subject="", run="r"):
    at_ns = 1_800_000_000_000_000_000 + n * SECOND + 11
    text = body if isinstance(body, bytes) else codec.encode(body)
    return Draft(at_ns, device, "-", kind, subject, f"{run}/{kind}/{n}", text)


def started(n=0, *, run="r"):
    """A run begins, and the line of the device is there."""
    body = ConfigBody(
        event="start", run_id=run, boot_id=BOOT, mono_ns=1, version="0", simulated=True
    )
    known = Identity(model="SonoTest", serial="0042")
    return [
        [draft("config", n, body, run=run)],
        [line(n, "online", run=run)],
        [
            draft(
                "device",
                n + 0.5,
                DeviceBody(event="identified", mono_ns=3, identity=known),
                device="us-1",
                run=run,
            )
        ],
    ]


def line(n, state, text="", *, run="r"):
    body = DeviceBody(event="line", mono_ns=2, line=state, text=text)
    return draft("device", n, body, device="us-1", run=run)


class Rig:
    """A context manager. `port`: not the broker's own, where something lies between."""

    def __init__(
        self,
        directory,
        broker,
        *,
        site=SITE,
        port=None,
        clock=None,
        chain_key=None,
        **mqtt,
    ):
        self.directory = directory / "data"
        self.broker = broker
        self.clock = clock or Leaping()
        asked = {"port": port or broker.port, "user": "devicelog"} | mqtt
        if "password_file" not in asked and asked["user"]:
            asked["password_file"] = broker.password_file()
        self.settings = MqttSettings(**asked)
        self.journal = writer(self.directory, site=site, chain_key=chain_key)
        self._threads = []
        self.relay = None

    def __enter__(self):
        self.journal.__enter__()
        return self

    def __exit__(self, *told: object):
        self.stop()
        self.journal.__exit__(*told)

    def sink(self, devices=FACTS):
        with Reader(str(self.directory)) as reader:
            meta = reader.meta()
        return MqttSink(
            self.settings,
            meta,
            devices,
            self.clock,
            boot_id=BOOT,
            chain_head=lambda view: str(audit.head(view) or ""),
            labels=lambda view: register.labels(view, self.clock.wall_ns()),
        )

    def start(self):
        """The relay runs in a thread of its own, as in the recorder."""
        self.relay = Relay(
            self.sink(),
            str(self.directory),
            self.journal,
            self.clock,
            first_wait_s=0.02,
        )
        self.journal.listen(self.relay.wake)
        self._thread = threading.Thread(target=self.relay.run)
        self._thread.start()
        return self.relay

    def connect(self):
        """The same, and wait until it is there."""
        relay = self.start()
        wait_until(lambda: relay.status.connected, lambda: relay.status)
        return relay

    def stop(self):
        if self.relay is not None:
            self.relay.stop()
            self._thread.join(10)
            assert not self._thread.is_alive()
            self.relay = None

    def lost(self):
        """Wait until the relay knows that the broker is away; it looks at once."""
        self.relay.wake()
        wait_until(lambda: not self.relay.status.connected, lambda: self.relay.status)

    def leap(self, seconds):
        """As if so much time had gone by."""
        self.clock.leap(seconds)
        self.relay.wake()

    def fill(self, groups):
        fill(self.journal, groups)

    def drain(self, seconds=20.0):
        wait_until(
            lambda: not self.journal.backlog and self.relay.status.pending == 0,
            lambda: self.relay.status,
            seconds,
        )

    def alarms(self):
        with Reader(str(self.directory)) as reader:
            return reader.alarms()
