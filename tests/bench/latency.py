"""From a device's last byte to an MQTT subscriber, through the recorder as a process.

The devices are ptys that this process serves: it notes when each answer was written.
No two answers of a device say the same, so what mosquitto_sub received can be matched.
"""

import contextlib
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench import ports
from bench.machine import spent_s
from bench.pipeline import PROFILE, VALUES
from bench.table import Row
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto, Witness

from devicelog.drivers.modbus import ModbusDriver
from devicelog.drivers.simulated.device import VirtualDevice
from devicelog.drivers.simulated.script import Player
from devicelog.drivers.simulated.serve import PtyPort, serve
from devicelog.drivers.simulated.ultrasound import Ultrasound
from devicelog.model.flow import Identity
from devicelog.wire import modbus

RUNS = 3
INTERVAL_S = 0.1
PAUSE_S = 1.0
BUCKET = "devicelog_sim"
AIM_MS = 50 + 10  # the commit interval, and 10 ms


class Treating:
    """A device in treatment: the time left falls by a tenth of a second an answer."""

    def __init__(self, number: int) -> None:
        self._driver = ModbusDriver(PROFILE)
        (self._asked,) = self._driver.polls()
        self.left = 36_000
        who = Identity("SIM-US", f"{number:05d}", "1.0")
        player = Player(Ultrasound(selftest_s=0.0), [])
        self._other = VirtualDevice(PROFILE, player, who)

    def receive(self, data: bytes, now_s: float) -> bytes:
        """See `drivers.simulated.serve.Device`."""
        if data != self._asked.data:
            return self._other.receive(data, now_s)
        self.left -= 1
        values = VALUES | {"time_left_s": self.left / 10, "head_temp_c": 30.0}
        return modbus.response(10, 4, self._driver.encode("status", values))


class Stamped(PtyPort):
    """Notes when each answer was written. `sent`: by what it says is left, UTC."""

    def __init__(self, folder: Path, number: int) -> None:
        self.treating = Treating(number)
        self.sent: dict[float, float] = {}
        super().__init__(self.treating, link=folder / f"us-{number}")

    def _write(self, data: bytes) -> None:
        super()._write(data)
        self.sent[self.treating.left / 10] = time.time()


def rows(folder: Path, scale: float) -> Iterator[Row]:
    with contextlib.ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(folder / "mosquitto"))
        store = InfluxDB(folder / "influxdb").start().set_up()
        stack.callback(store.stop)
        for size in (1, 10):
            place = folder / str(size)
            place.mkdir()
            yield from _recorded(place, size, broker, store, 8 * scale)
        logged = _logged(folder / "10", 10, store, 4 * scale)
        yield Row("   a pyserial thread a port that writes Points: CPU", logged, "us")


def _recorded(
    folder: Path, size: int, broker: Mosquitto, store: InfluxDB, seconds: float
) -> Iterator[Row]:
    more = (
        f'[mqtt]\nport = {broker.port}\nuser = "devicelog"\n'
        f'password_file = "{broker.password_file()}"\n'
        f'[influx]\nurl = "http://127.0.0.1:{store.port}"\n'
        f'token_file = "{store.token}"\n'
    )
    config = ports.configured(folder, size, INTERVAL_S, more)
    medians, worst, cpu = [], [], []
    with devices(folder, size) as served, ports.recording(folder, config) as process:
        witness = broker.witness()
        for _ in range(RUNS):
            for it in served:
                it.sent.clear()
            before = ports.mark(process.pid, folder)
            time.sleep(seconds)
            after = ports.mark(process.pid, folder)
            readings = after.readings - before.readings
            cpu.append((after.cpu_s - before.cpu_s) / readings * 1e6)
            late = sorted(waited(served, witness))
            medians.append(statistics.median(late))
            worst.append(late[int(len(late) * 0.99)])
        witness.close()
    name = f"{size} port{'s' * (size > 1)}, 10 readings/s each, both sinks"
    yield Row(f"{name}: byte to subscriber, median", medians, "ms")
    yield Row("   p99", worst, "ms", f"< {AIM_MS}")
    yield Row("   CPU of the recorder, a reading", cpu, "us")
    yield Row("   memory of the recorder (RSS)", [after.memory_mb], "MB", "< 100")


def _logged(folder: Path, size: int, store: InfluxDB, seconds: float) -> list[float]:
    """CPU of a reading in us, by `bench.logger`."""
    told = [f"http://127.0.0.1:{store.port}", store.token.read_text().strip()]
    asked = [sys.executable, "-m", "bench.logger", str(folder), str(size), *told]
    values = []
    with devices(folder, size) as served, ports.running([*asked, BUCKET]) as process:
        while not all(it.sent for it in served):
            assert process.poll() is None, "the logger ended"
            time.sleep(0.1)
        for _ in range(RUNS):
            before, answers = spent_s(process.pid), sum(len(it.sent) for it in served)
            time.sleep(seconds)
            count = sum(len(it.sent) for it in served) - answers
            values.append((spent_s(process.pid) - before) / count * 1e6)
    return values


@contextlib.contextmanager
def devices(folder: Path, size: int) -> Iterator[list[Stamped]]:
    """So many devices, served by a thread until the block ends."""
    served = [Stamped(folder, n) for n in range(size)]
    ending = threading.Event()
    thread = threading.Thread(target=serve, args=(served, ending.is_set))
    thread.start()
    try:
        yield served
    finally:
        ending.set()
        thread.join()


def waited(served: list[Stamped], witness: Witness) -> Iterator[float]:
    """Milliseconds from each answer written to its message received."""
    sent = [dict(it.sent) for it in served]
    time.sleep(PAUSE_S)
    witness.settle()
    for message in witness.stream():
        if not message.topic.endswith("/telemetry"):
            continue
        number = int(message.topic.split("/")[-3].removeprefix("us-"))
        for reading in message.body["readings"]:
            at = sent[number].pop(reading["values"]["time_left_s"], None)
            if at is not None:
                yield (message.received_s - at) * 1e3
    assert not any(sent), "readings are missing"
