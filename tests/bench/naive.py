"""The yardsticks of delivery: the same readings by what is usually written instead."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.write_api import SYNCHRONOUS
from paho.mqtt.enums import CallbackAPIVersion
from servers.influxdb import InfluxDB
from servers.mosquitto import USERS, Mosquitto

from devicelog.journal.reader import Reader
from devicelog.model import codec

RUNS = 3
BATCH = 1000


def published(journal: Path, broker: Mosquitto, count: int) -> list[float]:
    """CPU of a reading in us: a message each, QoS 1, by paho's own thread."""
    readings = [*_readings(journal, count)]
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.username_pw_set("devicelog", USERS["devicelog"])
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    answered = threading.Semaphore(0)
    client.on_publish = lambda *_: answered.release()
    values = []
    for _ in range(RUNS):
        before = time.process_time()
        for n, it in enumerate(readings):
            if n >= 100:
                answered.acquire()
            topic = f"devicelog/v1/sim-bench/{it['device']}/us/telemetry"
            client.publish(topic, json.dumps(it), 1)
        for _ in range(min(100, len(readings))):
            answered.acquire()
        values.append((time.process_time() - before) / len(readings) * 1e6)
    client.disconnect()
    client.loop_stop()
    return values


def written(journal: Path, store: InfluxDB, count: int) -> list[float]:
    """CPU of a reading in us: a Point each, a thousand a write."""
    readings = [*_readings(journal, count)]
    values = []
    settings = store.settings()
    token = store.token.read_text().strip()
    with InfluxDBClient(settings.url, token=token, org=settings.org) as client:
        write = client.write_api(write_options=SYNCHRONOUS)
        for _ in range(RUNS):
            before = time.process_time()
            for n in range(0, len(readings), BATCH):
                points = [_point(it) for it in readings[n : n + BATCH]]
                write.write(f"{settings.bucket}_sim", settings.org, points)
            values.append((time.process_time() - before) / len(readings) * 1e6)
    return values


def _point(it: dict[str, Any]) -> Point:
    point = Point("naive").tag("device", it["device"]).time(it["at_ns"])
    for name, value in it["values"].items():
        point = point.field(name, value)
    return point


def _readings(journal: Path, count: int) -> Iterator[dict[str, Any]]:
    with Reader(str(journal)) as view:
        for entry in view.entries(limit=count):
            if entry.kind == "reading":
                told = codec.gist(entry.body)
                about = {"device": entry.device, "at_ns": entry.at_ns}
                yield {**about, "state": told.state, "values": told.values}
