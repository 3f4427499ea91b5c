"""An older journal becomes this program's whole, or stays what it was."""

import contextlib
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from journals import clinic, entries, fill, writer

from devicelog.cli.commands import main
from devicelog.clock import ManualClock
from devicelog.errors import JournalBusy, JournalError, JournalRefused
from devicelog.journal import check, file, migrate, schema
from devicelog.journal.directory import Directory
from devicelog.journal.reader import Reader

COUNT = 127  # of clinic(0, 120)
GOLDEN = Path(__file__).parents[2] / "golden" / "journal"
HERE, NEXT = schema.VERSION, schema.VERSION + 1


def adds_a_column(db):
    """A step as a later version may need it."""
    db.execute("ALTER TABLE entries ADD COLUMN place TEXT NOT NULL DEFAULT ''")
    db.execute("CREATE TABLE places(name TEXT PRIMARY KEY) STRICT")


@pytest.fixture
def older(tmp_path, monkeypatch):
    """A journal of this version before a program of the next, entries in its log."""
    directory = tmp_path / "data"
    with writer(directory) as journal:
        fill(journal, clinic(0, 120))
    monkeypatch.setattr(schema, "VERSION", NEXT)
    return directory


def version(path):
    with contextlib.closing(sqlite3.connect(file.uri(path, "ro"), uri=True)) as db:
        return db.execute("PRAGMA user_version").fetchone()[0], file.meta(db).version


def rows(path):
    with contextlib.closing(sqlite3.connect(file.uri(path, "ro"), uri=True)) as db:
        return db.execute(
            "SELECT seq, at_ns, device, channel, kind, subject, key, body, crc"
            " FROM entries ORDER BY seq"
        ).fetchall()


def image(directory):
    return {it.name: it.read_bytes() for it in directory.iterdir() if it.is_file()}


def run(directory, migrations=None, **more):
    steps = {HERE: adds_a_column} if migrations is None else migrations
    return migrate.migrate(str(directory), migrations=steps, **more)


def test_an_older_journal_is_brought_here_and_keeps_every_entry(older):
    before = rows(older / "journal.db")

    done = run(older, clock=ManualClock(1_800_000_000 * 10**9))

    backup = older / "backups" / f"journal-v{HERE}-20270115T080000.000Z.db"
    assert done == migrate.Migrated(HERE, NEXT, len(before), str(backup))
    assert version(older / "journal.db") == (NEXT, NEXT)
    assert rows(older / "journal.db") == before
    with contextlib.closing(sqlite3.connect(older / "journal.db")) as db:
        assert db.execute("SELECT DISTINCT place FROM entries").fetchall() == [("",)]
    report = check.examine(older / "journal.db")
    assert (report.damage, report.stale, report.entries) == ((), (), len(before))


def test_the_backup_is_the_journal_as_it_was_and_nobody_elses_to_read(older):
    before = rows(older / "journal.db")

    backup = Path(run(older).backup)

    assert rows(backup) == before
    assert version(backup) == (HERE, HERE)
    assert backup.stat().st_mode & 0o777 == 0o600
    assert backup.parent.stat().st_mode & 0o777 == 0o700


def test_the_backup_put_back_is_read_by_the_version_that_wrote_it(older, monkeypatch):
    before = entries_of(older, monkeypatch)
    backup = run(older).backup
    with (
        pytest.raises(JournalRefused, match="newer devicelog"),
        as_of(HERE, monkeypatch),
    ):
        writer(older).open()

    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (older / name).unlink(missing_ok=True)
    shutil.copy(backup, older / "journal.db")

    assert entries_of(older, monkeypatch) == before


@contextlib.contextmanager
def as_of(number, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(schema, "VERSION", number)
        yield


def entries_of(directory, monkeypatch):
    with as_of(HERE, monkeypatch):
        with writer(directory):
            pass
        return entries(directory)


def test_a_second_time_there_is_nothing_to_do(older):
    run(older)

    assert run(older).backup == ""
    assert len([*(older / "backups").iterdir()]) == 1


def fails_late(db):
    adds_a_column(db)
    raise ZeroDivisionError


def loses_entries(db):
    db.execute("DROP TRIGGER entries_stay")
    db.execute("DELETE FROM entries WHERE seq = 7")


def breaks_a_promise(db):
    db.execute("UPDATE entries SET at_ns = 1")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (fails_late, "ZeroDivisionError"),
        (loses_entries, f"of {COUNT} entries {COUNT - 1} would be left"),
        (breaks_a_promise, "append-only"),
    ],
)
def test_what_goes_wrong_leaves_the_journal_as_it_was(older, step, words):
    before = rows(older / "journal.db")

    with pytest.raises(JournalError, match=words):
        run(older, {HERE: step})

    assert version(older / "journal.db") == (HERE, HERE)
    assert rows(older / "journal.db") == before
    with contextlib.closing(sqlite3.connect(older / "journal.db")) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    assert "places" not in tables
    assert "entries_stay" in tables
    assert run(older).after == NEXT


def test_steps_follow_each_other(older, monkeypatch):
    last = NEXT + 1
    monkeypatch.setattr(schema, "VERSION", last)
    order = []
    steps = {HERE: lambda _: order.append(HERE), NEXT: lambda _: order.append(NEXT)}

    assert (run(older, steps).after, order) == (last, [HERE, NEXT])
    assert version(older / "journal.db") == (last, last)


