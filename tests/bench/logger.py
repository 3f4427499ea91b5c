"""A yardstick: what is usually written to log serial devices into InfluxDB.

    python -m bench.logger FOLDER COUNT URL TOKEN BUCKET

A thread a port, pyserial, ten questions a second, a Point an answer, written at once.
No journal, no session, no check but the length.
"""

import struct
import sys
import threading
import time

import serial
from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.write_api import SYNCHRONOUS, WriteApi

from devicelog.drivers.load import load
from devicelog.drivers.modbus import ModbusDriver

(ASKED,) = ModbusDriver(load("us-modbus")).polls()
SIZE = 45
INTERVAL_S = 0.1


def log(path: str, write: WriteApi, bucket: str) -> None:
    """One port, for ever."""
    with serial.Serial(path, timeout=1) as port:
        while True:
            began = time.monotonic()
            port.write(ASKED.data)
            answer = port.read(SIZE)
            if len(answer) == SIZE:
                point = Point("naive").tag("port", path)
                for n, value in enumerate(struct.unpack(">15H", answer[3:33])):
                    point = point.field(f"register_{n}", float(value))
                write.write(bucket, "clinic", point.time(time.time_ns()))
            time.sleep(max(0.0, began + INTERVAL_S - time.monotonic()))


def main(folder: str, count: str, url: str, token: str, bucket: str) -> None:
    client = InfluxDBClient(url, token=token, org="clinic")
    write = client.write_api(write_options=SYNCHRONOUS)
    for n in range(int(count)):
        asked = (f"{folder}/us-{n}", write, bucket)
        threading.Thread(target=log, args=asked, daemon=True).start()
    threading.Event().wait()


main(*sys.argv[1:])
