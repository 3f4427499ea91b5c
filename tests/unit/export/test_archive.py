"""An archive holds everything, explains itself, and shows each changed byte."""

import csv
import hashlib
import io
import json
import random
import zipfile

import pytest
from requires import paper
from unit.export.clinic import source
from unit.export.reading import (
    columns,
    from_csv,
    from_ndjson,
    from_objects,
    wanted,
)

from devicelog.export import writers
from devicelog.export.archive import MANIFEST
from devicelog.export.history import Wanted
from devicelog.export.rows import TABLES
from devicelog.export.tables import Options
from devicelog.export.verify import verify
from devicelog.export.writers import FORMS, Missing
from devicelog.journal.schema import VERSION

KEY = b"k" * 32
SEED = 20261124


@pytest.fixture
def told(small):
    """One patient's, with everything in it."""
    code = small.add("Erika Mustermann", birth_date="1958-03-09")
    for n in range(3):
        name = small.treat(f"us-1.us.2026112{n}T101502Z")
        small.assign(name, code, confirm=True, note="=1+1")
        small.receive(name)
    small.ask("add_treatment", pseudonym=code, treatment="massage", minutes=20)
    with small.reader() as reader:
        yield source(reader, Wanted(pseudonym=code), ring=small.ring)


@pytest.fixture
def path(told, tmp_path):
    path = tmp_path / "history.zip"
    with path.open("wb") as out:
        FORMS["zip"].write(out, told, Options(key=KEY))
    return path


@pytest.fixture
def zipped(path):
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_every_form_is_in_it_and_holds_every_row(told, zipped):
    paper()
    names = set(zipped.namelist())
    for form in FORMS.values():
        if form.archived:
            parts = TABLES if form.tables else ("history",)
            assert {f"{it}.{form.suffix}" for it in parts} <= names
    for name in TABLES:
        rows = wanted(told, name)
        assert rows, name
        assert from_csv(zipped.read(f"{name}.csv"), name) == rows
        assert from_ndjson(zipped.read(f"{name}.ndjson"), name) == rows
    document = json.loads(zipped.read("history.json"))
    assert from_objects(document["manual"], "manual") == wanted(told, "manual")


def test_the_audit_extract_is_of_this_patient(told, zipped):
    found = from_csv(zipped.read("audit.csv"), "audit")
    whose = {
        told.history.wanted.pseudonym,
        *(it.session_id for it in told.treatments()),
    }
    assert {it["subject"] for it in found} == whose
    assert {it["kind"] for it in found} >= {"audit", "binding", "manual_treatment"}


def test_the_code_book_is_made_of_the_catalogue(zipped):
    lines = csv.DictReader(io.StringIO(zipped.read("codebook.csv").decode()))
    found = {(it["table"], it["name"]): it for it in lines}
    assert len(found) == sum(len(it.columns) for it in TABLES.values())
    for name in TABLES:
        for column in columns(name).values():
            row = found[name, column.name]
            assert (row["unit"], row["type"]) == (column.unit, column.type)
            assert row["meaning"] == column.meaning


def test_the_manifest_tells_sums_counts_versions_and_the_head(told, zipped):
    manifest = json.loads(zipped.read(MANIFEST))
    sums = {it["name"]: (it["bytes"], it["sha256"]) for it in manifest["files"]}
    assert {*sums} | {MANIFEST, "manifest.hmac"} == {*zipped.namelist()}
    for name, told_sum in sums.items():
        data = zipped.read(name)
        assert told_sum == (len(data), hashlib.sha256(data).hexdigest())
    assert manifest["rows"] == {name: len(wanted(told, name)) for name in TABLES}
    assert manifest["history"]["software"] == told.history.software
    assert manifest["history"]["schema"] == 1
    assert manifest["history"]["journal"] == VERSION


def test_the_readme_says_whose_it_is_and_that_it_is_made_up(zipped, told):
    text = zipped.read("README.txt").decode()
    assert text.startswith("SIMULATED")
    assert str(told.history.wanted.pseudonym) in text
    assert "export verify" in text


