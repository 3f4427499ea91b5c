"""A made-up day that is kept: made once, used again, made anew when it is old."""

import fcntl
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.simulation import plan
from devicelog.simulation.kept import Ended, cache, kept

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)  # a Tuesday


def age(directory, by):
    """As if it had not been used for so long."""
    journal = directory / "journal.db"
    then = NOW.timestamp() - by.total_seconds()
    os.utime(journal, (then, then))


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """A clinic of one room and two patients a day."""
    room = msgspec.structs.replace(plan.CLINIC[0], patients=1)
    monkeypatch.setattr(plan, "CLINIC", (room,))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("cache") / "devicelog"


def test_a_day_is_made_once_and_then_there(place):
    told = []
    made = kept(place, 1, seed=5, now=NOW, progress=lambda n: told.append(n) or True)
    age(made, timedelta(days=1))
    again = kept(place, 1, seed=5, now=NOW, progress=lambda n: told.append(n) or True)
    with Reader(made) as reader:
        last = max(row.ended_ns for row in reader.sessions())

    assert made == again
    assert told == [1]
    assert [*place.iterdir()] == [made]
    # It was yesterday.
    assert datetime.fromtimestamp(last / 1e9, UTC).date().isoformat() == "2026-11-23"


@pytest.mark.no_cover  # traced, it would take thrice as long
def test_what_is_old_goes_and_is_made_anew(place):
    (made,) = place.iterdir()
    age(made, timedelta(days=8))
    (place / "demo-0-of-an-older-program").mkdir()
    told = []
    again = kept(place, 1, seed=5, now=NOW, progress=lambda n: told.append(n) or True)

    assert again == made
    assert [*place.iterdir()] == [made]
    assert told == [1]


@pytest.mark.no_cover  # traced, it would take thrice as long
def test_who_ends_it_before_it_is_whole_keeps_nothing(tmp_path):
    with pytest.raises(Ended):
        kept(tmp_path, 1, seed=1, now=NOW, progress=lambda _: False)

    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_kept_that_is_told(tmp_path):
    place = tmp_path / "a-file"
    place.write_text("")
    with pytest.raises(DevicelogError, match="cannot be kept in") as caught:
        kept(place, 1, seed=1, now=NOW)

    assert "--days 0" in caught.value.hint


def test_the_cache_is_where_programs_keep_theirs(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache() == Path("/somewhere/devicelog")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache() == Path.home() / ".cache" / "devicelog"


def test_what_a_killed_maker_left_goes_and_what_is_being_made_stays(tmp_path):
    left, living = tmp_path / "begun-left", tmp_path / "begun-living"
    for it in (left, living):
        it.mkdir()
        (it / "journal.db").write_bytes(b"half")
    maker = os.open(living, os.O_RDONLY)
    fcntl.flock(maker, fcntl.LOCK_EX)
    made = kept(tmp_path, 1, seed=1, now=NOW)
    os.close(maker)

    assert sorted(tmp_path.iterdir()) == [living, made]
