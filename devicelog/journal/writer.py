"""The one writer: a thread, a connection, groups that become durable whole.

Group commit: at most every interval after the first pending draft, at once on an edge.
A failed commit is ambiguous, so it is never retried in place: the connection is opened
anew and the groups handed over again; their keys make a repeat harmless.
"""

import itertools
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import msgspec

from devicelog.clock import Clock
from devicelog.errors import JournalError
from devicelog.journal.file import Lock, open_writing
from devicelog.journal.projections import apply
from devicelog.journal.settings import JournalSettings
from devicelog.model import codec
from devicelog.model.flow import Draft, Entry
from devicelog.model.kinds import AlarmBody

_log = logging.getLogger(__name__)
_BEAT_S: Final = 1.0
_RETRY_S: Final = 0.5
_ATTEMPTS: Final = 20


class _Group(msgspec.Struct):
    drafts: Sequence[Draft]
    done: threading.Event | None = None
    entries: list[Entry] = []


class Writer:
    """See the module. `failed` is set when it gave up: recording must end then."""

    def __init__(
        self, settings: JournalSettings, *, simulated: bool, site: str, clock: Clock
    ) -> None:
        self._settings = settings
        self._simulated, self._site, self._clock = simulated, site, clock
        self._queue: queue.SimpleQueue[_Group | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._highest: dict[tuple[str, str], int] = {}
        self.backlog = 0
        self.beats = 0
        self.committed = 0
        self.state = "recording"
        self.failed: JournalError | None = None

    def open(self) -> None:
        """Lock the directory and open the file. Raises JournalError."""
        self._lock = Lock(self._settings.directory)
        try:
            self._db = self._connect()
        except BaseException:
            self._lock.release()
            raise
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Make durable what is pending, and let go."""
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()
        self._db.close()
        self._lock.release()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def submit(self, drafts: Sequence[Draft]) -> bool:
        """One group, durable whole or not at all, in order; False: not now."""
        if self.backlog > self._settings.pending_limit:
            return False
        if drafts:
            self.backlog += len(drafts)
            self._queue.put(_Group(drafts))
        return True

    def append(self, drafts: Sequence[Draft], timeout_s: float) -> list[Entry]:
        """The same, and wait for the commit of these and all before."""
        group = _Group(drafts, threading.Event(), [])
        self.backlog += len(drafts)
        self._queue.put(group)
        if group.done is None or not group.done.wait(timeout_s):
            raise JournalError(f"not durable after {timeout_s:g} s ({self.state})")
        return group.entries

    # --- The thread ---------------------------------------------------------------

    def _run(self) -> None:
        ending = False
        while not ending and self.failed is None:
            self.beats += 1
            try:
                first = self._queue.get(timeout=_BEAT_S)
            except queue.Empty:
                continue
            if first is None:
                return
            groups, ending = self._gather(first)
            self._persist(groups)

    def _gather(self, first: _Group) -> tuple[list[_Group], bool]:
        """What arrives within the interval; no longer once there is an edge."""
        groups = [first]
        until = time.monotonic() + self._settings.commit_interval_ms / 1000
        while True:
            urgent = groups[-1].done is not None or any(
                draft.edge for draft in groups[-1].drafts
            )
            left = 0.0 if urgent else until - time.monotonic()
            try:
                group = self._queue.get(timeout=left) if left > 0 else None
                if left <= 0:
                    return groups, False
            except queue.Empty:
                return groups, False
            if group is None:
                return groups, True
            groups.append(group)

    def _persist(self, groups: list[_Group]) -> None:
        """Commit; on failure open anew and hand over again, to a bound.

        A full disk has none: it waits, holding what it has, until there is room.
        """
        for attempt in itertools.count():
            if attempt >= _ATTEMPTS and self.state != "disk_full":
                break
            self.beats += 1
            try:
                self._commit(groups)
            except (sqlite3.Error, JournalError) as error:
                self._reopen(error, attempt)
                continue
            if attempt:
                _log.warning("the journal records again after %d failures", attempt)
            self.state = "recording"
            for group in groups:
                self.backlog -= len(group.drafts)
                if group.done is not None:
                    group.done.set()
            return
        self.failed = JournalError("the journal cannot be written", hint="see the log")

    def _reopen(self, error: Exception, attempt: int) -> None:
        full = "full" in str(error)
        self.state = "disk_full" if full else "failing"
        if not attempt:
            _log.error("the journal cannot be written: %s", error)
        threading.Event().wait(_RETRY_S)
        try:
            self._db.close()
            self._db = self._connect()
        except (sqlite3.Error, JournalError) as again:
            _log.debug("the journal cannot be opened: %s", again)

    def _connect(self) -> sqlite3.Connection:
        db = open_writing(
            self._settings.directory, simulated=self._simulated, site=self._site
        )
        (self.committed,) = db.execute(
            "SELECT COALESCE(MAX(seq), 0) FROM entries"
        ).fetchone()
        return db

    def _commit(self, groups: list[_Group]) -> None:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        last = self.committed
        for group in groups:
            group.entries = [self._insert(db, draft) for draft in group.drafts]
            if group.entries:
                last = max(last, *(entry.seq for entry in group.entries))
        db.execute("COMMIT")
        self.committed = last

    def _insert(self, db: sqlite3.Connection, draft: Draft) -> Entry:
        row = db.execute("SELECT * FROM entries WHERE key=?", (draft.key,)).fetchone()
        if row is not None:
            entry = Entry(*row)
            if entry.body != draft.body:
                self._alarm(db, draft)
            return entry
        at_ns = self._free(db, draft)
        values = (at_ns, draft.device, draft.channel, draft.kind, draft.subject)
        cursor = db.execute(
            "INSERT INTO entries (at_ns, device, channel, kind, subject, key, body)"
            " VALUES (?,?,?,?,?,?,?)",
            (*values, draft.key, draft.body),
        )
        entry = Entry(cursor.lastrowid or 0, *values, draft.key, draft.body)
        apply(db, entry)
        return entry

    def _free(self, db: sqlite3.Connection, draft: Draft) -> int:
        """The draft's time, or the next free one after an earlier anchor."""
        at_ns, where = draft.at_ns, (draft.device, draft.channel)
        sql = "SELECT 1 FROM entries WHERE device=? AND channel=? AND at_ns=?"
        if where not in self._highest or at_ns <= self._highest[where]:
            while db.execute(sql, (*where, at_ns)).fetchone():
                at_ns += 1
        self._highest[where] = max(at_ns, self._highest.get(where, 0))
        return at_ns

    def _alarm(self, db: sqlite3.Connection, draft: Draft) -> None:
        _log.error("key %s came again with another body", draft.key)
        body = AlarmBody(name="key", text=f"key {draft.key} came with another body")
        key = f"{draft.key}/alarm/{self._clock.mono_ns()}"
        self._insert(
            db,
            Draft(
                self._clock.wall_ns(), "-", "-", "alarm", "", key, codec.encode(body)
            ),
        )
