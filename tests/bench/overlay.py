"""What the dashboard of a patient's last three sessions costs the store.

Half a year of eight devices, ten treatments a day of ten minutes each, at a reading a
second; the queries are those of the shipped file, asked as Grafana asks them.
"""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.table import Row
from contract.grafana.asking import Grafana, Range, replaced
from servers.influxdb import WORDS, InfluxDB

from dashboards.boards import FOLDER

RUNS = 3
WEEKS, DEVICES, SESSIONS, LASTS_S = 26, 8, 10, 600
PATIENTS = 400
SITE = "sim-bench"
SECOND = 1_000_000_000


def rows(folder: Path, scale: float) -> Iterator[Row]:
    board = json.loads((FOLDER / "patient_overlay.json").read_text())
    store = InfluxDB(folder / "influxdb")
    try:
        store.start().set_up()
        count = _fill(store, max(1, round(WEEKS * scale)))
        grafana = Grafana(store, "grafana", WORDS["grafana"], "devicelog_sim")
        variables = _variables(board, grafana)
        for panel in board["panels"][1:]:
            (target,) = panel["targets"]
            query = replaced(target["query"], Range(0, 0), variables)
            took, shown = [], 0
            for _ in range(RUNS):
                began = time.perf_counter()
                shown = len(grafana.ask(query))
                took.append(time.perf_counter() - began)
            what = f"{panel['title']}: {shown} of {count:,} readings"
            yield Row(what, took, "s")
    finally:
        store.stop()


def _variables(board: dict, grafana: Grafana) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for it in board["templating"]["list"]:
        choices = grafana.choices(replaced(it["query"], Range(0, 0), values))
        values[it["name"]] = choices[:1] if it["name"] == "patient" else choices
    return values


def _fill(store: InfluxDB, weeks: int) -> int:
    """How many readings were written; the newest treatments are of today."""
    marker = 'devicelog_marker,site=sim-bench simulated=true,installation="x" 1'
    store.write(marker)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    count = n = 0
    for day in range(weeks * 7):
        at = today - timedelta(days=weeks * 7 - day)
        for device in range(DEVICES) if at.isoweekday() <= 5 else ():
            lines: list[str] = []
            for session in range(SESSIONS):
                start_ns = int(at.timestamp() + 28_800 + session * 2400) * SECOND
                lines += _session(n, f"us-{device}", start_ns)
                n += 1
                count += LASTS_S
            store.write("\n".join(lines))
    return count


def _session(n: int, device: str, start_ns: int) -> Iterator[str]:
    name, where = f"{device}.us.{n:08d}", f"site={SITE},device={device},channel=us"
    yield (
        f'therapy_session,{where},modality=us session_id="{name}",'
        f'pseudonym="P{n % PATIENTS:04d}",started_at={start_ns // 10**6}i,'
        f"ended_at={start_ns // 10**6 + LASTS_S * 1000}i {start_ns}"
    )
    for second in range(LASTS_S):
        yield (
            f'therapy_reading,{where},modality=us session_id="{name}",'
            f'state="running",intensity_w_cm2=0.5,intensity_actual_w_cm2=0.49,'
            f"time_left_s={LASTS_S - second},elapsed_ms={second * 1000}i"
            f" {start_ns + second * SECOND}"
        )
