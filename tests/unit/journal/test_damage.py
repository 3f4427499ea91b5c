"""Each kind of damage: set aside whole, the rest salvaged, what is lost named."""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import zlib

import pytest
import requires
from journals import clinic, entries, fill, image, reading, writer

from devicelog.errors import JournalError, JournalRefused
from devicelog.journal import check
from devicelog.journal.reader import Reader

PAGE = 4096
COUNT = 800


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A journal closed in order, and its entries."""
    directory = tmp_path_factory.mktemp("whole") / "data"
    with writer(directory) as journal:
        fill(journal, clinic(0, COUNT))
    return directory, {entry.seq: entry for entry in entries(directory)}


@pytest.fixture(scope="module")
def crashed(tmp_path_factory):
    """The files as a kill would leave them: the newest entries are in the -wal."""
    folder = tmp_path_factory.mktemp("crashed")
    with writer(folder / "data") as journal:
        fill(journal, clinic(0, COUNT))
        for group in clinic(COUNT, 60):
            journal.append(group, 10)
        made = image(folder / "data", folder / "image")
    return made, {entry.seq: entry for entry in entries(folder / "data")}


@pytest.fixture
def closed(whole, tmp_path):
    return shutil.copytree(whole[0], tmp_path / "data"), whole[1]


@pytest.fixture
def killed(crashed, tmp_path):
    directory = shutil.copytree(crashed[0], tmp_path / "data")
    assert (directory / "journal.db-wal").stat().st_size > 50 * PAGE
    return directory, crashed[1]


@pytest.fixture(params=["closed", "killed"])
def journal(request):
    return request.getfixturevalue(request.param)


def overwrite(path, at, data):
    content = bytearray(path.read_bytes())
    content[at : at + len(data)] = data
    path.write_bytes(content)


def files(directory):
    return {it.name: it.read_bytes() for it in directory.iterdir() if it.is_file()}


def reopened(directory, before, *, told=True):
    """Open for recording; what is there must be what was written, the rest named.

    Where the salvage was begun before (not `told`), what it set aside is not compared.
    """
    damaged = files(directory)
    with writer(directory, clock=None) as journal:
        (new,) = journal.append([reading(10**6, run="later")], 10)
    after = {entry.seq: entry for entry in entries(directory)}
    kept = {seq: it for seq, it in after.items() if seq in before}
    assert kept == {seq: before[seq] for seq in kept}
    with Reader(str(directory)) as reader:
        meta = reader.meta()
        alarms = [it for it in reader.alarms() if it.name == "journal/salvaged"]
    named = {seq for first, last in meta.lost for seq in range(first, last + 1)}
    assert named == set(before) - set(kept)
    assert new.seq > max(before)
    report = check.examine(directory / "journal.db")
    # What a projection says is compared by `db check` alone; it can be made anew.
    assert report.damage == ()
    for folder in (directory / "quarantine").iterdir() if alarms and told else ():
        quarantined = files(folder)
        quarantined.pop("journal.db-shm", None)  # an index, made anew by each look
        if "journal.db-wal" not in damaged:
            assert quarantined.pop("journal.db-wal", b"") == b""
        assert quarantined
        assert all(damaged[name] == data for name, data in quarantined.items())
    return kept, alarms, meta


def root_page(directory, name):
    with sqlite3.connect(
        f"file:{directory}/journal.db?mode=ro&immutable=1", uri=True
    ) as db:
        sql = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        (page,) = db.execute(sql, (name,)).fetchone()
    db.close()
    return page - 1


def test_a_whole_journal_is_opened_and_nothing_is_said(journal):
    directory, before = journal

    kept, alarms, meta = reopened(directory, before)

    assert kept == before
    assert (alarms, meta.lost) == ([], ())
    assert not (directory / "quarantine").exists()


def test_pages_whose_heads_are_broken_give_all_their_rows(closed):
    directory, before = closed
    for page in range(20, 40):
        overwrite(directory / "journal.db", page * PAGE, b"\xa5" * 64)

    kept, alarms, _ = reopened(directory, before)

    assert len(alarms) == 1
    assert "salvaged" in alarms[0].text
    # A cell may lie within the broken 64 bytes only where a page is full to its head.
    assert len(kept) >= len(before) - 20


def test_the_header_of_the_file_is_not_needed(closed):
    directory, before = closed
    overwrite(directory / "journal.db", 0, bytes(100))

    kept, alarms, meta = reopened(directory, before)

    assert kept == before
    assert len(alarms) == 1
    assert meta.site == "sim-test"


def test_a_header_that_the_wal_holds_anew_is_no_damage(killed):
    directory, before = killed
    overwrite(directory / "journal.db", 0, bytes(100))

    kept, alarms, _ = reopened(directory, before)

    assert kept == before
    assert alarms == []


def test_zeroed_pages_cost_what_stood_in_them_and_no_more(closed):
    directory, before = closed
    for page in range(30, 36):
        overwrite(directory / "journal.db", page * PAGE, bytes(PAGE))

    kept, alarms, _ = reopened(directory, before)

    assert len(alarms) == 1
    assert len(before) - 6 * 20 < len(kept)  # a page holds about 14 such rows


@pytest.mark.parametrize("rest", [0, 1000])
def test_a_file_cut_short_gives_what_is_left(journal, rest):
    directory, before = journal
    path = directory / "journal.db"
    pages = path.stat().st_size // PAGE
    os.truncate(path, pages // 2 * PAGE + rest)

    kept, alarms, _ = reopened(directory, before)

    assert len(alarms) == 1
    assert len(kept) > len(before) // 5


@pytest.mark.parametrize("name", ["entries_key", "entries_stamp", "sessions", "latest"])
def test_broken_indexes_and_projections_are_made_anew(closed, name):
    directory, before = closed
    overwrite(
        directory / "journal.db", root_page(directory, name) * PAGE, b"\xee" * 200
    )

    kept, alarms, _ = reopened(directory, before)

    assert kept == before
    assert len(alarms) == 1
    with Reader(str(directory)) as reader:
        rows = reader.sessions(limit=10_000)
    assert len(rows) == len({it.subject for it in before.values() if it.subject})


def test_a_journal_that_forgot_what_it_is_is_described_anew(closed):
    directory, before = closed
    page = root_page(directory, "meta")
    overwrite(directory / "journal.db", page * PAGE, bytes(PAGE))
    wanted = {seq: it for seq, it in before.items() if seq < COUNT}

    with writer(directory):
        pass

    with Reader(str(directory)) as reader:
        meta = reader.meta()
        text = reader.alarms()[0].text
    assert (meta.site, meta.simulated) == ("sim-test", True)
    assert "installation" in text
    assert wanted.items() <= {it.seq: it for it in entries(directory)}.items()


def test_one_flipped_bit_in_a_body_costs_that_entry(closed):
    directory, before = closed
    path = directory / "journal.db"
    lost = next(seq for seq, it in before.items() if it.kind == "reading" and seq > 400)
    at = path.read_bytes().index(before[lost].body) + 20
    overwrite(path, at, bytes((path.read_bytes()[at] ^ 1,)))

    kept, alarms, meta = reopened(directory, before)

    assert set(before) - set(kept) == {lost}
    assert meta.lost == ((lost, lost),)
    assert f"entry {lost} is not what was written" in alarms[0].text


def flips(before, directory, chance):
    for name in ("journal.db", "journal.db-wal"):
        path = directory / name
        if not path.exists() or not path.stat().st_size:
            continue
        content = bytearray(path.read_bytes())
        for _ in range(chance.choice((1, 4, 16, 64))):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
    kept, _, _ = reopened(directory, before)
    # 128 flips in about 900 pages: even if each cost a page of 20 rows, most is left.
    assert len(kept) > len(before) // 4


@pytest.mark.parametrize("copy", range(8))
def test_random_flips_never_stop_the_recorder(journal, copy):
    seed = random.randrange(2**32)
    print("copy", copy, "seed", seed)
    flips(journal[1], journal[0], random.Random(seed))


@pytest.mark.torture
def test_a_thousand_copies_with_random_flips(crashed, tmp_path):
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(1000):
        directory = shutil.copytree(crashed[0], tmp_path / "data")
        flips(crashed[1], directory, chance)
        shutil.rmtree(directory)


# --- The -wal ---------------------------------------------------------------------


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9])
def test_a_cut_wal_is_noticed_and_what_it_lost_is_named(killed, part):
    directory, before = killed
    wal = directory / "journal.db-wal"
    os.truncate(wal, int(wal.stat().st_size * part))

    kept, alarms, meta = reopened(directory, before)

    assert len(alarms) == 1
    assert "had been acknowledged" in alarms[0].text
    assert meta.lost[-1][1] == max(before)
    assert len(kept) < len(before)


def test_a_wal_that_was_removed_is_noticed(killed):
    directory, before = killed
    (directory / "journal.db-wal").unlink()

    _, alarms, _ = reopened(directory, before)

    assert "had been acknowledged" in alarms[0].text


def test_a_flip_in_the_wal_costs_no_entry_behind_it(killed):
    directory, before = killed
    wal = directory / "journal.db-wal"
    at = wal.stat().st_size // 2
    overwrite(wal, at, bytes((wal.read_bytes()[at] ^ 0x10,)))

    kept, alarms, _ = reopened(directory, before)

    # SQLite alone stops there; a page that was flipped stands in later frames again.
    assert len(alarms) == 1
    assert len(kept) >= len(before) - 20


def test_a_torn_tail_that_nobody_was_promised_is_no_damage(killed):
    directory, before = killed
    wal = directory / "journal.db-wal"
    frame = wal.read_bytes()[-(PAGE + 24) :]
    with wal.open("ab") as tail:
        tail.write(frame[:-700])

    kept, alarms, _ = reopened(directory, before)

    assert kept == before
    assert alarms == []


# --- Files that are gone, or others -----------------------------------------------


def test_a_removed_journal_is_made_from_its_wal(killed):
    directory, before = killed
    (directory / "journal.db").unlink()

    kept, alarms, _ = reopened(directory, before)

    assert "journal.db is missing" in alarms[0].text
    assert max(kept) == max(before)


def test_an_older_copy_put_in_its_place_is_noticed(closed, tmp_path):
    directory, before = closed
    older = tmp_path / "older"
    with writer(older) as journal:
        fill(journal, clinic(0, 300))
    shutil.copy(older / "journal.db", directory / "journal.db")

    _, alarms, meta = reopened(directory, before)

    assert "had been acknowledged" in alarms[0].text
    assert meta.lost[-1][1] == max(before)


@pytest.mark.parametrize("content", [b"", b"not a journal\n" * 1000, os.urandom(9000)])
def test_what_was_never_a_journal_is_refused_and_left(tmp_path, content):
    (tmp_path / "journal.db").write_bytes(content)
    tmp_path.chmod(0o700)

    with pytest.raises(JournalRefused, match="readable as a journal"):
        writer(tmp_path).open()

    assert (tmp_path / "journal.db").read_bytes() == content
    assert not (tmp_path / "quarantine").exists()


def test_an_emptied_journal_is_noticed_and_recording_goes_on(closed):
    directory, before = closed
    (directory / "journal.db").write_bytes(b"")

    kept, alarms, meta = reopened(directory, before)

    assert kept == {}
    assert meta.lost == ((1, max(before)),)
    assert len(alarms) == 1


def test_a_database_of_another_program_is_refused_and_left(tmp_path):
    tmp_path.chmod(0o700)
    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs(it)")
    db.close()
    content = path.read_bytes()

    with pytest.raises(JournalRefused, match="another program"):
        writer(tmp_path).open()

    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE meta SET body=?, crc=?", "newer devicelog"),
        (None, "never released"),
    ],
)
def test_a_journal_of_another_version_is_refused_and_left(
    whole, tmp_path, statement, told
):
    directory = shutil.copytree(whole[0], tmp_path / "data")
    path = directory / "journal.db"
    if statement:
        renumber(path, 99)
    else:
        path.unlink()
        with sqlite3.connect(path) as db:
            db.executescript("CREATE TABLE entries(seq); PRAGMA user_version=1")
        db.close()
    content = path.read_bytes()

    with pytest.raises(JournalRefused, match=told):
        writer(directory).open()
    if statement:
        with pytest.raises(JournalRefused, match=told), Reader(str(directory)):
            pass

    assert path.read_bytes() == content


def renumber(path, version):
    """What a later devicelog would write."""
    with sqlite3.connect(path) as db:
        body, crc = db.execute("SELECT body, crc FROM meta").fetchone()
        told = json.loads(body) | {"version": version}
        body = json.dumps(told).encode()
        crc = zlib.crc32(body)
        db.execute("UPDATE meta SET body=?, crc=?", (body, crc))
        db.execute(f"PRAGMA user_version={version}")
    db.close()


@pytest.mark.parametrize(
    ("site", "told"),
    [("clinic", "simulated journal"), ("sim-other", "journal of site sim-test")],
)
def test_a_journal_of_another_kind_or_site_is_refused(journal, site, told):
    directory, _ = journal
    before = files(directory)

    with pytest.raises(JournalRefused, match=told):
        writer(directory, site=site).open()

    after = files(directory)
    assert after["journal.db"] == before["journal.db"]


# --- A salvage that is cut short --------------------------------------------------

# Made, moved away (-wal, -shm, journal), put in its place; then none.
RENAMES = 5
OPENING = """
import sys
sys.path.insert(0, "tests")
from journals import writer
with writer(sys.argv[1]):
    pass
