"""A damaged journal: what can be read becomes a new one, the damaged one is kept.

    salvage(directory, ...)   damaged files -> journal.db, and quarantine/<when>/
    finish(directory)         a salvage that was cut short, to its end

Every page of the file and of its `-wal` is read without SQLite (`pages`); a row that
fits its seal is genuine wherever it stands, for entries are append-only. Nothing is
deleted: the damaged files move whole into the quarantine, in an order that a kill
between any two steps leaves both of them or the new one complete.
"""

import contextlib
import mmap
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from devicelog.errors import JournalError, JournalRefused
from devicelog.journal import (
    delivery,
    file,
    keys,
    pages,
    projections,
    retired,
    schema,
)
from devicelog.journal.directory import Directory, sync_directory
from devicelog.journal.schema import Meta
from devicelog.model.flow import Entry
from devicelog.model.words import counted

_NEW: Final = ".salvaged"
_COLUMNS: Final = 10
_META_COLUMNS: Final = 3
_RANGES: Final = 1000  # of lost entries told one by one; beyond, as one range
_SPARE: Final = 1.2  # the new file may be larger than what it is made from
_INSERT: Final = (
    "INSERT OR IGNORE INTO entries"
    "(seq, at_ns, device, channel, kind, subject, key, body, mac, crc)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Outcome(msgspec.Struct, frozen=True):
    """What came of it: entries saved, ranges of seq lost, where the damaged file is.

    `described`: the journal still said what it is; else it has a new installation id.
    `nameless`: patients whose key or identity could not be read.
    """

    saved: int
    lost: tuple[tuple[int, int], ...]
    kept_in: str
    described: bool
    nameless: int = 0

    @property
    def text(self) -> str:
        """In words."""
        count = sum(last - first + 1 for first, last in self.lost)
        told = ", ".join(
            str(first) if first == last else f"{first} to {last}"
            for first, last in self.lost[:10]
        )
        missing = f"{count} could not ({told})" if count else "none is missing"
        return (
            f"{counted(self.saved, 'entry')} salvaged, {missing};"
            f" the damaged journal is kept in {self.kept_in}"
            + ("" if self.described else "; it has a new installation id now")
            + (f"; who {self.nameless} patients are is lost" if self.nameless else "")
        )


def salvage(directory: Directory, meta: Meta | None, otherwise: Meta) -> Outcome:
    """Make a new journal from what the damaged one holds. The lock must be held.

    `meta`: what the damaged one still says of itself; else it is looked for in its
    pages, and else `otherwise` stands. Raises JournalRefused where nothing at all is
    found and nothing was ever acknowledged: then it may be no journal of ours. Raises
    JournalError where the disk has no room; nothing is touched then either.
    """
    _room(directory)
    new = waiting(directory)
    with contextlib.ExitStack() as stack:
        images = Images(stack, directory.journal, directory.wal)
        found = meta or images.meta()
        meta = found or otherwise
        with file.building(new, meta) as db:
            saved = _fill(db, images) - _retire_again(db)
            if not saved and not directory.acknowledged:
                raise JournalRefused(
                    f"nothing in {directory.journal} is readable as a journal",
                    hint="move it away if it is not one; nothing was touched",
                )
            lost, last = _gaps(db, max(directory.acknowledged, meta.floor))
            described = msgspec.structs.replace(meta, lost=lost, floor=last)
            db.execute("UPDATE meta SET body=?, crc=?", schema.meta_row(described))
            projections.rebuild(db)
            nameless = _beside(directory, db)
    kept = finish(directory)
    return Outcome(
        saved, lost, str(kept), described=found is not None, nameless=nameless
    )


def finish(directory: Directory) -> Path | None:
    """Put a salvaged journal in its place, if one waits; where the old one is kept."""
    new = waiting(directory)
    if not new.exists():
        return None
    kept = _set_aside(directory)
    new.rename(directory.journal)
    directory.sync()
    return kept


def waiting(directory: Directory) -> Path:
    """Where a journal waits to be put in the place of the one that is there."""
    return directory.journal.with_name(directory.journal.name + _NEW)


class Images:
    """The pages of a journal's file and of its `-wal`, as far as they can be read."""

    def __init__(self, stack: contextlib.ExitStack, journal: Path, wal: Path) -> None:
        self._file = _mapped(stack, journal)
        self._wal = wal.read_bytes() if wal.exists() else b""
        self._newest = dict(pages.wal_frames(self._wal))

    def rows(self) -> Iterator[pages.Row]:
        """Every row of any table; those of the file first, then those of the log."""
        for at in range(0, len(self._file), pages.PAGE):
            page = bytes(self._file[at : at + pages.PAGE]).ljust(pages.PAGE, b"\0")
            yield from pages.leaf_rows(page, self._follow)
        for _, page in pages.wal_frames(self._wal):
            yield from pages.leaf_rows(page, self._follow)

    def meta(self) -> Meta | None:
        """What the journal was born as, if that row is anywhere."""
        for _, columns in self.rows():
            if len(columns) != _META_COLUMNS:
                continue
            _, body, crc = columns
            if isinstance(body, bytes) and isinstance(crc, int):
                with contextlib.suppress(JournalError):
                    return schema.read_meta(body, crc)
        return None

    def _follow(self, number: int, wanted: int) -> bytes:
        return pages.overflow(self._page, number, wanted)

    def _page(self, number: int) -> bytes:
        if number in self._newest:
            return self._newest[number]
        at = (number - 1) * pages.PAGE
        return bytes(self._file[at : at + pages.PAGE])


# --- Private ----------------------------------------------------------------------


def _set_aside(directory: Directory) -> Path:
    """Move what is there into the quarantine; where it is kept."""
    # The time is a name here, no more: a wrong clock gives a wrong name.
    now = datetime.now(UTC)
    kept = directory.quarantine / f"{now:%Y%m%dT%H%M%S.%fZ}"
    files = (directory.wal, directory.shm, directory.journal)
    there = [it for it in files if it.exists()]
    if there:
        kept.mkdir(parents=True, mode=0o700)
        for file_ in there:
            file_.rename(kept / file_.name)
        for folder in (kept, directory.quarantine, directory.path):
            sync_directory(folder)
    return kept


def _mapped(stack: contextlib.ExitStack, path: Path) -> mmap.mmap | bytes:
    if not path.exists() or not path.stat().st_size:
        return b""
    # Read before SQLite opens the file again: closing would drop SQLite's locks.
    handle = stack.enter_context(path.open("rb"))
    return stack.enter_context(mmap.mmap(handle.fileno(), 0, prot=mmap.PROT_READ))


def _room(directory: Directory) -> None:
    size = sum(
        it.stat().st_size for it in (directory.journal, directory.wal) if it.exists()
    )
    if directory.free() < size * _SPARE:
        raise JournalError(
            f"{directory.journal} is damaged, and to salvage it takes"
            f" {round(size * _SPARE / 1e6)} MB of free space",
            hint="free some, then start the recorder again; nothing was touched",
        )


def _fill(db: sqlite3.Connection, images: Images) -> int:
    count = 0
    for rowid, columns in images.rows():
        entry = _entry(rowid, columns)
        if entry is not None:
            row = (*msgspec.structs.astuple(entry), columns[-1])
            count += db.execute(_INSERT, row).rowcount
    return count


def _retire_again(db: sqlite3.Connection) -> int:
    """What left stays away: an old page, or the log, may still have held it.

    How many came back. The projection is the door to deleting, so it is made first.
    """
    count = 0
    for body in retired.bodies(db):
        for first, last in body.ranges:
            db.execute("INSERT OR IGNORE INTO retired VALUES (?, ?, 0)", (first, last))
            said = "DELETE FROM entries WHERE seq BETWEEN ? AND ?"
            count += db.execute(said, (first, last)).rowcount
    return count


def _entry(seq: int, columns: list[pages.Column]) -> Entry | None:
    """The row as an entry, if it is one and fits its seal."""
    if len(columns) != _COLUMNS:
        return None
    _, at_ns, *texts, body, mac, crc = columns
    if not isinstance(at_ns, int) or not isinstance(body, bytes):
        return None
    try:
        words = [it.decode() for it in texts if isinstance(it, bytes)]
        device, channel, kind, subject, key = words
    except ValueError:
        return None
    kept = mac if isinstance(mac, bytes) else None
    entry = Entry(seq, at_ns, device, channel, kind, subject, key, body, kept)
    return entry if schema.seal(entry) == crc else None


def _beside(directory: Directory, db: sqlite3.Connection) -> int:
    """What stands beside the entries, as far as SQLite still reads it.

    How far the sinks had come: else all is sent again. Keys and identities are never
    carved: an old page would bring a forgotten patient back. How many were lost.
    """
    with contextlib.ExitStack() as stack:
        damaged = sqlite3.connect(":memory:")
        with contextlib.suppress(sqlite3.Error):
            damaged = sqlite3.connect(file.uri(directory.journal, "ro"), uri=True)
        stack.callback(damaged.close)
        delivery.copy(damaged, db)
        return keys.copy(damaged, db)


def _gaps(
    db: sqlite3.Connection, given: int
) -> tuple[tuple[tuple[int, int], ...], int]:
    """Ranges of seq that are not there, and the highest that was ever given."""
    after, lost = 0, []
    gone = retired.Gone(retired.bodies(db))
    for (seq,) in db.execute("SELECT seq FROM entries ORDER BY seq"):
        while after + 1 < seq:
            end = gone.end_of(after + 1)
            if not end:
                end = min(
                    [it - 1 for it, _ in gone if after + 1 < it < seq] or [seq - 1]
                )
                lost.append((after + 1, end))
            after = end
        after = seq
    if given > after:
        lost.append((after + 1, given))
    if len(lost) > _RANGES:
        lost[_RANGES - 1 :] = [(lost[_RANGES - 1][0], lost[-1][1])]
    return tuple(lost), max(after, given)
