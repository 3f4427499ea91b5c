"""Readings leave by an entry that tells of them, whole or not at all."""

import msgspec
import pytest
from journals import clinic, entries, fill, leaving, writer

from devicelog.errors import JournalError
from devicelog.journal import check, maintenance
from devicelog.journal.reader import Reader


def ranges(directory, below):
    return tuple(
        (it.seq, it.seq)
        for it in entries(directory)
        if it.kind == "reading" and it.seq < below
    )


@pytest.fixture
def directory(tmp_path):
    with writer(tmp_path / "data") as journal:
        fill(journal, clinic(0, 120))
    return tmp_path / "data"


def test_what_left_is_not_missing_and_a_rebuild_counts_it(directory):
    spans = ranges(directory, 60)
    with Reader(str(directory)) as reader:
        before = reader.sessions()
    with writer(directory) as journal:
        journal.append([leaving(directory, spans)], 10)

    report = check.examine(directory / "journal.db")
    assert (report.damage, report.stale) == ((), ())
    assert not ranges(directory, 60)
    maintenance.rebuild(str(directory))
    report = check.examine(directory / "journal.db")
    assert (report.damage, report.stale) == ((), ())
    with Reader(str(directory)) as reader:
        after = reader.sessions()
    assert sum(it.retired for it in after) == len(spans)
    assert [msgspec.structs.replace(it, retired=0) for it in after] == before


@pytest.mark.parametrize("wrong", [{"count": 1}, {"sha256": "0"}, {"tallies": {}}])
def test_what_is_not_as_it_is_told_stays(directory, wrong):
    before = entries(directory)
    draft = leaving(directory, ranges(directory, 60), **wrong)
    with (
        writer(directory) as journal,
        pytest.raises(JournalError, match="not what stands"),
    ):
        journal.append([draft], 10)
    after = [it for it in entries(directory) if it.kind != "alarm"]
    assert after == before


def test_nothing_but_readings_leaves(directory):
    (end, *_) = (it.seq for it in entries(directory) if it.kind == "session")
    with pytest.raises(JournalError, match="is no reading"):
        leaving(directory, ((end, end),))


def test_a_salvage_brings_nothing_back_and_calls_nothing_lost(directory):
    spans = ranges(directory, 60)
    with writer(directory) as journal:
        journal.append([leaving(directory, spans)], 10)
    content = bytearray((directory / "journal.db").read_bytes())
    (body,) = [it.body for it in entries(directory) if it.seq == 100]
    content[content.index(body) + 30] ^= 4
    (directory / "journal.db").write_bytes(content)

    maintenance.salvage(str(directory))

    report = check.examine(directory / "journal.db")
    assert (report.damage, report.stale, report.lost) == ((), (), ((100, 100),))
    assert not ranges(directory, 60)
