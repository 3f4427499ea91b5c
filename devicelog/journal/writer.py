"""The one writer: groups from any thread, made durable together by a thread of its own.

Nothing here blocks who records. What the disk does not take stays in memory, in order,
up to a limit; after a failed write the file is closed, opened, verified, and the same
entries are handed over again, which their keys make harmless.
"""

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

from devicelog.clock import SECOND, Clock
from devicelog.errors import JournalError
from devicelog.journal import notices
from devicelog.journal.group import Group
from devicelog.journal.ledger import Answer
from devicelog.journal.settings import JournalSettings
from devicelog.journal.store import Store
from devicelog.journal.trouble import State, Trouble
from devicelog.model.delivery import Progress
from devicelog.model.flow import Draft, Entry
from devicelog.model.words import counted

_log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_MS: Final = 1_000_000
# Entries a transaction at most: a long backlog must not stop the beats.
_BATCH: Final = 5_000


class Writer:
    """Owns the only connection that writes, from `open` to `close`.

    `beats` counts passes of its thread, at least one a second, unless the disk hangs;
    `committed` is the last durable seq; `failed` is set once it has given up, and then
    the process must end. `thorough`: opening looks at every entry. Without `chain_key`
    records of consequence carry no mac.
    """

    def __init__(
        self,
        settings: JournalSettings,
        *,
        simulated: bool,
        site: str,
        clock: Clock,
        thorough: bool = False,
        chain_key: bytes | None = None,
    ) -> None:
        self._store = Store(
            settings,
            simulated=simulated,
            site=site,
            clock=clock,
            thorough=thorough,
            chain_key=chain_key,
        )
        self._trouble = Trouble(self._store)
        self._clock = clock
        self._interval_ns = settings.commit_interval_ms * _MS
        self._limit = settings.pending_limit
        self._mutex = threading.Condition()
        self._queue: deque[Group] = deque()
        self._taken: list[Group] = []  # being written; until that has succeeded
        self._delivered: deque[Progress] = deque()
        self._progress: list[Progress] = []  # being written, as `_taken`
        self._listeners: list[Callable[[], None]] = []
        self._scrubbed: threading.Event | None = None  # who waits for it, if anybody
        self._due_ns = 0  # when the first that waits has waited long enough
        self._urgent = False
        self._closing = False
        self._thread: threading.Thread | None = None
        self.backlog = 0  # entries handed over and not yet durable
        self.beats = 0
        self.committed = 0
        self.failed: JournalError | None = None

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

    # --- From anywhere ------------------------------------------------------------

    def open(self) -> None:
        """Lock the directory, open and verify the journal, start the thread.

        Raises JournalBusy, JournalRefused, ConfigError or JournalError; then nothing
        is held. Damage raises nothing: it is set aside, and the rest salvaged.
        """
        self._store.open()
        self.committed = self._store.committed
        self._speak()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is pending, checkpoint, release the directory.

        If the disk takes nothing for some seconds, what is pending is given up, and
        the log says how much.
        """
        with self._mutex:
            self._closing = True
            self._mutex.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._store.close()

    def submit(self, drafts: Sequence[Draft]) -> bool:
        """Hand over one group. False: not now, the memory for pending ones is full.

        Never blocks. True is no promise of durability; `committed` and `append` are.
        """
        return not drafts or self._put(Group(drafts))

    def append(self, drafts: Sequence[Draft], timeout_s: float) -> list[Entry]:
        """Hand over one group and wait until it is durable; one entry a draft.

        An empty group waits for all that was handed over before. Where a key was
        known, its first entry is returned. Raises JournalError if the group cannot
        be stored, or is not durable in time (it may be later: repeat with its keys).
        """
        group = Group(drafts, awaited=True)
        if not self._put(group):
            raise JournalError("the journal takes no entries now", hint="ask again")
        if group.done is None or not group.done.wait(timeout_s):
            raise JournalError(
                f"not durable after {timeout_s:g} s", hint="ask again with the same id"
            )
        if isinstance(group.answer, JournalError):
            raise group.answer
        return group.answer

    def scrub(self, timeout_s: float) -> bool:
        """Wait until no byte of what was deleted is left in the journal's files.

        False where a reader saw it for all that time; it is tried on and on.
        """
        with self._mutex:
            scrubbed = self._scrubbed = self._scrubbed or threading.Event()
            self._enqueue(Group((), awaited=True))
        return scrubbed.wait(timeout_s)

    def deliver(self, progress: Progress) -> None:
        """How far a sink has come; durable with the next commit, within a second."""
        self._delivered.append(progress)

    def alarm(self, name: str, text: str, remedy: str = "") -> None:
        """Tell something a person must know, as an entry of its own."""
        self._store.notices.raised(name, text, remedy)

    def clear(self, name: str, text: str) -> None:
        """What the alarm of this name told is over."""
        self._store.notices.cleared(name, text)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call this after each commit, in the writer's thread; it must not block."""
        self._listeners.append(listener)

    @property
    def accepts(self) -> bool:
        """Whether `submit` would take something now."""
        open_ = self.failed is None and not self._closing
        return open_ and self.backlog < self._limit

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def state(self) -> State:
        """`failing` and `disk_full`: nothing becomes durable now."""
        return "failing" if self.failed else self._trouble.state

    # --- The thread ---------------------------------------------------------------

    def _put(self, group: Group) -> bool:
        with self._mutex:
            # A group above the limit is taken all the same once nothing else waits.
            over = self.backlog and self.backlog + len(group.drafts) > self._limit
            if self.failed or self._closing or over:
                return False
            self._enqueue(group)
            return True

    def _enqueue(self, group: Group) -> None:
        if not self._queue:
            self._due_ns = self._clock.mono_ns() + self._interval_ns
        self._queue.append(group)
        self.backlog += len(group.drafts)
        self._urgent = self._urgent or group.urgent
        if self._urgent or len(self._queue) == 1:
            self._mutex.notify_all()

    def _run(self) -> None:
        try:
            while self._gather():
                self._write()
        except JournalError as error:
            self._give_up(error)
        except Exception as error:  # noqa: BLE001 - a thread must not die unseen
            _log.exception("the journal's writer failed")
            self._give_up(JournalError(f"the journal's writer failed: {error!r}"))

    def _gather(self) -> bool:
        """Fill `_taken`, at leisure. False: closing, and nothing is left."""
        self.beats += 1
        if self._taken:  # they failed, and come again before all others
            return True
        with self._mutex:
            self._mutex.wait_for(lambda: self._queue or self._closing, _LOOK_S)
            self._speak()
            if self._queue:
                # Not from now on: it came while the last commit was under way.
                left_s = max(0, self._due_ns - self._clock.mono_ns()) / SECOND
                self._mutex.wait_for(lambda: self._urgent or self._closing, left_s)
            size = 0
            while self._queue and size < _BATCH:
                self._taken.append(self._queue.popleft())
                size += len(self._taken[-1].drafts)
            self._urgent = bool(self._queue)
            return bool(self._taken or self._delivered) or not self._closing

    def _write(self) -> None:
        """One attempt at what is taken, or at nothing: then the disk is seen to."""
        try:
            idle = not self._taken
            while self._delivered:
                self._progress.append(self._delivered.popleft())
            if self._taken or self._progress:
                groups = [it.drafts for it in self._taken]
                answers = self._store.commit(groups, self._progress)
                self._progress = []
                self._settle(answers)
            self._store.settle(idle=idle)
            if self._scrubbed is not None and self._store.scrub():
                self._scrubbed.set()
                self._scrubbed = None
        except (sqlite3.Error, OSError) as error:
            wait_s = self._trouble.met(error, closing=self._closing)
            with self._mutex:
                self._mutex.wait(wait_s)
        else:
            self._trouble.over()

    def _settle(self, answers: Sequence[Answer]) -> None:
        self.committed = self._store.committed
        done, self._taken = self._taken, []
        with self._mutex:
            self.backlog -= sum(len(group.drafts) for group in done)
        for group, answer in zip(done, answers, strict=True):
            group.settle(answer)
            if isinstance(answer, JournalError):
                where = ", ".join(
                    sorted({f"{it.device}/{it.kind}" for it in group.drafts})
                )
                lost = counted(len(group.drafts), "entry")
                text = f"lost {lost} of {where}: {answer}"
                self._store.notices.raised(notices.REFUSED, text, "report it")
        for listener in self._listeners if done else ():
            listener()

    def _speak(self) -> None:
        """Our own alarms are entries too: taken whatever the limit, to the last."""
        with self._mutex:
            for draft in self._store.notices.drain():
                self._enqueue(Group([draft]))

    def _give_up(self, error: JournalError) -> None:
        with self._mutex:
            self.failed = error
            lost = [*self._taken, *self._queue]
            self._queue.clear()
            self._taken = []
        _log.critical("%d entries could not be written: %s", self.backlog, error)
        for group in lost:
            group.settle(error)
