"""A month's report says what SELECT counts, and says what was lost."""

import contextlib
import json
import re
import sqlite3
from datetime import date
from zoneinfo import ZoneInfo

import msgspec
import pytest
from click.testing import CliRunner
from unit.records.clinic import ANNA, Clinic

from devicelog.cli.commands import main
from devicelog.clock import BUILD_NS, SECOND
from devicelog.errors import DevicelogError
from devicelog.export.monthly import facts, rendered
from devicelog.export.texts import texts
from devicelog.export.words import Words
from devicelog.journal.reader import Reader
from devicelog.journal.settings import JournalSettings
from devicelog.journal.writer import Writer
from devicelog.model.kinds import ClockBody, ConfigBody, ReceiptBody
from devicelog.records.report import Looked, Report, report, span
from devicelog.simulation.month import Month
from devicelog.simulation.plan import CLINIC, rooms

BERLIN = ZoneInfo("Europe/Berlin")
LAST = date(2026, 12, 1)  # a Tuesday; what began on Monday is of November
LATER_NS = BUILD_NS + 30 * 86_400 * SECOND
FROM_NS, TO_NS = 1_796_079_600 * SECOND, 1_798_758_000 * SECOND
MARKED = """(reason IN ('link_lost', 'logger_stopped') OR EXISTS (
    SELECT 1 FROM json_each(flags)
    WHERE value IN ('gap', 'start_unseen', 'end_estimated')
))"""


FEW = [msgspec.structs.replace(it, patients=2) for it in CLINIC if it.name[-1] == "1"]


def few(days, seed):
    return rooms(days, seed, FEW)


def simulated(directory, last, days, happens=few):
    month = Month(last, days, zone=BERLIN, happens=happens)
    settings = JournalSettings(str(directory), ballast_mb=0)
    with Writer(
        settings, simulated=True, site="sim-clinic", clock=month.clock
    ) as writer:
        month.write(writer)


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """Two days, of which one is of December."""
    directory = tmp_path_factory.mktemp("days")
    simulated(directory, LAST, 2)
    return directory


def made(directory, month="2026-12", labels=None, **how):
    with Reader(str(directory)) as reader:
        how = {"running": True} | how
        return report(reader, month, BERLIN, LATER_NS, labels or {}, **how)


def counted(directory, what, more="", of=()):
    """One number by SELECT, of sessions that began in December."""
    which = f"started_ns >= ? AND started_ns < ? {more}"
    sql = f"SELECT {what} FROM sessions s WHERE {which}"  # noqa: S608  (ours)
    path = directory / "journal.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return db.execute(sql, (FROM_NS, TO_NS, *of)).fetchone()[0]


def agrees(directory):
    """Each count of the report beside that of the tables, while the recorder ran."""
    with Reader(str(directory)) as reader:
        (run,) = reader.runs()
    told = made(directory, opening=[(FROM_NS, run.stopped_ns)])
    all_ = told.counted
    assert all_.sessions == counted(directory, "count(*)") > 0
    over = "AND ended_ns IS NOT NULL"
    assert all_.open == counted(directory, "count(*)", "AND ended_ns IS NULL")
    assert all_.with_gaps == counted(directory, "count(*)", f"{over} AND {MARKED}")
    assert all_.complete == counted(directory, "count(*)", f"{over} AND NOT {MARKED}")
    assert (all_.lost, all_.accounted_pct, told.holds) == (0, 100.0, True)
    held = counted(
        directory,
        "sum((SELECT count(*) FROM entries WHERE subject = session_id"
        " AND kind = 'reading') - readings)",
    )
    assert held == 0
    weighted = counted(
        directory,
        "sum((ended_ns - started_ns) / 1e9 * json_extract(totals, '$.coverage_pct'))"
        " / sum((ended_ns - started_ns) / 1e9)",
    )
    assert all_.coverage_pct == pytest.approx(weighted, abs=0.001)
    said = "(SELECT purpose FROM purposes p WHERE p.session_id = s.session_id)"
    purpose = f"coalesce({said}, 'treatment')"
    treated = f"AND {purpose} = 'treatment'"
    assert told.treatments == counted(directory, "count(*)", treated)
    bound = "(SELECT pseudonym FROM bindings b WHERE b.session_id = s.session_id)"
    nobody = f"{treated} AND {bound} IS NULL"
    assert told.unassigned == counted(directory, "count(*)", nobody)
    assert told.patients == counted(directory, f"count(DISTINCT {bound})", treated)
    for it in told.devices:
        mine = ("AND device = ?", (it.name,))
        assert it.counted.sessions == counted(directory, "count(*)", *mine)
        hours = counted(
            directory, "sum(json_extract(totals, '$.emission_s')) / 3600", *mine
        )
        assert it.counted.emission_h == pytest.approx(hours, abs=0.001)
        failed = f"AND reason = 'fault' {mine[0]}"
        faults = counted(directory, "count(*)", failed, mine[1])
        assert it.counted.faults == faults
    return told