def test_it_is_as_it_was_written(path):
    found = verify(path, KEY)
    assert found.changed == ()
    assert found.origin == "this clinic's"
    assert found.rows["readings"] == 15
    assert verify(path).origin == "not known"
    assert verify(path, b"x" * 32).origin == "not this clinic's"


def test_the_same_history_gives_the_same_bytes(told, path):
    again = io.BytesIO()
    FORMS["zip"].write(again, told, Options(key=KEY))
    assert again.getvalue() == path.read_bytes()


def test_each_of_100_changed_bytes_is_found(path):
    print(f"seed {SEED}")
    dice, data = random.Random(SEED), path.read_bytes()
    named = 0
    for _ in range(100):
        at, bit = dice.randrange(len(data)), dice.randrange(1, 256)
        changed(path, data, at, bit)
        found = verify(path, KEY)
        assert found.changed, (at, bit)
        part = part_at(data, at)
        if part is not None:
            assert any(it.startswith(part) for it in found.changed), (at, bit, found)
            named += 1
    assert named > 50


@pytest.mark.no_cover  # traced, it would take thrice as long
@pytest.mark.parametrize("where", ["directory", "end", "comment", "names"])
def test_each_byte_of_the_archives_own_frame_counts(path, where):
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        begin = archive.start_dir
        heads = [it.header_offset for it in archive.infolist()]
    places = {
        "directory": range(begin, begin + 60),
        "end": range(data.rindex(b"PK\x05\x06"), data.rindex(b"PK\x05\x06") + 22),
        "comment": range(len(data) - 64 - 17, len(data)),
        "names": [at + n for at in heads for n in range(30, 36)],
    }
    for at in places[where]:
        changed(path, data, at, 0x01)
        assert verify(path, KEY).changed, at


def test_a_cut_archive_and_what_is_none_are_told(path, tmp_path):
    data = path.read_bytes()
    for size in (0, 10, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:size])
        assert verify(path, KEY).changed, size
    path.write_bytes(data + b"x")
    assert verify(path, KEY).changed
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("sessions.csv", "x")
    assert verify(other).changed == (MANIFEST,)


def test_a_file_that_is_put_in_or_taken_out_is_named(path):
    with zipfile.ZipFile(path) as archive:
        parts = {it: archive.read(it) for it in archive.namelist()}
    rest = {name: it for name, it in parts.items() if name != "events.csv"}
    with zipfile.ZipFile(path, "w") as archive:
        for name, it in (rest | {"more.csv": b"x"}).items():
            archive.writestr(name, it)
    assert verify(path, KEY).changed == (
        "more.csv, which is not of it",
        "events.csv, which is missing",
    )


def test_who_makes_it_anew_with_other_numbers_lacks_the_key(told, path):
    """All sums fit, and yet it is not what the clinic exported."""
    with path.open("wb") as out:
        FORMS["zip"].write(out, told, Options(key=b"forged" * 6))
    found = verify(path, KEY)
    assert (found.changed, found.origin) == ((), "not this clinic's")


def test_a_form_whose_library_is_missing_is_left_out_and_told(told, monkeypatch):
    def ready(form):
        if form.suffix == "parquet":
            raise Missing("Parquet needs pyarrow")

    monkeypatch.setattr(writers.Form, "ready", ready)
    out = io.BytesIO()
    FORMS["zip"].write(out, told, Options())
    with zipfile.ZipFile(out) as archive:
        manifest = json.loads(archive.read(MANIFEST))
        assert manifest["left_out"] == {"parquet": "Parquet needs pyarrow"}
        assert "No parquet is in it" in archive.read("README.txt").decode()
        assert not [it for it in archive.namelist() if it.endswith("parquet")]


def changed(path, data, at, bits):
    other = bytearray(data)
    other[at] ^= bits
    path.write_bytes(other)


def part_at(data, at):
    """In whose packed bytes this place lies; None: in the archive's frame."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for it in archive.infolist():
            begin = it.header_offset + 30 + len(it.filename) + 20
            if begin <= at < begin + it.compress_size:
                return it.filename
    return None
