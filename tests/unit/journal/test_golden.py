"""Journals of every version that was ever written can be migrated and read."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest
from journals import entries, writer

from devicelog.journal import check, schema
from devicelog.journal.migrate import migrate
from devicelog.journal.reader import Reader

GOLDEN = Path(__file__).parents[2] / "golden" / "journal"


@pytest.mark.parametrize("name", sorted(it.stem for it in GOLDEN.glob("*.db")))
def test_a_journal_of_an_earlier_version_opens_and_says_the_same(tmp_path, name):
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    shutil.copy(GOLDEN / f"{name}.db", directory / "journal.db")
    lines = (GOLDEN / f"{name}.ndjson").read_text().splitlines()
    wanted = [tuple(json.loads(line)) for line in lines]

    assert migrate(str(directory)).after == schema.VERSION
    with writer(directory):
        pass

    found = [
        (*msgspec.structs.astuple(it)[:7], it.body.decode())
        for it in entries(directory)
    ]
    assert found == wanted
    report = check.examine(directory / "journal.db")
    assert (report.damage, report.stale) == ((), ())
    with Reader(str(directory)) as reader:
        assert [row.reason for row in reader.sessions()] == [None, "completed"]
        said = {row.session_id: row for row in reader.sessions()}
        assert len(reader.ahead("us-1")) == 1
    bound, training = said["us-1.us.00000000"], said["us-1.us.00000050"]
    assert (bound.pseudonym, bound.clinician) == ("K4M7-T2XT", "kb")
    assert (bound.annotations.site, bound.annotations.pain_before) == ("knee", 6)
    assert (training.purpose, training.pseudonym) == ("training", "")


def test_the_secret_of_a_user_is_taken_along(tmp_path):
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    shutil.copy(GOLDEN / "v3.db", directory / "journal.db")
    migrate(str(directory))
    with Reader(str(directory)) as reader:
        assert reader.secret("user_secrets", "kb") == b"scrypt$hash"
