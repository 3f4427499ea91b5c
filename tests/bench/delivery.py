"""From the journal to a broker and to a store: what a reading costs on its way.

A backlog is drained into the real servers, again and again. CPU is that of the relay's
thread; the servers run beside it and take theirs. The yardsticks handle the same
readings.
"""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench import clinic, naive
from bench.machine import spent_s
from bench.table import Row
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto

from devicelog.clock import SystemClock
from devicelog.journal.reader import Reader
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.sinks.base import Sink
from devicelog.sinks.influx import InfluxSink
from devicelog.sinks.mqtt import DeviceFacts, MqttSink
from devicelog.sinks.relay import Relay
from devicelog.sinks.settings import MqttSettings

RUNS = 3
BOUND_S = 600.0


class Drained(NamedTuple):
    """What the runs came to; each list has one value a run."""

    rate: list[float]
    cpu: list[float]
    first_s: float


def rows(folder: Path, scale: float) -> Iterator[Row]:
    journal = folder / "data"
    readings = int(200_000 * scale)
    entries = clinic.fill(journal, readings)
    with Mosquitto(folder / "mosquitto") as broker:
        yield from _mqtt(journal, broker, entries)
        few = readings // 20
        naively = naive.published(journal, broker, few)
        yield Row("   paho, a message a reading, QoS 1: CPU", naively, "us")
    store = InfluxDB(folder / "influxdb").start().set_up()
    try:
        yield from _influx(journal, store, entries)
        naively = naive.written(journal, store, readings // 20)
        yield Row("   influxdb_client Points by the thousand: CPU", naively, "us")
    finally:
        store.stop()


def _mqtt(journal: Path, broker: Mosquitto, entries: int) -> Iterator[Row]:
    with Reader(str(journal)) as view:
        meta = view.meta()
    settings = MqttSettings(
        port=broker.port, user="devicelog", password_file=broker.password_file()
    )
    facts = [DeviceFacts(it, it, "us-modbus", {"us": "us"}) for it, _ in clinic.PLACES]
    witness = broker.witness()
    got = drained(journal, lambda: MqttSink(settings, meta, facts, SystemClock()))
    witness.settle()
    taken = spent_s(witness.pid) / (entries * (RUNS + 1)) * 1e6
    yield Row(f"Mosquitto: drain of {entries:,} entries", [got.first_s], "s")
    yield Row("   entries", got.rate, "/s")
    yield Row("   CPU of the relay, an entry", got.cpu, "us")
    yield Row("   mosquitto_sub that takes the same: CPU", [taken], "us")


def _influx(journal: Path, store: InfluxDB, entries: int) -> Iterator[Row]:
    def sink() -> Sink:
        told: dict[str, Any] = {"site": clinic.SITE, "simulated": True}
        return InfluxSink(
            store.settings(), SystemClock(), modalities=clinic.PLACES, **told
        )

    got = drained(journal, sink)
    yield Row(f"InfluxDB: drain of {entries:,} entries", [got.first_s], "s")
    yield Row("   entries", got.rate, "/s")
    yield Row("   CPU of the relay, an entry", got.cpu, "us", "< 8")


def drained(journal: Path, sink: Callable[[], Sink]) -> Drained:
    """Everything is sent by one relay, first to find out and then once a run."""
    settings = JournalSettings(str(journal))
    clock = SystemClock()
    got = Drained([], [], 0.0)
    with Writer(settings, simulated=True, site=clinic.SITE, clock=clock) as writer:
        relay = Relay(sink(), str(journal), writer, clock)
        thread = threading.Thread(target=relay.run)
        began = time.perf_counter()
        thread.start()
        _await(lambda: _through(relay))
        got = got._replace(first_s=time.perf_counter() - began)
        cpu = time.pthread_getcpuclockid(thread.ident or 0)
        for _ in range(RUNS):
            before, began = time.clock_gettime(cpu), time.perf_counter()
            relay.reset()
            _await(lambda: not _through(relay))
            _await(lambda: _through(relay))
            spent = time.clock_gettime(cpu) - before
            got.cpu.append(spent / writer.committed * 1e6)
            got.rate.append(writer.committed / (time.perf_counter() - began))
        relay.stop()
        thread.join()
    return got


def _through(relay: Relay) -> bool:
    status = relay.status
    return status.connected and not status.pending


def _await(there: Callable[[], bool]) -> None:
    until = time.perf_counter() + BOUND_S
    while not there():
        assert time.perf_counter() < until, "nothing moves"
        time.sleep(0.005)
