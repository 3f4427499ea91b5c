"""`db check|rebuild|salvage`: what an operator sees and does."""

import json
import sqlite3

import pytest
from click.testing import CliRunner
from journals import clinic, entries, fill, writer

from devicelog.cli.commands import main
from devicelog.journal.reader import Reader

CONFIG = """
[site]
name = "sim-test"
simulated = true
[journal]
directory = "{}"
"""


@pytest.fixture
def directory(tmp_path):
    with writer(tmp_path / "data") as journal:
        fill(journal, clinic(0, 130))
    (tmp_path / "devicelog.toml").write_text(CONFIG.format(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def say(directory):
    config = directory.parent / "devicelog.toml"

    def run(command, *options: str):
        words = ["db", command, "--config", str(config), *options]
        return CliRunner().invoke(main, words)

    return run


def flip(directory, seq):
    path = directory / "journal.db"
    content = bytearray(path.read_bytes())
    (body,) = [it.body for it in entries(directory) if it.seq == seq]
    content[content.index(body) + 30] ^= 4
    path.write_bytes(content)


def spoil(directory):
    db = sqlite3.connect(directory / "journal.db")
    with db:
        db.execute("UPDATE sessions SET totals = '{}' WHERE ended_ns IS NOT NULL")
    db.close()


def test_a_whole_journal_is_said_to_be_whole(say):
    told = say("check")

    assert told.exit_code == 0
    assert "137 entries, the last is 137" in told.stdout
    assert "nothing is damaged" in told.stderr


def test_check_says_what_is_damaged_and_salvage_mends_it(say, directory):
    flip(directory, 60)

    found = say("check", "--json")
    mended = say("salvage")
    after = say("check")

    assert found.exit_code == 1
    assert json.loads(found.stdout)["damage"] == ["entry 60 is not what was written"]
    assert "devicelog db salvage" in found.stderr
    assert "136 entries salvaged, 1 could not (60)" in mended.stdout
    assert (
        after.exit_code,
        "lost before, as an alarm says: 60 to 60" in after.stdout,
    ) == (
        0,
        True,
    )


def test_salvage_touches_no_whole_journal(say, directory):
    before = (directory / "journal.db").read_bytes()

    told = say("salvage")

    assert "nothing was set aside" in told.stdout
    assert (directory / "journal.db").read_bytes() == before


def test_projections_are_made_anew(say, directory):
    spoil(directory)

    found, mended, after = say("check"), say("rebuild"), say("check")

    assert (found.exit_code, "sessions" in found.stderr) == (1, True)
    assert "devicelog db rebuild" in found.stderr
    assert "from 137 entries" in mended.stdout
    assert after.exit_code == 0
    with Reader(str(directory)) as reader:
        assert reader.session("us-1.us.00000000").totals == {"energy_j": 73.0}


@pytest.mark.parametrize("command", ["rebuild", "salvage"])
def test_while_a_recorder_runs_nothing_is_mended(say, directory, command):
    with writer(directory):
        told = say(command)

    assert told.exit_code == 1
    assert "recorded into by process" in told.stderr


def test_check_looks_while_a_recorder_runs(say, directory):
    with writer(directory) as journal:
        fill(journal, clinic(130, 40))
        told = say("check")

    assert told.exit_code == 0, told.stderr


def test_a_rebuild_refuses_damage_that_it_would_build_upon(say, directory):
    flip(directory, 60)

    told = say("rebuild")

    assert told.exit_code == 1
    assert "devicelog db salvage" in told.stderr


@pytest.mark.parametrize("command", ["check", "rebuild", "salvage"])
def test_where_there_is_no_journal_it_is_said(tmp_path, command):
    config = tmp_path / "devicelog.toml"
    config.write_text(CONFIG.format(tmp_path / "nowhere"))

    told = CliRunner().invoke(main, ["db", command, "--config", str(config)])

    assert told.exit_code == 1
    assert "no " in told.stderr
    assert not (tmp_path / "nowhere").exists()
