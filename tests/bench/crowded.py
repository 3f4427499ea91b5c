"""A journal of 60,000 sessions and 10 million readings, made once and kept.

A day of the made-up clinic through the whole pipeline, then that day again and again:
the same bodies on other dates, sessions under other ids, other patients each quarter.
Every row is an entry as the writer makes it (seal, indexes, projections); it is only
put into the file without the writer's thread and without fsync.
"""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec
from journals import SITE, writer

from devicelog.journal import projections, schema
from devicelog.journal.directory import JOURNAL
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Entry
from devicelog.model.pseudonyms import pseudonym
from devicelog.simulation.kept import cache
from devicelog.simulation.month import Month

VERSION = 1
LAST = date(2026, 11, 20)
READINGS = 167  # a session, in the mean
QUARTER = 60  # days with the same patients
DAY_NS = 86_400 * 1_000_000_000
TOLD = ("session", "binding", "purpose")


def crowded(sessions: int) -> Path:
    """A folder with `data` and `devicelog.toml`; the chain of its audit has begun."""
    # A journal of another version is not opened, and migrating it takes longer.
    whole = cache() / f"bench-{VERSION}.{schema.VERSION}-{sessions}"
    if not (whole / "devicelog.toml").exists():
        begun = whole.with_name(whole.name + ".partial")
        shutil.rmtree(begun, ignore_errors=True)
        begun.mkdir(parents=True)
        _make(begun / "data", sessions)
        shutil.rmtree(whole, ignore_errors=True)
        begun.replace(whole)
        (whole / "devicelog.toml").write_text(_configured(whole))
        devicelog = [sys.executable, "-m", "devicelog", "export", patient(whole)]
        environ = os.environ | {"DEVICELOG_CONFIG": str(whole / "devicelog.toml")}
        subprocess.run(devicelog, env=environ, check=True, capture_output=True)
    return whole


def patient(folder: Path) -> str:
    """One with sessions in the middle of all."""
    with Reader(str(folder / "data")) as reader:
        rows = reader.sessions(limit=200_000)
    return next(it.pseudonym for it in rows[len(rows) // 2 :] if it.pseudonym)


def _configured(folder: Path) -> str:
    return (
        f'[site]\nname = "{SITE}"\nsimulated = true\ntimezone = "Europe/Berlin"\n'
        f'[journal]\ndirectory = "{folder / "data"}"\nballast_mb = 0\n'
    )


def _make(directory: Path, sessions: int) -> None:
    month = Month(LAST, 1)
    with writer(directory, clock=month.clock) as journal:
        month.write(journal)
        with Reader(str(directory)) as reader:
            first = [*_pages(reader)]
    day = [
        it for it in first if it.kind in TOLD or (it.kind == "reading" and it.subject)
    ]
    readings = [it for it in day if it.kind == "reading"]
    count = len({it.subject for it in readings})
    step = len(readings) / (READINGS * count)
    kept = {readings[int(n * step)].seq for n in range(READINGS * count)}
    day = [it for it in day if it.kind != "reading" or it.seq in kept]
    db = sqlite3.connect(directory / JOURNAL, isolation_level=None)
    db.execute("PRAGMA synchronous=OFF")
    db.execute("PRAGMA cache_size=-400000")
    seq = first[-1].seq
    for back in range(1, sessions // count):
        entries = [*_again(day, back, seq)]
        seq += len(entries)
        _put(db, entries)
        if sys.stderr.isatty() and back % 50 == 0:
            print(f"  ... {back * count} sessions", file=sys.stderr)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def _pages(reader: Reader) -> Iterator[Entry]:
    after = 0
    while page := reader.entries(after, limit=5000):
        yield from page
        after = page[-1].seq


def _again(day: list[Entry], back: int, seq: int) -> Iterator[Entry]:
    """That day, so many days earlier."""
    shift_ns = -back * DAY_NS
    was, now = f"{LAST:%Y%m%d}", f"{LAST - timedelta(days=back):%Y%m%d}"
    for n, it in enumerate(day, 1):
        body = it.body
        if it.kind != "reading":
            body = _told(it, shift_ns, was, now, back)
        yield Entry(
            seq + n,
            it.at_ns + shift_ns,
            it.device,
            it.channel,
            it.kind,
            it.subject.replace(was, now),
            f"bench/{back}/{n}",
            body,
        )


def _told(it: Entry, shift_ns: int, was: str, now: str, back: int) -> bytes:
    body = codec.decode(it.kind, it.body)
    told = {"session_id": body.session_id.replace(was, now)}
    if it.kind == "binding" and body.pseudonym:
        told["pseudonym"] = _another(body.pseudonym, back // QUARTER)
    if it.kind == "session":
        told["treatment_id"] = body.treatment_id.replace(was, now)
        for name in ("at_ns", "began_ns", "ended_ns"):
            if (at_ns := getattr(body, name)) is not None:
                told[name] = at_ns + shift_ns
        if body.event == "end":
            told["readings"] = READINGS
    return codec.encode(msgspec.structs.replace(body, **told))


def _another(code: str, quarter: int) -> str:
    return pseudonym(random.Random(f"{code}/{quarter}").choice)


def _put(db: sqlite3.Connection, entries: list[Entry]) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.executemany(
        "INSERT INTO entries"
        "(seq, at_ns, device, channel, kind, subject, key, body, mac, crc)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",
        ((*msgspec.structs.astuple(it)[:8], schema.seal(it)) for it in entries),
    )
    projections.apply(db, entries)
    db.execute("COMMIT")
