"""Pages read without SQLite say what SQLite wrote, and no bytes stop the reading."""

import random
import sqlite3

from hypothesis import example, given
from hypothesis import strategies as st

from devicelog.journal import pages

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=40),
    st.binary(max_size=40),
    # Long enough for three pages; few bytes to draw, else most time goes into drawing.
    st.builds(
        lambda piece, size: (piece * size)[:size],
        st.binary(min_size=1, max_size=7),
        st.integers(0, 9000),
    ),
)


def read(path):
    content = path.read_bytes()

    def page(number):
        return content[(number - 1) * pages.PAGE : number * pages.PAGE]

    def follow(number, wanted):
        return pages.overflow(page, number, wanted)

    for number in range(2, len(content) // pages.PAGE + 1):
        yield from pages.leaf_rows(page(number), follow)


@example([[None, b"\0" * 4053, b"\3\1\3"]])  # its overflow looks like row 1 again
@given(st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=30))
def test_every_row_that_sqlite_wrote_is_read(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("pages") / "a.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA page_size=4096")
    db.execute("PRAGMA synchronous=OFF")
    db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, c)")
    with db:
        db.executemany("INSERT INTO t(a, b, c) VALUES (?, ?, ?)", rows)
    db.close()

    found = [*read(path)]

    def plain(value):
        return value.encode() if isinstance(value, str) else value

    # A page of overflow may hold what looks like a row: that is for seals to judge.
    for n, row in enumerate(rows, 1):
        assert (n, [None, *(plain(value) for value in row)]) in found


@given(st.integers(0, 2**32), st.binary(max_size=300), st.binary(max_size=50))
def test_any_bytes_are_read_without_an_error(seed, begin, rest):
    page = (begin + random.Random(seed).randbytes(pages.PAGE))[: pages.PAGE]
    for head in (
        b"",
        b"\x0d\x00\x00\x00\x05",
        b"SQLite format 3\0",
        b"\x0d\0\0\xff\xff",
    ):
        changed = (head + page)[: pages.PAGE]
        for row, columns in pages.leaf_rows(changed, lambda _, __: rest):
            assert row > 0
            assert columns
    assert isinstance([*pages.wal_frames(page + rest)], list)
    assert len(pages.overflow(lambda _: page, 7, 9000)) <= 9000
