"""What should stand in the store, worked out from the journal by other code."""

import json
import threading

from contract.sinks.test_relay import wait_until
from journals import SITE, entries

from devicelog.clock import SystemClock
from devicelog.records.derived import Deriver
from devicelog.sinks.influx import InfluxSink
from devicelog.sinks.relay import Relay

NAMES = ("start", "end")


class Carried:
    """A relay to the store, in its thread, on a journal that is being written."""

    def __init__(self, directory, sink, journal):
        self.relay = Relay(
            sink, str(directory), journal, SystemClock(), first_wait_s=0.02
        )
        journal.listen(self.relay.wake)
        self.journal = journal
        self.thread = threading.Thread(target=self.relay.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_: object):
        self.relay.stop()
        self.thread.join(20)
        assert not self.thread.is_alive()

    def drained(self, seconds=30.0):
        wait_until(
            lambda: not self.journal.backlog and self.relay.status.pending == 0,
            lambda: self.relay.status,
            seconds,
        )


def sink_for(influxdb, make=InfluxSink, **more):
    told = {"site": SITE, "simulated": True, "modalities": {("us-1", "us"): "us"}}
    told["derive"] = Deriver  # as the recorder hands it over
    return make(influxdb.settings(), SystemClock(), **(told | more))


def wanted_readings(directory, device=None):
    """Keys as `rows` gives them, fields as they were journalled; of one device or all.

    Channels are named by their modality.
    """
    starts = {}
    found = {}
    every = entries(directory)
    for entry in every:
        if entry.kind == "session" and entry.subject not in starts:
            starts[entry.subject] = json.loads(entry.body)["mono_ns"]
    for entry in every:
        if entry.kind != "reading" or device not in (None, entry.device):
            continue
        body = json.loads(entry.body)
        fields = body["values"] | {"state": body["state"], "seq": entry.seq}
        if entry.subject:
            fields["session_id"] = entry.subject
        if entry.subject in starts:
            elapsed = round((body["mono_ns"] - starts[entry.subject]) / 1_000_000)
            fields["elapsed_ms"] = elapsed
        key = (entry.channel, entry.device, entry.channel, SITE, entry.at_ns)
        assert key not in found
        found[key] = fields
    return found


def wanted_events(directory):
    """Of sessions that neither pause nor lose anything."""
    found = {}
    for entry in entries(directory):
        if entry.kind == "session":
            body = json.loads(entry.body)
            assert body["event"] in NAMES
            where = (entry.channel, entry.device, body["event"], SITE, entry.at_ns)
            found[where] = (entry.seq, entry.subject)
    return found