def test_its_numbers_are_those_of_the_tables(days):
    told = agrees(days)

    assert {it.name for it in told.devices} == {it.name for it in FEW}
    assert sum(it.counted.sessions for it in told.devices) == told.counted.sessions
    assert told.receipts == {"none": told.counted.sessions}
    assert told.unassigned > 0
    assert made(days, "2026-11").counted.sessions > 0


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_its_numbers_are_those_of_the_tables_over_a_month(tmp_path):
    simulated(tmp_path, date(2026, 12, 31), 23, rooms)
    told = agrees(tmp_path)

    assert told.counted.sessions > 800
    assert told.counted.with_gaps > 0


def test_a_reading_that_is_gone_is_a_lost_session(days, tmp_path):
    copy = tmp_path / "journal.db"
    copy.write_bytes((days / "journal.db").read_bytes())
    with contextlib.closing(sqlite3.connect(copy)) as db, db:
        db.execute("DROP TRIGGER entries_stay")
        ((lost,),) = db.execute(
            "DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries"
            " WHERE kind = 'reading' AND subject <> '') RETURNING subject"
        ).fetchall()
    told = made(tmp_path)

    assert told.counted.lost == 1
    assert told.lost_sessions == (lost,)
    assert told.counted.accounted_pct < 99.9
    assert not told.holds
    assert "below the aim of 99.9 %" in rendered(told, texts("en"), BERLIN)


def test_a_month_is_that_of_the_clinic():
    assert span("2026-12", BERLIN) == (FROM_NS, TO_NS)
    with pytest.raises(DevicelogError, match='"2026-13" is no month'):
        span("2026-13", BERLIN)


def test_gaps_receipts_alarms_and_checks_are_told(tmp_path):
    clinic = Clinic(tmp_path / "data")
    with clinic.writer:
        clinic.begin("us-1")
        clinic.clock.advance((FROM_NS - BUILD_NS) / SECOND)
        clinic.end(clinic.start("us-1.us.1"), 60, emission_s=36.0, coverage_pct=100.0)
        clinic.assign("us-1.us.1", ANNA)
        clinic.start("us-1.us.2")
        clinic.clock.advance(179)
        clinic.event(
            "us-1.us.2",
            "end",
            reason="link_lost",
            ended_ns=clinic.clock.wall_ns(),
            totals={"coverage_pct": 50.0},
        )
        clinic.start("us-1.us.3")
        receipt(clinic, "us-1.us.1", "incomplete")
        clinic.clock.advance(1)
        receipt(clinic, "us-1.us.1", "complete")
        clinic.writer.alarm("watch/us-1", "recorded nothing")
        clinic.writer.clear("watch/us-1", "records again")
        clinic.clock.advance(1)
    told = made(tmp_path / "data")

    all_ = told.counted
    assert (all_.sessions, all_.complete, all_.with_gaps, all_.open) == (3, 1, 1, 1)
    # 61 s whole, 180 s half.
    assert all_.coverage_pct == pytest.approx((61 * 100 + 180 * 50) / 241, abs=0.001)
    assert all_.emission_h == pytest.approx(0.01)
    assert (told.treatments, told.unassigned, told.patients) == (3, 2, 1)
    assert told.receipts == {"complete": 1, "none": 2}
    assert [it.name for it in told.alarms] == ["watch/us-1"]
    assert {(it.name, it.check) for it in told.overdue} == {
        ("us-1", "timer"),
        ("us-1", "electrical_safety"),
    }
    assert made(tmp_path / "data", "2026-10").counted.accounted_pct is None


# --- What nobody looked at ----------------------------------------------------------


HOUR = 3600
# Tuesday and Wednesday, 8 to 18 o'clock.
OPENING = [
    (
        FROM_NS + (24 * day + 8) * HOUR * SECOND,
        FROM_NS + (24 * day + 18) * HOUR * SECOND,
    )
    for day in (0, 1)
]


class Runs(Clinic):
    """Runs of a recorder at hours of the first of December."""

    def to(self, hour):
        at_ns = FROM_NS + round(hour * HOUR) * SECOND
        self.clock.advance((at_ns - self.clock.wall_ns()) / SECOND)

    def says(self, event, run_id, hour):
        self.to(hour)
        self.run = run_id
        body = ConfigBody(
            event=event,
            run_id=run_id,
            boot_id="boot",
            mono_ns=self.clock.mono_ns(),
            version="1",
            simulated=True,
        )
        self.put("-", "-", "config", body)


@pytest.fixture
def runs(tmp_path):
    clinic = Runs(tmp_path / "data")
    with clinic.writer:
        yield clinic


def looked(runs, now_h, **how):
    with Reader(str(runs.directory)) as reader:
        now_ns = FROM_NS + round(now_h * HOUR) * SECOND
        told = report(reader, "2026-12", BERLIN, now_ns, opening=OPENING, **how)
    return told, (told.looked.open_h, told.looked.down_h, told.looked.covered_pct)


