"""Journals for tests: made by the real writer, read by the real reader."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import msgspec

from devicelog.clock import ManualClock
from devicelog.journal import retirement
from devicelog.journal.directory import JOURNAL
from devicelog.journal.reader import Reader
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model import codec
from devicelog.model.flow import Draft, SessionEvent
from devicelog.model.kinds import NoiseBody, ReadingBody
from devicelog.model.retirement import RetirementBody

SITE = "sim-test"


def writer(directory, *, site=SITE, clock=None, chain_key=None, **settings):
    """A writer on this directory; small ballast, so that no test eats the disk."""
    asked = JournalSettings(str(directory), **({"ballast_mb": 0} | settings))
    return Writer(
        asked,
        simulated=site.startswith("sim-"),
        site=site,
        clock=clock or ManualClock(),
        chain_key=chain_key,
    )


def reading(n, *, run="r", subject="", device="us-1"):
    """The n-th reading of a device, as the recorder would draft it."""
    body = ReadingBody(
        state="running",
        mono_ns=n * 1_000_000_000,
        values={"intensity_w_cm2": 0.5, "time_left_s": 300 - n % 300, "duty_pct": 20},
        frame=f"{n:032x}",
        profile="0123456789abcdef",
    )
    at_ns = 1_800_000_000_000_000_000 + n * 1_000_000_000
    return Draft(
        at_ns, device, "us", "reading", subject, f"{run}/{n}", codec.encode(body)
    )


def noise(n, size, *, run="r"):
    """Noise whose body does not fit a page of the file."""
    body = NoiseBody(mono_ns=n, count=size, why="no frame", raw=f"{n % 256:02x}" * size)
    at_ns = 1_800_000_000_000_000_000 + n * 1_000_000_000 + 7
    return Draft(
        at_ns, "us-1", "-", "noise", "", f"{run}/noise/{n}", codec.encode(body)
    )


def event(n, name, session_id, *, run="r", **told):
    """Something that happened to a session."""
    at_ns = 1_800_000_000_000_000_000 + n * 1_000_000_000 + 3
    body = SessionEvent(
        session_id=session_id,
        event=name,
        channel="us",
        at_ns=at_ns,
        mono_ns=n * 1_000_000_000,
        **told,
    )
    return Draft(
        at_ns,
        "us-1",
        "us",
        "session",
        session_id,
        f"{run}/{name}/{n}",
        codec.encode(body),
        edge=True,
    )


def clinic(first, count, *, run="r"):
    """Groups as a clinic makes them: readings, sessions of 50 readings, some noise."""
    groups = []
    for n in range(first, first + count):
        name = f"us-1.us.{n - n % 50:08d}"
        group = [reading(n, run=run, subject=name)]
        if n % 50 == 0:
            group.append(event(n, "start", name, run=run, values={"duty_pct": 20.0}))
        if n % 50 == 49:
            totals = {"energy_j": 24.0 + n}
            end = {"reason": "completed", "ended_ns": n, "totals": totals}
            group.append(event(n, "end", name, run=run, readings=50, **end))
        if n % 97 == 0:
            group.append(noise(n, 3000, run=run))
        groups.append(group)
    return groups


def fill(journal, groups):
    """Append all and wait; the entries."""
    for group in groups:
        assert journal.submit(group)
    journal.append([], 60)


def leaving(directory, spans, **other):
    """The draft by which these readings leave the journal; `other` is said wrongly."""
    with contextlib.closing(sqlite3.connect(directory / JOURNAL)) as db:
        left = retirement.look(db, spans)
    told = msgspec.structs.asdict(left) | other
    del told["macs"]
    body = RetirementBody(by="devicelog", what="readings", ranges=spans, **told)
    at_ns, said = 1_900_000_000_000_000_000, codec.encode(body)
    return Draft(at_ns, "-", "-", "retirement", "", "retirement/1", said)


def entries(directory):
    """All entries, by pages."""
    found, after = [], 0
    with Reader(str(directory)) as reader:
        while page := reader.entries(after, limit=5000):
            found += page
            after = page[-1].seq
    return found


def image(directory: Path, to: Path):
    """What a crash would leave: the files as they are while the writer runs."""
    shutil.copytree(directory, to)
    return to
