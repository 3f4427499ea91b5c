"""Who is forgotten is forgotten in the journals that lie aside, too."""

import gzip
import os
import random
import shutil
import sqlite3
import subprocess
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from unit.records.test_identity_backup import Place

from devicelog.__main__ import main
from devicelog.errors import DevicelogError, Unconfirmed
from devicelog.journal import aside
from devicelog.model.audit import TombstoneBody
from devicelog.operations import backups, forgetting

PAGE = 4096
# The longest that are taken: sealed, they do not fit into one page.
NAME, NUMBER = "\U0001d510" * 200, "\U0001d511" * 200
SEED = 20261124


@pytest.fixture
def site(tmp_path):
    return Place(tmp_path)


def secrets(clinic, *subjects):
    """Key and, of patients, identity, as they stand in the journal's rows."""
    with clinic.reader() as reader:
        rows = [
            reader.secret(table, it)
            for it in subjects
            for table in ("keys", "identities")
        ]
    return [it for it in rows if it is not None]


def left(folder, sealed):
    """Which pieces of 16 bytes of these stand in which file of the folder."""
    pieces = [it[n : n + 16] for it in sealed for n in range(len(it) - 15)]
    images = {it: it.read_bytes() for it in folder.rglob("*") if it.is_file()}
    return {it for it, image in images.items() if any(p in image for p in pieces)}


def forget(site, code, **more):
    more = {"reason": "asked", "confirm": True} | more
    written = forgetting.forget(site.config, "forget", pseudonym=code, **more)
    return msgspec.json.decode(written.entries[0].body, type=TombstoneBody).aside


def treated(clinic, code):
    """A session of the patient, with a note under a key of its own."""
    clinic.begin("us-1")
    clinic.start("us-1.us.1")
    clinic.assign("us-1.us.1", code)
    clinic.ask("annotate", session_id="us-1.us.1", note="her sister drove")
    return "us-1.us.1"


def test_no_byte_is_left_in_what_a_salvage_and_a_kill_left(site):
    """The log beside the damaged file, split pages and long rows included."""
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    clinic, quarantine = site.clinic, site.path / "data" / "quarantine"
    with site.open():
        names = [{"name": f"Patient {n}"} for n in range(150)]
        codes = [it.subject for it in clinic.ask("add_patients", who=names).entries]
        gone = clinic.add(NAME, record_number=NUMBER)
        session = treated(clinic, gone)
        for n in range(150):
            clinic.add(f"Later {n}")
        killed = site.path / "killed"
        killed.mkdir()
        for it in ("journal.db", "journal.db-wal"):
            shutil.copy(clinic.directory / it, killed)
    sealed = secrets(clinic, gone, session)
    others = secrets(clinic, *codes)
    assert len(sealed) == 3
    assert max(map(len, sealed)) > 1002
    damage(clinic.directory / "journal.db", chance)
    with site.open():
        assert site.names() >= {NAME, "Patient 3"}
    killed.rename(quarantine / "killed")
    damaged = left(quarantine, sealed)
    assert len(damaged) >= 2  # the search can find, in each of both
    stood = [it for it in others if left(quarantine, [it])]
    assert len(stood) == len(others)

    told = forget(site, gone)
    assert left(site.path / "data", sealed) == set()
    assert told.files == len(damaged)
    assert told.places >= 2 * len(damaged)
    assert told.doubtful == ()
    assert [it for it in others if left(quarantine, [it])] == stood


def damage(journal, chance):
    """Zeros over the head of the first page that holds entries."""
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as db:
        (root,) = db.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'entries'"
        ).fetchone()
    db.close()
    content = bytearray(journal.read_bytes())
    at = (root - 1) * PAGE
    content[at : at + 8] = chance.randbytes(8)
    journal.write_bytes(content)


def test_who_may_not_be_forgotten_keeps_what_lies_aside(site):
    clinic = site.clinic
    with site.open():
        code = clinic.add("Erika")
        clinic.ask("hold", pseudonym=code, reason="dispute")
    copied(site, "old.db")
    with pytest.raises(Unconfirmed):
        forget(site, other(site), confirm=False)
    with pytest.raises(DevicelogError, match="is held: dispute"):
        forget(site, code)
    assert left(site.path / "data" / "quarantine", secrets(clinic, code))


