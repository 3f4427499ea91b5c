"""Appending: numbers, stamps, keys. One open connection, one transaction a call."""

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from devicelog.errors import JournalError
from devicelog.journal import chain as links
from devicelog.journal import delivery, keys, projections, retirement, schema
from devicelog.journal.chain import Chain
from devicelog.model.delivery import Progress
from devicelog.model.flow import Draft, Entry

BUSY_MS: Final = 5_000  # a reader that rebuilds the wal-index holds us up, briefly
# What a draft can do wrong by itself; all else is the disk's doing.
_REFUSALS: Final = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    OverflowError,
    TypeError,
    AttributeError,
    UnicodeError,
    JournalError,  # a retirement of what is not there
)
Answer = list[Entry] | JournalError


class Ledger:
    """Turns drafts into entries. `conflict` makes the alarm of a key used twice.

    `committed` is the last durable seq. `chain`, where the key is there, gives each
    record of consequence its mac.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        floor: int,
        conflict: Callable[[Draft], Draft],
        chain: Chain | None = None,
    ) -> None:
        self._db = db
        self._floor = floor
        self._conflict = conflict
        self._highest: dict[tuple[str, str], int] = {}  # stamps, per device and channel
        self._fresh: list[Entry] = []
        self.committed = self._last = self._number_given()
        self._chain = chain
        self._linked = self._link()

    def commit(
        self, groups: Sequence[Sequence[Draft]], progress: Sequence[Progress] = ()
    ) -> list[Answer]:
        """All groups in one transaction, in order; what became of each.

        A group that cannot be stored for what it is costs none of the others: its
        answer is the error. Any sqlite3.Error raised means that nothing is known to
        be durable; the same call may be repeated.
        """
        try:
            return [*self._transaction(groups, progress)]
        except _REFUSALS as error:
            if len(groups) == 1:
                return [JournalError(f"entries that cannot be stored: {error}")]
        self._transaction([], progress)
        return [answer for group in groups for answer in self.commit([group])]

    def begin_chain(self, at_ns: int, *, clock_ok: bool) -> None:
        """Append the first record of the chain, where there is none yet."""
        if self._chain is not None and not self._chain.head:
            self.commit([[self._chain.genesis(self._db, at_ns, clock_ok=clock_ok)]])

    def checkpoint(self, mode: str = "PASSIVE") -> bool:
        """Move what is committed from the -wal file into the journal's own.

        False where a reader's snapshot was in the way of it.
        """
        row = self._db.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return not row[0]

    def scrub(self) -> bool:
        """Cut the -wal file to nothing; False where a reader is in the way of it.

        It is not waited for: meanwhile nothing could be recorded.
        """
        self._db.execute("PRAGMA busy_timeout=0")
        try:
            return self.checkpoint("TRUNCATE")
        finally:
            self._db.execute(f"PRAGMA busy_timeout={BUSY_MS}")

    # --- Private ------------------------------------------------------------------

    def _transaction(
        self, groups: Sequence[Sequence[Draft]], progress: Sequence[Progress]
    ) -> list[list[Entry]]:
        self._fresh = []
        self._db.execute("BEGIN IMMEDIATE")
        try:
            taken = [[self._take(draft) for draft in group] for group in groups]
            if self._fresh:
                projections.apply(self._db, self._fresh)
            for entry in self._fresh:
                if entry.kind == "retirement":
                    retirement.let_go(self._db, entry)
            delivery.apply(self._db, progress)
            self._db.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        self.committed = self._last
        if self._chain is not None:
            self._linked = self._chain.head
        return taken

    def _undo(self) -> None:
        if self._db.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
        self._last = self.committed
        self._highest.clear()
        if self._chain is not None:
            self._chain.head = self._linked

    def _take(self, draft: Draft) -> Entry:
        """The draft as an entry; the earlier one where its key is known."""
        entry = self._number(draft)
        if self._insert(entry):
            keys.apply(self._db, draft.changes)
            return self._fresh[-1]
        first = self._find(draft.key)
        if not _same(first, draft):
            self._insert(self._number(self._conflict(draft)))
        return first

    def _number(self, draft: Draft) -> Entry:
        return Entry(
            self._last + 1,
            self._free_stamp(draft),
            draft.device,
            draft.channel,
            draft.kind,
            draft.subject,
            draft.key,
            draft.body,
        )

    def _insert(self, entry: Entry) -> bool:
        """False where the key is taken already."""
        mac = self._chain.mac(entry) if self._chain is not None else None
        row = (
            *(entry.seq, entry.at_ns, entry.device, entry.channel, entry.kind),
            *(entry.subject, entry.key, entry.body, mac, schema.seal(entry)),
        )
        done = self._db.execute(
            "INSERT INTO entries"
            "(seq, at_ns, device, channel, kind, subject, key, body, mac, crc)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(key) DO NOTHING",
            row,
        )
        if not done.rowcount:
            return False
        if self._chain is not None and mac is not None:
            self._chain.head = mac
            entry = msgspec.structs.replace(entry, mac=mac)
        self._last = entry.seq
        lane = (entry.device, entry.channel)
        self._highest[lane] = max(self._highest[lane], entry.at_ns)
        self._fresh.append(entry)
        return True

    def _link(self) -> bytes:
        """Take up the chain where it stands in the file."""
        newest = links.last(self._db)
        head = newest[1] if newest else links.START
        if self._chain is not None:
            self._chain.head = head
        return head

    def _free_stamp(self, draft: Draft) -> int:
        """The draft's own time, or the next ns that its device and channel has free.

        Only after an anchor that lies earlier can a stamp be taken, so the table is
        asked only below the highest stamp.
        """
        lane = (draft.device, draft.channel)
        highest = self._highest.get(lane)
        if highest is None:
            (found,) = self._db.execute(
                "SELECT max(at_ns) FROM entries WHERE device = ? AND channel = ?", lane
            ).fetchone()
            highest = self._highest[lane] = -1 if found is None else found
        at_ns = draft.at_ns
        while at_ns <= highest and self._is_taken(lane, at_ns):
            at_ns += 1
        return at_ns

    def _is_taken(self, lane: tuple[str, str], at_ns: int) -> bool:
        found = self._db.execute(
            "SELECT 1 FROM entries WHERE device = ? AND channel = ? AND at_ns = ?",
            (*lane, at_ns),
        )
        return found.fetchone() is not None

    def _find(self, key: str) -> Entry:
        row = self._db.execute(
            "SELECT seq, at_ns, device, channel, kind, subject, key, body, mac"
            " FROM entries WHERE key = ?",
            (key,),
        ).fetchone()
        return Entry(*row)

    def _number_given(self) -> int:
        (last,) = self._db.execute("SELECT max(seq) FROM entries").fetchone()
        return max(last or 0, self._floor)


def conflict_key(draft: Draft) -> str:
    """Of the alarm about a key with two bodies: itself the same at each repeat."""
    digest = hashlib.sha256(draft.body).hexdigest()
    return f"{draft.key}/conflict/{digest[:16]}"


def _same(entry: Entry, draft: Draft) -> bool:
    """Whether a repeat says the same. Its time may have been moved to a free one."""
    said = (draft.device, draft.channel, draft.kind, draft.subject, draft.body)
    return said == (
        *(entry.device, entry.channel, entry.kind, entry.subject, entry.body),
    )
