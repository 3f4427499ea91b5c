"""A backup put in the place of the journal; what was there is set aside."""

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

import msgspec

from devicelog.journal import file, salvage, schema
from devicelog.journal.directory import Directory


def restore(directory: Directory, backup: Path) -> Path | None:
    """Put it there; where the journal that was there is kept. The lock must be held.

    Numbers that were given after the backup are not given again: the witness of what
    was acknowledged stays, and the journal says that those entries are lost. A kill
    between any two steps leaves the old journal, or the new one at the next opening.
    """
    new = salvage.waiting(directory)
    coming = new.with_name(new.name + ".coming")
    coming.unlink(missing_ok=True)
    with backup.open("rb") as source, coming.open("xb") as target:
        os.fchmod(target.fileno(), 0o600)
        shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(target.fileno())
    _renumber(coming, directory.acknowledged)
    existed = directory.journal.exists()
    coming.rename(new)
    directory.sync()
    kept = salvage.finish(directory)
    return kept if existed else None


def _renumber(path: Path, acknowledged: int) -> None:
    """Entries are numbered from above what was acknowledged here before."""
    with contextlib.closing(sqlite3.connect(file.uri(path, "rw"), uri=True)) as db:
        meta = file.meta(db)
        (last,) = db.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
        given = max(last, meta.floor)
        if acknowledged > given:
            lost = (*meta.lost, (given + 1, acknowledged))
            meta = msgspec.structs.replace(meta, lost=lost, floor=acknowledged)
            db.execute("UPDATE meta SET body=?, crc=?", schema.meta_row(meta))
            db.commit()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
