"""Exports of a crowded journal: one patient's year, all sessions, all readings.

Each in a process of its own: seconds from its start to its exit, and the most memory
it held. Beside it what the `sqlite3` program takes for the same rows as CSV, with the
same cells by `json_extract`; and for a million bare rows, without taking any body
apart. The journal's pages are not in the cache when a process starts. What takes
minutes is run once: twelve minutes in all, of which two are a recorder's and an
export's look at the whole journal as they open it for writing.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.crowded import SITE, crowded, patient
from bench.table import Row

from devicelog.errors import DevicelogError
from devicelog.export import columns
from devicelog.journal.directory import JOURNAL
from devicelog.operations.ask import ask

SESSIONS = 60_000
RUNS = 5
OPENING_S = 600  # a recorder looks at the whole journal first
ALL = f"""
import sys
from pathlib import Path
from devicelog.export.files import whole
from devicelog.export.gather import Gatherer
from devicelog.export.history import Wanted, heading
from devicelog.export.tables import Options
from devicelog.export.writers import FORMS
from devicelog.journal.reader import Reader
directory, path, table = sys.argv[1:]
with Reader(directory) as journal, whole(Path(path)) as out:
    head = heading(journal, Wanted(), timezone="Europe/Berlin", made_ns=10**18)
    assert head.site == {SITE!r}
    form = FORMS[path.split(".")[-1]]
    print(form.write(out, Gatherer(journal, head), Options(table=table))[table])
"""


def rows(folder: Path, scale: float) -> Iterator[Row]:
    place = crowded(SESSIONS if scale == 1 else SESSIONS // 100)
    data = place / "data"
    yield from _patient(place, folder)
    yield from _all(data, folder, "sessions", "csv", _sessions())
    yield from _all(data, folder, "readings", "csv", _readings())
    yield from _all(data, folder, "readings", "parquet")
    yield from _yardstick(data, folder, "a million bare rows", BARE)


def _all(
    data: Path, folder: Path, table: str, form: str, query: str = ""
) -> Iterator[Row]:
    """All rows of a table in a form, and how fast by the measure of `query`."""
    path = folder / f"all.{form}"
    ran = _run([sys.executable, "-c", ALL, str(data), str(path), table], data)
    count = int(ran.out)
    yield from _told(f"all {count:,} {table} to .{form}", ran, count)
    path.unlink()
    if not query:
        return
    yard = [*_yardstick(data, folder, f"the same {table}", query)]
    yield from yard
    if yard:
        times = yard[0].values[0] / ran.seconds
        yield Row("speed to .csv, of that of sqlite3", [times], "times", "0.5")


class Ran:
    """A process from its start to its exit; `memory_mb` is the most that it held."""

    def __init__(self, args: list[str], environ: dict[str, str], out: Path | None):
        began = time.perf_counter()
        with contextlib.ExitStack() as stack:
            to = stack.enter_context(out.open("wb")) if out else subprocess.PIPE
            child = subprocess.Popen(
                args, stdout=to, stderr=subprocess.PIPE, env=environ
            )
            self.memory_mb = 0.0
            while not (ended := os.wait4(child.pid, os.WNOHANG))[0]:
                self.memory_mb = max(self.memory_mb, _held_mb(child.pid))
                time.sleep(0.005)
            self.seconds = time.perf_counter() - began
            self.out = child.stdout.read().decode() if child.stdout else ""
            said = child.stderr.read().decode()  # some lines: no pipe is full of them
            _, status, usage = ended
        child.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_s = usage.ru_utime + usage.ru_stime
        assert child.returncode == 0, (args, said)


def _held_mb(pid: int) -> float:
    """The most so far; `ru_maxrss` would tell of the one that it was forked from."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return 0.0


def _run(
    args: list[str],
    data: Path,
    out: Path | None = None,
    environ: dict[str, str] | None = None,
) -> Ran:
    _cold(data)
    return Ran(args, os.environ | (environ or {}), out)


