"""Which readings may leave the journal by age, and what keeps the others here.

Nothing leaves that is not elsewhere: every sink has taken it (the store has been read
back since its server's present start), nothing that waits for its time lies before it,
and the newest whole backup holds the very same.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from devicelog.journal.reader import Reader
from devicelog.model.flow import Entry
from devicelog.model.retirement import Range
from devicelog.records.receipts import STORE
from devicelog.records.retention import held

_PAGE: Final = 1000
_SECOND: Final = 1_000_000_000
# In compact JSON this stands for nothing but the key of a body: within a text its
# quotes would be escaped.
UNTRUSTED: Final = b'"clock_ok":false'


class Limit(msgspec.Struct, frozen=True):
    """Nothing behind `upto` may leave, for this reason, in words."""

    upto: int
    why: str


def limits(view: Reader, sinks: Sequence[str]) -> Iterator[Limit]:
    """How far each sink allows it: those in use, and all that ever took something."""
    for sink in sorted({*sinks, *view.sinks()}):
        position = view.position(sink)
        yield Limit(position.done_to, _since(view, sink, "is behind", position.done_to))
        if sink == STORE:
            read_to = position.safe_to
            yield Limit(read_to, _since(view, sink, "is not read back", read_to))
        for seq in view.waiting(sink, 1):
            yield Limit(seq - 1, _since(view, sink, "waits for the time", seq - 1))


def backed_up(last_seq: int | None, name: str) -> Limit:
    """How far the newest whole backup allows it; None: there is none."""
    if last_seq is None:
        return Limit(0, "there is no verified backup")
    return Limit(last_seq, f"the newest verified backup is {name}")


def sentence(days: int, cutoff: int, found: Sequence[Limit]) -> str:
    """What those that are old enough wait for; empty: for nothing."""
    waits = [it.why for it in found if it.upto < cutoff]
    if not waits:
        return ""
    return f"readings older than {days} days wait: {', '.join(dict.fromkeys(waits))}"


class Batch(msgspec.Struct, frozen=True):
    """What may leave at once. `after`: look on behind this; `over`: nothing is left."""

    ranges: tuple[Range, ...]
    after: int
    over: bool


class Choice:
    """Chooses among readings of one journal, at one time, up to one number."""

    def __init__(self, view: Reader, upto: int) -> None:
        self._view = view
        self._upto = upto
        self._sinks = view.sinks()
        self._trusted_ns = view.last_trusted_ns()
        self._stays: dict[str, bool] = {}  # by session
        self._newest: dict[tuple[str, str], int] = {}

    def batch(self, after: int, size: int) -> Batch:
        """The next after this number, of so many entries."""
        page = self._view.entries(after, kind="reading", limit=size)
        within = [it for it in page if it.seq <= self._upto]
        over = len(within) < len(page) or len(page) < size
        if not within:
            return Batch((), after, over=True)
        refused = self._refused(within[0].seq, within[-1].seq)
        leave = [it.seq for it in within if it.seq not in refused and self._may(it)]
        return Batch(tuple(runs(leave)), within[-1].seq, over)

    # --- Private ------------------------------------------------------------------

    def _may(self, entry: Entry) -> bool:
        """Whether the journal can do without it; an untrusted clock tells no age."""
        return (
            UNTRUSTED not in entry.body
            and entry.at_ns != self._trusted_ns
            and not (entry.subject and self._kept(entry.subject))
            and not self._is_newest(entry)
        )

    def _kept(self, session_id: str) -> bool:
        if session_id not in self._stays:
            row = self._view.session(session_id)
            self._stays[session_id] = (
                row is None
                or row.open
                or bool(held(self._view, session_id))
                or bool(row.pseudonym and held(self._view, row.pseudonym))
            )
        return self._stays[session_id]

    def _is_newest(self, entry: Entry) -> bool:
        """Of its channel: what a device last did is asked at each start."""
        of = (entry.device, entry.channel)
        if entry.seq >= self._newest.get(of, 0):
            last = self._view.last("reading", *of)
            self._newest[of] = last.seq if last else entry.seq
        return entry.seq >= self._newest[of]

    def _refused(self, first: int, last: int) -> set[int]:
        """What a sink set aside for good is nowhere else."""
        asked = (self._view.set_aside(it, first, last) for it in self._sinks)
        return set().union(*asked)


def runs(seqs: Sequence[int]) -> Iterator[Range]:
    """Runs of numbers that follow each other."""
    start = 0
    for n in range(1, len(seqs) + 1):
        if n == len(seqs) or seqs[n] != seqs[n - 1] + 1:
            yield seqs[start], seqs[n - 1]
            start = n


# --- Private ----------------------------------------------------------------------


def _since(view: Reader, sink: str, what: str, done_to: int) -> str:
    following = view.entries(done_to, limit=1)
    if not following:
        return f"{sink} {what}"
    at = datetime.fromtimestamp(following[0].at_ns // _SECOND, UTC)
    return f"{sink} {what} since {at:%Y-%m-%d}"