def other(site):
    with site.open():
        return site.clinic.add("Bernd")


def copied(site, *names):
    """The journal as it stands, put aside."""
    folder = site.path / "data" / "quarantine" / "20261123T101502.000000Z"
    folder.mkdir(parents=True)
    for name in names:
        shutil.copy(site.clinic.directory / "journal.db", folder / name)
    return folder


def test_what_cannot_be_searched_or_written_is_named(site):
    with site.open():
        code = site.clinic.add("Erika")
    sealed = secrets(site.clinic, code)
    folder = copied(site, "journal.db")
    packed, busy = folder / "journal.db.gz", folder / "busy"
    packed.write_bytes(gzip.compress((folder / "journal.db").read_bytes()))
    shutil.copy(shutil.which("sleep"), busy)
    with busy.open("ab") as file:
        file.write(b"".join(sealed))
    linked, pipe = folder / "linked", folder / "pipe"
    shutil.copy(folder / "journal.db", site.path / "elsewhere.db")
    linked.symlink_to(site.path / "elsewhere.db")
    os.mkfifo(pipe)
    # A program that runs cannot be written, not even by root.
    with subprocess.Popen([busy, "60"]) as running:
        try:
            told = forget(site, code)
        finally:
            running.kill()
    assert {*told.doubtful} == {*map(str, (packed, busy, linked, pipe))}
    assert (told.files, told.places) == (1, 2)
    assert left(folder, sealed) == {busy, linked}


def test_a_patient_whose_key_was_lost_leaves_the_folder_doubtful(site):
    with site.open():
        code = site.clinic.add("Erika")
    folder = copied(site, "journal.db")
    with sqlite3.connect(site.clinic.directory / "journal.db") as db:
        db.execute("DELETE FROM keys")
    db.close()
    assert forget(site, code).doubtful == (str(folder.parent),)


def test_asked_again_the_same_request_tells_what_it_told(site):
    with site.open():
        code = site.clinic.add("Erika")
    copied(site, "journal.db", "second.db")
    first = forget(site, code, request_id="request-f")
    assert (first.files, first.places) == (2, 4)
    assert forget(site, code, request_id="request-f") == first


def test_the_command_tells_what_it_blanked_and_what_it_could_not(site):
    with site.open():
        code = site.clinic.add("Erika")
    folder = copied(site, "journal.db")
    (folder / "old.zip").write_bytes(b"PK\x03\x04")
    file = site.path / "clinic.toml"
    file.write_text(
        f'[site]\nname = "{site.config.site.name}"\nsimulated = true\n'
        f'timezone = "Europe/Berlin"\n[journal]\ndirectory = "{site.path / "data"}"\n'
        "ballast_mb = 0\n"
    )
    words = ["patients", "forget", code, "--reason", "asked", "--config", str(file)]
    asked = CliRunner().invoke(main, words)
    assert "--yes" in asked.stderr
    assert left(folder, secrets(site.clinic, code))
    done = CliRunner().invoke(main, [*words, "--yes"])
    assert done.exit_code == 0, done.stderr
    assert "lie aside, too: 2 places in 1 file\n" in done.stderr
    assert f"{folder / 'old.zip'} could not be searched" in done.stderr


def test_a_restore_blanks_what_lies_aside_of_whom_it_forgets_again(site):
    with site.open():
        code = site.clinic.add("Erika")
        made = site.back_up()
    sealed = secrets(site.clinic, code)
    forget(site, code)
    folder = copied(site)
    shutil.copy(made.path, folder / "journal.db")
    assert backups.restore(site.config, Path(made.path)).again == (code,)
    assert left(site.path / "data", sealed) == set()


def test_what_stands_across_two_chunks_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(aside, "_CHUNK", 100)
    folder = tmp_path / "backups"
    folder.mkdir()
    wanted, image = bytes(range(1, 21)), bytearray(b"\xff" * 1000)
    for at in (80, 100, 295, 399, 980):
        image[at : at + 20] = wanted
    (folder / "old.db").write_bytes(image)
    told = aside.blank(str(tmp_path), [wanted])
    assert (told.files, told.places) == (1, 5)
    blanked = (folder / "old.db").read_bytes()
    assert (len(blanked), blanked.count(0)) == (1000, 100)