def test_without_a_way_nothing_is_touched(older):
    before = image(older)

    with pytest.raises(JournalRefused, match=f"no way leads from version {HERE}"):
        run(older, {})

    after = image(older)
    assert before["journal.db"] == after["journal.db"]
    assert not (older / "backups").exists()


def test_a_newer_journal_is_refused(older, monkeypatch):
    run(older)
    monkeypatch.setattr(schema, "VERSION", HERE)

    with pytest.raises(JournalRefused, match="newer devicelog"):
        run(older)


def test_while_a_recorder_runs_nothing_is_done(older):
    holder = Directory(str(older))
    holder.take()
    try:
        with pytest.raises(JournalBusy):
            run(older)
    finally:
        holder.release()
    assert not (older / "backups").exists()


def test_without_room_for_the_backup_nothing_is_done(older, monkeypatch):
    monkeypatch.setattr(Directory, "free", lambda _: 1000)

    with pytest.raises(JournalError, match="1000 bytes left"):
        run(older)

    assert version(older / "journal.db") == (HERE, HERE)


def test_a_crash_after_the_commit_is_made_good(older, monkeypatch):
    """The change is in the log alone: the file still says the old version."""
    image_ = older.parent / "crashed"
    connect = file.connect

    def copied_at_the_checkpoint(path):
        db = connect(path)
        if path.parent == older:
            db.set_trace_callback(
                lambda said: "wal_checkpoint" in said and shutil.copytree(older, image_)
            )
        return db

    monkeypatch.setattr(file, "connect", copied_at_the_checkpoint)
    run(older)
    with contextlib.closing(
        sqlite3.connect(file.uri(image_ / "journal.db", "immutable"), uri=True)
    ) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (HERE,)

    assert run(image_) == migrate.Migrated(NEXT, NEXT, COUNT)
    assert file.admit(image_ / "journal.db").version == NEXT


@pytest.mark.parametrize(
    "opens", [lambda it: writer(it).open(), lambda it: Reader(str(it)).__enter__()]
)
def test_an_older_journal_is_refused_until_it_is_migrated(older, opens):
    with pytest.raises(JournalRefused) as refused:
        opens(older)

    assert "devicelog db migrate" in refused.value.hint
    run(older)
    with writer(older):
        pass


def test_the_command_says_what_it_did(older, tmp_path):
    config = tmp_path / "devicelog.toml"
    text = '[site]\nname = "sim-test"\nsimulated = true\n[journal]\ndirectory = "{}"\n'
    config.write_text(text.format(older))
    words = ["db", "migrate", "--config", str(config)]
    steps = migrate.migrate.__kwdefaults__
    before = steps["migrations"]
    steps["migrations"] = {HERE: adds_a_column}
    try:
        first = CliRunner().invoke(main, [*words, "--json"])
        second = CliRunner().invoke(main, words)
    finally:
        steps["migrations"] = before

    told = json.loads(first.stdout)
    assert (told["before"], told["after"], told["entries"]) == (HERE, NEXT, COUNT)
    assert "nothing was to be done" in second.stdout


@pytest.fixture
def kept(tmp_path):
    """The journal that the first version wrote."""
    directory = tmp_path / "kept"
    directory.mkdir(mode=0o700)
    shutil.copy(GOLDEN / "v2.db", directory / "journal.db")
    return directory


def test_the_kept_journal_of_the_first_version_becomes_what_is_born_today(
    kept, tmp_path
):
    before = rows(kept / "journal.db")
    with writer(tmp_path / "born"):
        pass

    done = migrate.migrate(str(kept))

    assert (done.before, done.after, done.entries) == (2, HERE, len(before))
    assert rows(kept / "journal.db") == before == rows(Path(done.backup))
    assert layout(kept) == layout(tmp_path / "born")
    assert check.examine(kept / "journal.db").damage == ()


def layout(directory):
    """Tables, indexes and triggers, however they were broken into lines."""
    path = directory / "journal.db"
    with contextlib.closing(sqlite3.connect(file.uri(path, "ro"), uri=True)) as db:
        made = db.execute("SELECT name, sql FROM sqlite_master").fetchall()
    return {name: "".join((sql or "").split()) for name, sql in made}


def test_the_kept_journal_is_refused_until_it_is_migrated(kept):
    before = image(kept)
    for opens in (lambda: writer(kept).open(), lambda: Reader(str(kept)).__enter__()):
        with pytest.raises(JournalRefused, match="older devicelog"):
            opens()
    with pytest.raises(JournalRefused, match="no way leads from version 2"):
        migrate.migrate(str(kept), migrations={})
    assert image(kept)["journal.db"] == before["journal.db"]


def test_a_migrated_journal_is_refused_by_the_version_before(kept, monkeypatch):
    migrate.migrate(str(kept))
    monkeypatch.setattr(schema, "VERSION", 2)
    for opens in (lambda: writer(kept).open(), lambda: Reader(str(kept)).__enter__()):
        with pytest.raises(JournalRefused, match="newer devicelog"):
            opens()