def test_hours_in_which_no_recorder_ran_are_told(runs):
    runs.says("start", "a", 7)
    runs.says("stop", "a", 10)
    runs.says("start", "b", 12.5)
    assert looked(runs, 18, running=True)[1] == (10, 2.5, 75)
    # Nobody is missed at night, nor before it was installed, nor in what is to come.
    assert looked(runs, 31, running=True)[1] == (10, 2.5, 75)
    told, hours = looked(runs, 48, running=True)
    assert hours == (20, 2.5, 87.5)

    assert not told.holds
    assert told.counted.lost == 0
    said = dict(facts(told, Words(texts("en")), BERLIN))
    assert said["Lost in part or whole"] == "0 at least"
    assert said["Opening hours in which it recorded"] == (
        "87.5 % of 20 h: for 2.5 h nobody looked, and what was lost then is not known"
    )
    html = rendered(told, texts("en"), BERLIN)
    assert "for 2.5 h nobody looked" in html
    assert "0 at least" in html


def test_of_a_run_that_died_only_what_it_journalled_is_known(runs):
    runs.says("start", "a", 7)
    runs.to(9)
    runs.writer.alarm("watch/us-1", "recorded nothing")
    # The next one says something before it says that it began.
    runs.to(11)
    runs.run = "b"
    clock = ClockBody(
        event="anchor", mono_ns=1, boot_id="boot", old_ns=None, new_ns=FROM_NS
    )
    runs.put("-", "-", "clock", clock)
    runs.says("start", "b", 11)
    assert looked(runs, 18, running=True)[1] == (10, 2, 80)
    # Nor of the last one, if none answers now.
    assert looked(runs, 18)[1] == (10, 9, 10)


def test_a_recorder_that_always_ran_says_so(runs):
    runs.says("start", "a", 7)
    told, hours = looked(runs, 18, running=True)

    assert hours == (10, 0, 100)
    assert told.holds
    said = dict(facts(told, Words(texts("en")), BERLIN))
    assert said["Lost in part or whole"] == "0"
    assert said["Opening hours in which it recorded"] == "100 % of 10 h"


def test_a_month_before_the_first_run_has_no_hours(runs):
    runs.says("start", "a", 50)
    told, hours = looked(runs, 50, running=True)

    assert hours == (0, 0, None)
    assert told.holds
    said = dict(facts(told, Words(texts("en")), BERLIN))
    assert said["Opening hours in which it recorded"] == "none yet"


def receipt(clinic, session_id, state):
    body = ReceiptBody(decoded=0, kept=0, state=state)
    clinic.put("us-1", "us", "receipt", body, session_id)


# --- The command --------------------------------------------------------------------


@pytest.fixture
def config(days, tmp_path):
    file = tmp_path / "devicelog.toml"
    file.write_text(
        f'[site]\nname = "sim-clinic"\ntimezone = "Europe/Berlin"\nsimulated = true\n'
        f'[journal]\ndirectory = "{days}"\n'
        '[[devices]]\nname = "us-1"\nprofile = "us-modbus"\nport = "/dev/null"\n'
        'label = "Ultrasound, room 1"\n'
    )
    return ["--config", str(file), "--month", "2026-12"]


def test_the_command_prints_text_and_json(days, config):
    told = made(days, labels={"us-1": "Ultrasound, room 1"})
    text = CliRunner().invoke(main, ["report", *config])
    raw = CliRunner().invoke(main, ["report", "--json", *config])

    assert text.exit_code == raw.exit_code == 0, text.output
    assert "What 2026-12 was worth" in text.stdout
    assert re.search(rf"Sessions that began +{told.counted.sessions}\n", text.stdout)
    assert "100 % (aim: 99.9 %)" in text.stdout
    read = msgspec.convert(json.loads(raw.stdout), Report)
    # The command asked now, and December is still to come.
    assert read.looked == Looked(open_h=0, down_h=0, covered_pct=None)
    now = {"made_ns": told.made_ns, "overdue": told.overdue, "looked": told.looked}
    assert msgspec.structs.replace(read, **now) == told


def test_the_page_needs_nothing_else(config, tmp_path):
    page = tmp_path / "report.html"
    done = CliRunner().invoke(main, ["report", "-o", str(page), *config])
    html = page.read_text(encoding="utf-8")

    assert done.exit_code == 0, done.output
    assert not re.search(r"(src|href)=|url\(|@import|<script", html)
    assert "SIMULATED" in html
    for name in ("Ultrasound, room 1", "if-1", "combo-1"):
        assert f"<td>{name}</td>" in html


def test_what_cannot_be_made_is_said(config, tmp_path):
    paper = CliRunner().invoke(
        main, ["report", "-o", str(tmp_path / "it.pdf"), *config]
    )
    month = CliRunner().invoke(main, ["report", *config[:3], "Nov"])

    assert (paper.exit_code, month.exit_code) == (1, 1)
    assert "as in -o report.html" in paper.stderr
    assert '"Nov" is no month' in month.stderr
