"""The console of a clinic with a year behind it, in a real browser; and its price.

Pages: from the request to the first byte of the answer, and to the event `load`. Then
the recorder with both sinks and ten devices: last byte of a reading to an MQTT
subscriber (so it was committed before), nobody looking, and twenty viewers looking.
"""

import contextlib
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from bench import latency, ports
from bench.crowded import crowded
from bench.table import Row
from browsing import browser
from playwright.sync_api import Page
from screens import LINK, PAGES, places
from screens import entered as shown
from servers.influxdb import InfluxDB
from servers.mosquitto import Mosquitto
from visitors import entered, viewers

SESSIONS = 9000
RUNS = 7
VIEWERS = 20
SERVE = """
import secrets, sys
from pathlib import Path
from devicelog.daemon import Daemon
from devicelog.model.users import ROLES
from devicelog.operations.config import parse
from devicelog.simulation.names import named
from devicelog.simulation.plan import CLINIC
text = Path(sys.argv[1]).read_text() + "[console]\\nport = 0\\n"
for it in CLINIC:
    text += f'[[devices]]\\nname = "{it.name}"\\nprofile = "{it.profile}"\\n'
    text += 'port = "/dev/tty-of-nobody"\\n'
daemon = Daemon(parse(text, "bench", {}))
daemon.start()
it = daemon.recording
named(it.directory, it.keyring, it.writer, it.clock)
words = {secrets.token_urlsafe(16): role for role in ROLES}
url = daemon.serve(words)
for word, role in words.items():
    print(f"  {role} {url}/enter/{word}", flush=True)
sys.stdin.read()
daemon.stop()
"""
TIMES = """() => {
    const it = performance.getEntriesByType("navigation")[0];
    return [it.responseStart - it.requestStart, it.loadEventEnd - it.startTime];
}"""


def rows(folder: Path, scale: float) -> Iterator[Row]:
    place = crowded(SESSIONS if scale == 1 else SESSIONS // 15)
    with _served(place) as links, browser() as opened:
        pages = {role: shown(opened, link, "light") for role, link in links.items()}
        there = places(pages["physio"], pages["engineer"])
        url = re.sub(r"/enter/.*", "", links["physio"])
        for name, (role, path) in PAGES.items():
            first, whole = _times(pages[role], url + path.format(**there))
            yield Row(f"{name}: first byte", first, "ms")
            yield Row("   loaded", whole, "ms")
    yield from _watched(folder, 8 * scale)


@contextlib.contextmanager
def _served(place: Path) -> Iterator[dict[str, str]]:
    """A link a role into the console of this journal."""
    asked = [sys.executable, "-c", SERVE, str(place / "devicelog.toml")]
    with subprocess.Popen(
        asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        told = [process.stdout.readline() for _ in range(4)]
        yield dict(LINK.findall("".join(told)))
        process.stdin.close()
        process.wait(60)


def _times(page: Page, url: str) -> tuple[list[float], list[float]]:
    """Milliseconds to the first byte, and until the page is loaded."""
    times = []
    for _ in range(RUNS):
        answer = page.goto(url)
        assert answer
        assert answer.ok, url
        times.append(page.evaluate(TIMES))
    return [it[0] for it in times], [it[1] for it in times]


def _watched(folder: Path, seconds: float) -> Iterator[Row]:
    with contextlib.ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(folder / "mosquitto"))
        store = InfluxDB(folder / "influxdb").start().set_up()
        stack.callback(store.stop)
        port = _free()
        more = (
            f'[mqtt]\nport = {broker.port}\nuser = "devicelog"\n'
            f'password_file = "{broker.password_file()}"\n'
            f'[influx]\nurl = "http://127.0.0.1:{store.port}"\n'
            f'token_file = "{store.token}"\n[console]\nport = {port}\n'
        )
        config = ports.configured(folder, 10, latency.INTERVAL_S, more)
        served = stack.enter_context(latency.devices(folder, 10))
        process = stack.enter_context(ports.recording(folder, config))
        witness = broker.witness()
        stack.callback(witness.close)
        alone = [_late(served, witness, seconds) for _ in range(latency.RUNS)]
        memory = ports.mark(process.pid, folder).memory_mb
        client = entered(f"{folder}/data", f"http://127.0.0.1:{port}", "physio")
        with client, viewers(client, VIEWERS) as got:
            seen = [_late(served, witness, seconds) for _ in range(latency.RUNS)]
            after = ports.mark(process.pid, folder).memory_mb
            assert all(got), "a viewer saw nothing"
    aim = f"< {latency.AIM_MS}"
    yield Row("10 ports, both sinks, nobody looks: byte on, p99", alone, "ms", aim)
    yield Row("   memory of the recorder (RSS)", [memory], "MB", "< 100")
    yield Row(f"   the same with {VIEWERS} viewers: p99", seen, "ms", aim)
    yield Row("   memory of the recorder (RSS)", [after], "MB", "< 100")


def _late(
    served: list[latency.Stamped], witness: latency.Witness, seconds: float
) -> float:
    """The 99th of a hundred readings, from written to received, in ms."""
    for it in served:
        it.sent.clear()
    threading.Event().wait(seconds)
    late = sorted(latency.waited(served, witness))
    return late[int(len(late) * 0.99)]


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as it:
        return int(it.getsockname()[1])
