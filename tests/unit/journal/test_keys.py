"""Of a row that was deleted no byte is left in any page, wherever rows were moved."""

import random
import sqlite3

import pytest

from devicelog.journal import keys
from devicelog.model.flow import Change


def filled(chance):
    """A journal's tables of secrets, and its rows."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute("PRAGMA secure_delete=ON")
    db.executescript(keys.TABLES)
    rows = {
        f"{chance.getrandbits(32):08X}": chance.randbytes(chance.randint(60, 140))
        for _ in range(300)
    }
    db.execute("BEGIN")
    keys.apply(db, [Change("identities", *row) for row in rows.items()])
    db.execute("COMMIT")
    return db, rows


def left(db, values):
    image = db.serialize()
    return [it for it in values if it[:12] in image or it[20:40] in image]


# When SQLite splits a page in two it may leave, between what stays, copies of what it
# moved to the other: `secure_delete` knows nothing of them. So it was by these seeds.
@pytest.mark.parametrize("seed", [5, 10, 88, 113, 122, 144, 161, 166])
def test_no_byte_of_a_deleted_row_is_left(seed):
    chance = random.Random(seed)
    db, rows = filled(chance)
    gone = chance.sample([*rows], 30)
    assert len(left(db, rows.values())) == 300  # the search can find
    for subject in gone:
        keys.apply(db, [Change("identities", subject, None)])
    assert left(db, [rows[it] for it in gone]) == []
    kept = {it: keys.get(db, "identities", it) for it in rows if it not in gone}
    assert kept == {it: rows[it] for it in rows if it not in gone}
    db.close()
