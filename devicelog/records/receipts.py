"""What became of a session's readings, counted at each station and read back.

A receipt is an entry: decoded, kept, published, stored. It is made once a session is
over and every configured sink has taken it, again each night over the last week, and
when a person asks. What differs in the store is sent again.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import msgspec

from devicelog.clock import Clock
from devicelog.journal.reader import Reader, SessionRow
from devicelog.model import codec
from devicelog.model.flow import Draft, Entry
from devicelog.model.kinds import ReadingBody, ReceiptBody, ReceiptState
from devicelog.sinks.influx_audit import Audit, Findings

BROKER: Final = "mqtt"
STORE: Final = "influx"
_PAGE: Final = 1000
_TOLD: Final = 100  # differences named a session
_DURABLE_S: Final = 10.0
_END: Final = b'"event":"end"'  # within a text its quotes would be escaped


class Append(Protocol):
    """Makes entries durable: the journal's writer, or who asks it."""

    def __call__(self, drafts: Sequence[Draft], timeout_s: float, /) -> object:
        """Returns once they are. Raises JournalError."""


class Verified(msgspec.Struct, frozen=True):
    """One session, looked at. `pending`: not all of it has reached the sinks yet.

    `retired`: readings of it left the journal by age, which cannot tell any more what
    the store should hold; nothing is compared, sent or written, and its last receipt
    stands. `differences` names up to a hundred rows as they were before a repair;
    `written`: this receipt says something else than the last one, and was journalled.
    """

    session_id: str
    receipt: ReceiptBody | None = None
    differences: tuple[str, ...] = ()
    pending: bool = False
    written: bool = False
    retired: bool = False


class Receipts:
    """Makes them, in one thread. `sinks`: names of the configured ones.

    `audit`: a reader of the store, or None. `rewrote` is told from which entry on rows
    were sent again. `trusted`: whether wall time may be believed now.
    """

    def __init__(
        self,
        directory: str,
        append: Append,
        clock: Clock,
        *,
        sinks: Sequence[str],
        audit: Audit | None = None,
        rewrote: Callable[[int], None] = lambda _: None,
        trusted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._directory = directory
        self._append = append
        self._clock = clock
        self._sinks = sinks
        self._audit = audit
        self._rewrote = rewrote
        self._trusted = trusted

    def verify(self, session: SessionRow, view: Reader, *, repair: bool) -> Verified:
        """Read one ended session back, compare, and write its receipt if it is news.

        Raises SinkUnavailable, JournalError.
        """
        name = session.session_id
        if session.retired:
            return Verified(name, last(name, view), retired=True)
        if self._pending((session.first_seq, session.last_seq), view):
            return Verified(name, pending=True)
        kept = _kept(name, view)
        if self._pending(kept.seqs, view):
            return Verified(name, pending=True)
        before, after = self._compared(session, view, repair=repair)
        differences = before.differences if before else ()
        kinds = Counter(it.kind for it in differences)
        receipt = ReceiptBody(
            clock_ok=self._trusted(),
            decoded=len(kept.seqs) + kept.thinned,
            kept=len(kept.seqs),
            published=self._published(kept.seqs, view),
            stored=after.readings if after else None,
            state=_state(before, after),
            missing=kinds["missing"],
            altered=kinds["altered"],
            stray=kinds["stray"],
        )
        named = tuple(it.text for it in differences[:_TOLD])
        written = self._write(session, receipt, view)
        return Verified(name, receipt, named, written=written)

    # --- Private ------------------------------------------------------------------

    def _compared(
        self, session: SessionRow, view: Reader, *, repair: bool
    ) -> tuple[Findings | None, Findings | None]:
        """How the store stood, and how it stands after a repair."""
        if self._audit is None:
            return None, None
        before = self._audit.examine(session, view)
        if not before.differences or not repair:
            return before, before
        first = self._audit.repair(before.differences)
        if first:
            self._rewrote(first)
        return before, self._audit.examine(session, view)

    def _pending(self, seqs: Sequence[int], view: Reader) -> bool:
        positions = [view.position(sink) for sink in self._sinks]
        return not all(it.takes(seq) for it in positions for seq in seqs)

    def _published(self, readings: Sequence[int], view: Reader) -> int | None:
        if BROKER not in self._sinks:
            return None
        if not readings:
            return 0
        refused = view.set_aside(BROKER, readings[0], readings[-1])
        return sum(seq not in refused for seq in readings)

    def _write(self, session: SessionRow, receipt: ReceiptBody, view: Reader) -> bool:
        if last(session.session_id, view) == receipt:
            return False
        draft = Draft(
            at_ns=self._clock.wall_ns(),
            device=session.device,
            channel=session.channel,
            kind="receipt",
            subject=session.session_id,
            key=f"receipt/{secrets.token_hex(12)}",
            body=codec.encode(receipt),
        )
        self._append([draft], _DURABLE_S)
        return True


def last(session_id: str, view: Reader) -> ReceiptBody | None:
    """The latest receipt of a session, if it has one."""
    newest, after = None, 0
    while page := view.entries(after, subject=session_id, kind="receipt", limit=_PAGE):
        newest, after = page[-1], page[-1].seq
    return None if newest is None else codec.decode("receipt", newest.body)


def ends(view: Reader, after: int = 0) -> Iterator[Entry]:
    """The entries that end a session, journalled after this, in order."""
    while page := view.entries(after, kind="session", limit=_PAGE):
        for entry in page:
            if _END in entry.body:
                yield entry
        after = page[-1].seq


def seq_at(view: Reader, at_ns: int) -> int:
    """About the last entry before this time; never one behind it by much."""
    low, high = 0, view.last_seq()
    while low < high:
        middle = (low + high) // 2
        found = view.entries(middle, limit=1)
        if found and found[0].at_ns < at_ns:
            low = middle + 1
        else:
            high = middle
    return max(0, low - _PAGE)


# --- Private ----------------------------------------------------------------------


class _Kept(msgspec.Struct, frozen=True):
    """Readings of a session: their numbers, and how many were thinned between them."""

    seqs: tuple[int, ...]
    thinned: int


def _kept(session_id: str, view: Reader) -> _Kept:
    seqs: list[int] = []
    thinned = after = 0
    while page := view.entries(after, subject=session_id, kind="reading", limit=_PAGE):
        for entry in page:
            body: ReadingBody = codec.decode("reading", entry.body)
            thinned += body.thinned if seqs else 0  # before the first: not of it
            seqs.append(entry.seq)
        after = page[-1].seq
    return _Kept(tuple(seqs), thinned)


def _state(before: Findings | None, after: Findings | None) -> ReceiptState:
    if before is None or after is None:
        return "unread"
    if not before.differences:
        return "complete"
    ours = after.count("missing") + after.count("altered")
    return "repaired" if after is not before and not ours else "incomplete"
