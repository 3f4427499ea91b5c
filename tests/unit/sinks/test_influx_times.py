"""Readings of an untrusted clock wait, and stand right once its offset is known."""

import json

from journals import SITE, fill, writer

from devicelog.clock import BUILD_NS, SECOND
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Draft, SessionEvent
from devicelog.model.kinds import ClockBody, ConfigBody, ReadingBody
from devicelog.sinks.influx_rows import Rows

TRUE = 1_800_000_000 * SECOND  # the offset of a clock that is right
WRONG = 86_400 * SECOND  # a clock that began in 1970


class Journal:
    """What a recorder journals, boot by boot."""

    def __init__(self, directory):
        self.directory = directory
        self.n = 0
        self.drafts = []

    def add(self, at_ns, kind, body, *, channel="-", device="-", subject=""):
        self.n += 1
        key = f"r/{self.n}"
        encoded = codec.encode(body)
        self.drafts.append([Draft(at_ns, device, channel, kind, subject, key, encoded)])

    def boots(self, boot, offset):
        body = ConfigBody(
            event="start",
            run_id=f"run-{boot}-{self.n}",
            boot_id=boot,
            mono_ns=5 * SECOND,
            version="0",
            simulated=True,
        )
        self.add(offset + 5 * SECOND, "config", body)

    def clock(self, boot, event, mono, new, *, old=None, ok=False):
        body = ClockBody(
            event=event, mono_ns=mono, boot_id=boot, old_ns=old, new_ns=new, clock_ok=ok
        )
        self.add(new + mono, "clock", body)

    def reads(self, seconds, offset, *, ok, subject=""):
        mono = seconds * SECOND
        body = ReadingBody(
            state="running",
            mono_ns=mono,
            values={"intensity_w_cm2": 0.5},
            frame="00",
            profile="p",
            clock_ok=ok,
        )
        self.add(
            offset + mono, "reading", body, device="us-1", channel="us", subject=subject
        )

    def tells(self, name, seconds, offset, subject, *, ok, **more):
        mono = seconds * SECOND
        body = SessionEvent(
            session_id=subject,
            event=name,
            channel="us",
            at_ns=offset + mono + 1,
            mono_ns=mono,
            clock_ok=ok,
            **more,
        )
        where = {"device": "us-1", "channel": "us", "subject": subject}
        self.add(offset + mono + 1, "session", body, **where)

    def rows(self):
        """Of all readings, by their `mono_ns` in s; None: it waits."""
        with writer(self.directory) as journal:
            fill(journal, self.drafts)
        self.drafts = []
        with Reader(str(self.directory)) as view:
            entries = view.entries(kind="reading")
            made = [*Rows(SITE, "Europe/Berlin", {}).batch(entries, view)]
        seconds = [json.loads(it.body)["mono_ns"] // SECOND for it in entries]
        return dict(zip(seconds, [it and it[0] for it in made], strict=True))

    def session(self, name):
        with Reader(str(self.directory)) as view:
            return Rows(SITE, "Europe/Berlin", {}).session(name, view)


def test_what_came_before_the_clock_was_right_waits_and_is_corrected(tmp_path):
    journal = Journal(tmp_path)
    journal.boots("a", WRONG)
    journal.reads(10, WRONG, ok=False)
    journal.clock("a", "anchor", 11 * SECOND, WRONG)
    journal.reads(12, WRONG, ok=False)
    assert set(journal.rows().values()) == {None}

    journal.clock("a", "anchor", 20 * SECOND, TRUE, old=WRONG, ok=True)
    journal.reads(21, TRUE, ok=True)
    rows = journal.rows()

    assert {at: row.at_ns for at, row in rows.items()} == {
        at: TRUE + at * SECOND for at in (10, 12, 21)
    }
    assert all("flags" not in row.fields for row in rows.values())


def test_what_the_operator_accepts_counts_for_all_of_its_boot(tmp_path):
    journal = Journal(tmp_path)
    journal.boots("a", WRONG)
    journal.clock("a", "anchor", 9 * SECOND, WRONG)
    journal.reads(10, WRONG, ok=False)
    journal.clock("a", "accepted", 15 * SECOND, TRUE, old=WRONG)
    journal.reads(16, WRONG, ok=False)  # the anchor moves once nothing runs
    rows = journal.rows()

    assert [row.at_ns for row in rows.values()] == [
        TRUE + 10 * SECOND,
        TRUE + 16 * SECOND,
    ]


def test_a_boot_whose_time_was_never_learnt_is_placed_behind_the_one_before(tmp_path):
    journal = Journal(tmp_path)
    journal.boots("a", TRUE)
    journal.clock("a", "anchor", 6 * SECOND, TRUE, ok=True)
    journal.reads(1000, TRUE, ok=True)
    for boot in ("b", "c"):
        journal.boots(boot, WRONG)
        journal.clock(boot, "anchor", 6 * SECOND, WRONG)
        journal.reads(10 if boot == "b" else 11, WRONG, ok=False)
        journal.reads(70 if boot == "b" else 71, WRONG, ok=False)
    assert [row is None for row in journal.rows().values()] == [False, *[True] * 4]

    journal.boots("d", TRUE)
    journal.clock("d", "accepted", 8 * SECOND, TRUE)
    rows = journal.rows()
    times = [row.at_ns for row in rows.values()]

    assert times == sorted(times)
    assert len(set(times)) == 5
    assert times[2] - times[1] == times[4] - times[3] == 60 * SECOND
    assert TRUE + 1000 * SECOND < times[1] < TRUE + 1010 * SECOND
    assert [row.fields.get("flags") for row in rows.values()] == [
        None,
        *["time_estimated"] * 4,
    ]


def test_a_clock_that_was_never_right_begins_at_the_software_s_own_date(tmp_path):
    journal = Journal(tmp_path)
    journal.boots("a", WRONG)
    journal.clock("a", "anchor", 6 * SECOND, WRONG)
    journal.reads(10, WRONG, ok=False)
    journal.boots("b", TRUE)
    journal.clock("b", "accepted", 8 * SECOND, TRUE)
    (row,) = journal.rows().values()

    assert row.at_ns == BUILD_NS + 6 * SECOND


def test_a_boot_that_ended_before_it_told_its_anchor_is_placed_all_the_same(tmp_path):
    journal = Journal(tmp_path)
    journal.boots("a", WRONG)
    journal.reads(6, WRONG, ok=False)
    journal.boots("b", TRUE)
    journal.clock("b", "accepted", 8 * SECOND, TRUE)
    (row,) = journal.rows().values()

    assert row.at_ns == BUILD_NS + 2 * SECOND


def test_a_session_waits_with_its_readings_and_is_flagged(tmp_path):
    name = "us-1.us.19700102T000010Z"
    journal = Journal(tmp_path)
    journal.boots("a", WRONG)
    journal.clock("a", "anchor", 6 * SECOND, WRONG)
    journal.reads(10, WRONG, ok=False, subject=name)
    journal.tells("start", 10, WRONG, name, ok=False, values={"frequency_mhz": 1.0})
    journal.tells("pause", 12, WRONG, name, ok=False)
    journal.tells("resume", 14, WRONG, name, ok=False)
    end = {"reason": "completed", "ended_ns": WRONG + 20 * SECOND}
    end |= {"flags": ("clock_untrusted",), "totals": {"emission_s": 8.0}}
    journal.tells("end", 20, WRONG, name, ok=False, **end)
    journal.rows()
    assert journal.session(name) is None

    journal.boots("b", TRUE)
    journal.clock("b", "accepted", 8 * SECOND, TRUE)
    (reading,) = journal.rows().values()
    told = journal.session(name)

    began = BUILD_NS + 6 * SECOND  # 2026-11-24T00:00:06Z, 01:00 in Berlin, a Tuesday
    assert reading.at_ns == began
    assert reading.fields["elapsed_ms"] == 0
    assert told.session.at_ns == began + 1
    assert told.session.tags == (SITE, "us-1", "us", "us")
    fields = told.session.fields
    assert fields["started_at"] == began // 1_000_000
    assert fields["ended_at"] == (began + 10 * SECOND) // 1_000_000
    assert fields["flags"] == "clock_untrusted time_estimated"
    assert (fields["local_hour"], fields["local_weekday"]) == (1, 2)
    (pause,) = {
        row.at_ns: row
        for rows in told.events.values()
        for row in rows
        if row.tags[3] == "pause"
    }.values()
    assert pause.at_ns == began + 2 * SECOND + 1
    assert pause.fields["ended_at"] == (began + 4 * SECOND) // 1_000_000
    assert len([it for it in told.events.values() if pause in it]) == 2


def test_elapsed_time_is_the_boot_s_own_even_if_the_anchor_moves(tmp_path):
    name = "us-1.us.20270115T080010Z"
    journal = Journal(tmp_path)
    journal.boots("a", TRUE)
    journal.clock("a", "anchor", 6 * SECOND, TRUE, ok=True)
    journal.reads(10, TRUE, ok=True, subject=name)
    journal.tells("start", 10, TRUE, name, ok=True)
    moved = TRUE + 3600 * SECOND  # while it was paused
    journal.clock("a", "anchor", 20 * SECOND, moved, old=TRUE, ok=True)
    journal.reads(30, moved, ok=True, subject=name)
    journal.boots("b", moved + 40 * SECOND)
    journal.clock("b", "anchor", 6 * SECOND, moved + 40 * SECOND, ok=True)
    journal.reads(7, moved + 40 * SECOND, ok=True, subject=name)
    rows = journal.rows()

    assert [row.fields["elapsed_ms"] for row in rows.values()] == [
        *(0, 20_000),
        3_637_000,  # across the restart by dates
    ]
