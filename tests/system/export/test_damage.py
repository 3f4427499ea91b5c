"""Exports of a journal that is damaged: told, and nothing half gets a name."""

import csv
import os
import sqlite3
from contextlib import closing

from devicelog.journal.directory import JOURNAL
from devicelog.journal.schema import PAGE_SIZE

FORMS = ("csv", "json", "ndjson", "parquet", "html", "zip")


def reading(site):
    """Number and body of one of her readings."""
    with closing(sqlite3.connect(site.data / JOURNAL)) as db:
        return db.execute(
            "SELECT seq, body FROM entries WHERE kind = 'reading' AND subject = ?"
            " ORDER BY seq LIMIT 1 OFFSET 2",
            (site.sessions[1],),
        ).fetchone()


def change(site, at, data):
    handle = os.open(site.data / JOURNAL, os.O_RDWR)
    os.pwrite(handle, data, at)
    os.close(handle)


def flip(site):
    """One bit of a reading's body, which SQLite does not see; the entry's number."""
    seq, body = reading(site)
    whole = (site.data / JOURNAL).read_bytes()
    assert whole.count(body) == 1
    at = whole.index(body) + body.index(b'"frame":"') + 10
    change(site, at, bytes([whole[at] ^ 1]))
    return seq


def tear(site):
    """The head of the page where a reading stands."""
    _, body = reading(site)
    page = (site.data / JOURNAL).read_bytes().index(body) // PAGE_SIZE
    change(site, page * PAGE_SIZE, bytes(100))


def refused(site, told, form):
    """The export ends with 5, says this, and leaves no file."""
    path = site.folder / f"history.{form}"
    ended = site.export("-o", str(path), "--readings", code=5)
    assert f"{JOURNAL} is damaged" in ended.stderr
    assert told in ended.stderr
    assert "start the recorder anew" in ended.stderr
    assert site.left == []


def test_a_changed_reading_is_named_and_no_form_is_made_of_it(site):
    with site.recording():
        seq = flip(site)
        for form in FORMS:
            refused(site, f"entry {seq} is not what was written", form)


def test_a_torn_page_is_told_and_no_form_is_made_of_it(site):
    with site.recording():
        tear(site)
        for form in FORMS:
            refused(site, "malformed", form)


def test_what_is_not_damaged_is_exported_all_the_same(site):
    with site.recording():
        flip(site)
        site.run("export", site.code, "--to", "2026-11-22T00:00", "--readings")


def salvaged(site, code):
    """Numbers of the readings in an export by no recorder.

    To record the export, the command opens the journal for writing: that salvages it.
    """
    path = site.folder / "history.csv"
    ended = site.export("-o", str(path), "--readings", code=code)
    assert any((site.data / "quarantine").iterdir())
    assert site.left == [path.name]
    with path.open() as file:
        return [int(it["seq"]) for it in csv.DictReader(file)], ended.stderr


def test_without_a_recorder_what_is_lost_is_told(site):
    seq = flip(site)
    found, told = salvaged(site, code=5)
    assert f"it lacks entries {seq}-{seq} of the journal" in told
    assert len(found) == 5 * len(site.sessions) - 1
    assert seq not in found


def test_without_a_recorder_a_torn_page_costs_nothing(site):
    seq, _ = reading(site)
    tear(site)
    found, _ = salvaged(site, code=0)
    assert len(found) == 5 * len(site.sessions)
    assert seq in found
