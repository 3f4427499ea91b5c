"""Days of a made-up clinic: planned, put through the whole pipeline, counted."""

import contextlib
import os
import sqlite3
from collections import Counter
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from devicelog.clock import SECOND
from devicelog.errors import JournalError
from devicelog.journal.reader import Reader
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model import codec
from devicelog.model.pseudonyms import parsed
from devicelog.simulation.conserve import conserved
from devicelog.simulation.month import Month
from devicelog.simulation.plan import CLINIC, rooms, working_days

FRIDAY = date(2026, 11, 20)
MONDAY = date(2026, 11, 16)


def written(directory, month, progress=lambda _: None):
    settings = JournalSettings(str(directory), ballast_mb=0)
    options = {"simulated": True, "site": "sim-clinic", "clock": month.clock}
    with Writer(settings, **options) as writer:
        return month.write(writer, progress)


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """A Monday, when heads are checked: its journal's directory and what was told."""
    directory = tmp_path_factory.mktemp("day")
    return directory, written(directory, Month(MONDAY, 1, seed=3))


def test_what_was_encoded_is_what_the_journal_holds(day):
    directory, told = day
    lines = conserved(str(directory), told)

    assert all(line.holds for line in lines)
    assert {line.device for line in lines} == {*(it.name for it in CLINIC), "-"}
    assert sum(counts.readings for counts in told.counts.values()) > 20_000


def tampered(directory, tmp_path, statement):
    """A copy of the journal in which somebody changed something."""
    copy = tmp_path / "journal.db"
    copy.write_bytes((directory / "journal.db").read_bytes())
    with contextlib.closing(sqlite3.connect(copy)) as db, db:
        for name in ("entries_stay", "entries_stand"):
            db.execute(f"DROP TRIGGER {name}")
        db.execute(statement)
    return str(tmp_path)


TAMPERING = {
    "us-2 readings kept [+] thinned": """
        DELETE FROM entries WHERE seq =
        (SELECT max(seq) FROM entries WHERE kind = 'reading' AND device = 'us-2')""",
    "us-1 readings of sessions": """
        UPDATE entries SET subject = '' WHERE seq =
        (SELECT min(seq) FROM entries WHERE subject <> '' AND device = 'us-1'
         AND kind = 'reading')""",
    "bindings: 0, not": "DELETE FROM entries WHERE kind = 'binding'",
    "sessions begun, ended: [0-9]+, not 0": """
        DELETE FROM entries WHERE kind = 'session'
        AND json_extract(body, '$.event') = 'end'""",
    "if-1 bytes encoded, read: [0-9]+, not 1": """
        UPDATE entries SET body = CAST(json_set(body, '$.counts.bytes', 1) AS BLOB)
        WHERE kind = 'device' AND device = 'if-1'""",
    "entries handed over, committed": "DELETE FROM entries WHERE kind = 'clock'",
}


@pytest.mark.parametrize(("lost", "statement"), TAMPERING.items())
def test_a_count_that_is_lost_is_told(day, tmp_path, lost, statement):
    directory, told = day
    with pytest.raises(JournalError, match=lost):
        conserved(tampered(directory, tmp_path, statement), told)


def test_a_byte_that_was_never_read_is_told(day):
    directory, told = day
    more = msgspec.structs.replace(told, sent={**told.sent, "us-1": 1})

    with pytest.raises(JournalError, match="us-1 bytes encoded, read: 1, not"):
        conserved(str(directory), more)


def test_a_day_has_sessions_patients_and_purposes(day):
    directory, told = day
    with Reader(str(directory)) as reader:
        sessions = reader.sessions(limit=1000)
        entries = []
        while page := reader.entries(entries[-1].seq if entries else 0):
            entries += page
    kinds = Counter(entry.kind for entry in entries)
    bodies = {
        kind: [codec.decode(kind, it.body) for it in entries if it.kind == kind]
        for kind in ("binding", "purpose")
    }

    # Combined treatments are two sessions, a lost line may part one.
    assert sum(told.visits.values()) == 40 + 3
    assert 40 <= len(sessions) <= 55
    assert {row.reason for row in sessions} >= {"completed", "stopped_early"}
    assert all(parsed(it.pseudonym) == it.pseudonym for it in bodies["binding"])
    assert len({it.session_id for it in bodies["binding"]}) == len(bodies["binding"])
    checks = [it for it in bodies["purpose"] if it.purpose == "output_check"]
    assert len(checks) == 3
    assert kinds["noise"] > 0
    assert kinds["config"] == 2
    assert told.days == 1


def test_wall_time_is_that_of_the_clinic(day):
    directory, _ = day
    zone = ZoneInfo("Pacific/Auckland")
    month = Month(MONDAY, 1, zone=zone)
    with Reader(str(directory)) as reader:
        starts = [row.started_ns for row in reader.sessions(limit=1000)]

    midnight_utc = 1_794_787_200 * SECOND  # 2026-11-16T00:00Z
    assert all(0 <= ns - midnight_utc < 86_400 * SECOND for ns in starts)
    # New Zealand has its Monday 13 hours earlier, in summer.
    assert month.clock.wall_ns() == midnight_utc - 13 * 3600 * SECOND


def test_working_days_end_with_the_last_one():
    sunday = date(2026, 11, 22)

    assert working_days(sunday, 6) == [
        date(2026, 11, 13),
        date(2026, 11, 16),
        date(2026, 11, 17),
        date(2026, 11, 18),
        date(2026, 11, 19),
        date(2026, 11, 20),
    ]
    assert len(working_days(FRIDAY, 22)) == 22


def test_a_plan_is_the_same_for_the_same_seed():
    days = working_days(FRIDAY, 3)

    assert rooms(days, 1) == rooms(days, 1) != rooms(days, 2)


def test_devices_are_off_outside_of_their_hours():
    for room in rooms(working_days(FRIDAY, 2), 1):
        off = [(it.at_s, it.at_s + it.for_s) for it in room.troubles]
        at_night = 86_400 + 3 * 3600
        assert any(begin <= at_night <= end for begin, end in off)
        steps = [step.at_s for step in room.steps]
        assert steps == sorted(steps)
        assert len(room.visits) >= 2 * 2 * room.device.patients


def resident_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_a_month_conserves_and_its_memory_is_flat(tmp_path):
    grown = []
    month = Month(FRIDAY, 22)
    told = written(tmp_path, month, lambda _: grown.append(resident_mb()))
    conserved(str(tmp_path), told)
    readings = sum(counts.readings for counts in told.counts.values())
    print(readings, told.entries, [round(it) for it in grown])

    assert len(grown) == 22
    assert 500_000 < readings < 550_000
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.db")) as db:
        (of_sessions,) = db.execute(
            "SELECT count(*) FROM entries WHERE kind = 'reading' AND subject <> ''"
        ).fetchone()
    assert 380_000 < of_sessions < 420_000
    assert sum(told.visits.values()) == 22 * 40 + 4 * 3  # four Mondays
    # After a week all that is held is there: what comes then goes.
    assert grown[-1] - grown[5] < 8
