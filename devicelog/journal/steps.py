"""From each version of the layout to the next, as it was then: never changed again."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Final

Step = Callable[[sqlite3.Connection], None]


def _retirement_and_users(db: sqlite3.Connection) -> None:
    """Entries may leave, by a retirement alone; users of a console have secrets."""
    db.execute("DROP TRIGGER entries_stay")
    db.execute(
        "CREATE TRIGGER entries_stay BEFORE DELETE ON entries"
        " WHEN coalesce((SELECT last FROM retired WHERE first <= OLD.seq"
        " ORDER BY first DESC LIMIT 1), 0) < OLD.seq"
        " BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END"
    )
    db.execute(
        "CREATE TABLE user_secrets("
        "subject TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID"
    )


# Version 2 is the first that was released.
STEPS: Final[Mapping[int, Step]] = {2: _retirement_and_users}