def _cold(data: Path) -> None:
    """The journal's pages leave the cache; the program's own files stay in it."""
    os.sync()
    for it in data.iterdir():
        if it.name.startswith(JOURNAL) and it.is_file():
            handle = os.open(it, os.O_RDONLY)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def _told(what: str, ran: Ran, count: int) -> Iterator[Row]:
    yield Row(what, [ran.seconds], "s")
    yield Row("  a row", [ran.seconds / count * 1e6], "us")
    yield Row("  a row, CPU", [ran.cpu_s / count * 1e6], "us")
    yield Row("  peak memory", [ran.memory_mb], "MB")


def _patient(place: Path, folder: Path) -> Iterator[Row]:
    environ = {"DEVICELOG_CONFIG": str(place / "devicelog.toml")}
    path = folder / "year.csv"
    program = [sys.executable, "-m", "devicelog"]
    asked = [*program, "export", patient(place), "-o", str(path)]
    for who, recorder, runs in (
        ("by a recorder that runs", _recording(program, place, environ), RUNS),
        ("without one", contextlib.nullcontext(), 1),
    ):
        with recorder:
            ran = [_run(asked, place / "data", environ=environ) for _ in range(runs)]
        count = len(path.read_bytes().splitlines()) - 1
        what = f"a patient's {count} sessions to .csv, recorded {who}"
        aim = "0.5" if "runs" in who else ""
        yield Row(what, [it.seconds for it in ran], "s", aim)
        yield Row("  CPU", [it.cpu_s for it in ran], "s")
        yield Row("  peak memory", [it.memory_mb for it in ran], "MB")


@contextlib.contextmanager
def _recording(
    program: list[str], place: Path, environ: dict[str, str]
) -> Iterator[None]:
    child = subprocess.Popen(
        [*program, "run"], env=os.environ | environ, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + OPENING_S
        while not _answers(place):
            assert child.poll() is None, "the recorder ended"
            assert time.monotonic() < until, "the recorder does not answer"
            time.sleep(0.1)
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(60)


def _answers(place: Path) -> bool:
    try:
        return bool([*ask(str(place / "data"), "status")])
    except DevicelogError:
        return False


def _yardstick(data: Path, folder: Path, what: str, query: str) -> Iterator[Row]:
    """What the `sqlite3` program takes, where there is one."""
    if not shutil.which("sqlite3"):
        return
    path = folder / "yard.csv"
    args = ["sqlite3", "-readonly", "-csv", str(data / JOURNAL), query]
    ran = _run(args, data, out=path)
    with path.open("rb") as lines:
        count = sum(1 for _ in lines)
    path.unlink()
    yield from _told(f"sqlite3 -csv: {what}", ran, count)


READINGS_SQL = (
    "SELECT seq, at_ns, device, channel, subject, body FROM entries"
    " WHERE kind = 'reading' AND subject <> '' ORDER BY seq"
)
BARE = f"{READINGS_SQL} LIMIT 1000000"


SESSIONS_SQL = (
    "SELECT session_id, device, channel, started_ns, ended_ns, reason, flags,"
    " treatment_id, pseudonym, readings, * FROM sessions"
    " LEFT JOIN bindings USING (session_id) ORDER BY started_ns"
)


def _readings() -> str:
    names = ["state", "flags", "clock_ok", "mono_ns", "thinned", "preroll"]
    cells = [f"json_extract(body, '$.values.{it.name}')" for it in columns.VALUES]
    cells += [f"json_extract(body, '$.{it}')" for it in (*names, "profile", "frame")]
    return READINGS_SQL.replace("body FROM", f"{', '.join(cells)} FROM")


def _sessions() -> str:
    cells = [f"json_extract(settings, '$.{it.name}')" for it in columns.SETTINGS]
    cells += [f"json_extract(totals, '$.{it.name}')" for it in columns.TOTALS]
    return SESSIONS_SQL.replace("*", ", ".join(cells))