"""


def cut(directory):
    wal = directory / "journal.db-wal"
    os.truncate(wal, wal.stat().st_size // 2)


@pytest.mark.parametrize("step", range(1, RENAMES + 2))
def test_a_salvage_killed_at_any_step_is_finished_by_the_next(killed, tmp_path, step):
    requires.tool("strace")
    directory, before = killed
    cut(directory)
    undisturbed = shutil.copytree(directory, tmp_path / "undisturbed")
    inject = f"inject=rename,renameat,renameat2:signal=KILL:when={step}"
    command = ["strace", "-f", "-e", "trace=rename,renameat,renameat2", "-e", inject]
    child = subprocess.run(
        [*command, sys.executable, "-c", OPENING, str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )

    after = reopened(directory, before, told=False)[0]

    assert (child.returncode != 0) == (step <= RENAMES), child.stderr
    assert after == reopened(undisturbed, before)[0]


def test_without_room_for_a_salvage_nothing_is_touched(crashed, tmp_path):
    requires.root()
    size = sum(len(it) for it in files(crashed[0]).values())
    disk = tmp_path / "disk"
    disk.mkdir()
    option = f"size={size + 200_000}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", option, "tmpfs", disk], check=True)
    try:
        directory = shutil.copytree(crashed[0], disk / "data")
        cut(directory)
        content = (directory / "journal.db").read_bytes()

        with pytest.raises(JournalError, match="free space"):
            writer(directory).open()

        assert (directory / "journal.db").read_bytes() == content
    finally:
        subprocess.run(["umount", disk], check=True)
