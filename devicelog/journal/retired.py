"""Which numbers have no entry any more: what left by a retirement, as a projection.

It is the one door to deleting an entry: the table's trigger lets go what is in here.
"""

import sqlite3
from typing import Final

from devicelog.model.flow import Entry
from devicelog.model.retirement import RetirementBody

TABLES: Final = """
CREATE TABLE retired(
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, seq INTEGER NOT NULL
);
"""
NAMES: Final = ("retired",)


def tell(db: sqlite3.Connection, entry: Entry, body: RetirementBody) -> None:
    """Take in one retirement."""
    db.executemany(
        "INSERT INTO retired VALUES (?, ?, ?)",
        ((first, last, entry.seq) for first, last in body.ranges),
    )
