"""When entries happened whose clock was not trusted, once that is known.

A boot's offset is known by its first trusted `clock` entry, or by what the operator
accepted in it. If it was never learnt, the boot is placed behind the reading before
it once a later `clock accept` says so, and its entries are estimated.
"""

import bisect
from typing import Final

import msgspec

from devicelog.clock import BUILD_NS, SECOND
from devicelog.journal.reader import Reader, RunRow
from devicelog.model import codec
from devicelog.model.flow import Entry
from devicelog.model.kinds import ClockBody, ConfigBody, ReadingBody

_PAGE: Final = 1000


class Placed(msgspec.Struct, frozen=True):
    """What is added to an entry's `at_ns`; whether that is known or estimated."""

    shift_ns: int
    estimated: bool = False


class _Boot(msgspec.Struct):
    """`anchors`: (seq, offset) as they were in force; `true_ns`: the offset."""

    first_seq: int
    anchors: list[tuple[int, int]]
    true_ns: int | None = None
    estimated_ns: int | None = None


class Times:
    """Learns from `config` and `clock` entries as they come. For one thread."""

    def __init__(self) -> None:
        self._runs: list[RunRow] = []
        self._first_seqs: list[int] = []
        self._boots: dict[str, _Boot] = {}
        self._read_to = 0
        self._accepted: list[tuple[int, str]] = []  # seq, boot

    def place(self, entry: Entry, view: Reader) -> Placed | None:
        """Of an entry whose clock was not trusted; None: not known yet."""
        self._learn(view)
        boot = self._boots.get(self.boot(entry.seq, view))
        if boot is None:
            return None
        true_ns, estimated = boot.true_ns, False
        if true_ns is None:
            true_ns, estimated = self._estimate(boot, view), True
        if true_ns is None:
            return None
        if not boot.anchors:  # it ended within its first second
            boot.anchors.append(_at_start(boot, view))
        return Placed(true_ns - _anchor(boot, entry.seq), estimated)

    def boot(self, seq: int, view: Reader) -> str:
        """The boot in which this was journalled; empty if no run is known of it."""
        if not self._runs or seq > self._read_to:
            self._learn(view)
        at = bisect.bisect_right(self._first_seqs, seq) - 1
        return self._runs[at].boot_id if at >= 0 else ""

    def boot_ends(self, seq: int, view: Reader) -> int:
        """The first seq after this one that belongs to another boot; 0: none does."""
        boot = self.boot(seq, view)
        at = bisect.bisect_right(self._first_seqs, seq)
        later = (run.seq for run in self._runs[at:] if run.boot_id != boot)
        return next(later, 0)

    # --- Private ------------------------------------------------------------------

    def _learn(self, view: Reader) -> None:
        """Take in what was journalled since the last look."""
        head = view.last_seq()
        if head == self._read_to:
            return
        if view.entries(self._read_to, kind="config", limit=1):
            self._runs = view.runs()
            self._first_seqs = [run.seq for run in self._runs]
        for run in self._runs:
            self._boots.setdefault(run.boot_id, _Boot(run.seq, []))
        after = self._read_to
        while page := view.entries(after, kind="clock", limit=_PAGE):
            for entry in page:
                self._take(entry)
            after = page[-1].seq
        self._read_to = max(head, after)

    def _take(self, entry: Entry) -> None:
        body: ClockBody = codec.decode("clock", entry.body)
        boot = self._boots.setdefault(body.boot_id, _Boot(entry.seq, []))
        if body.event == "accepted":
            self._accepted.append((entry.seq, body.boot_id))
        else:
            boot.anchors.append((entry.seq, body.new_ns))
        if boot.true_ns is None and (body.event == "accepted" or body.clock_ok):
            boot.true_ns = body.new_ns

    def _estimate(self, boot: _Boot, view: Reader) -> int | None:
        """The offset of a boot that is over, if a later one's clock was accepted."""
        if boot.estimated_ns is None:
            accepted = any(
                seq > boot.first_seq and self._boots[name] is not boot
                for seq, name in self._accepted
            )
            start = view.entry(boot.first_seq)
            if not accepted or start is None:
                return None
            body: ConfigBody = codec.decode("config", start.body)
            before_ns = self._before(boot.first_seq, view)
            boot.estimated_ns = before_ns + SECOND - body.mono_ns
        return boot.estimated_ns

    def _before(self, seq: int, view: Reader) -> int:
        """The time of the last reading before this that has one."""
        last = seq - 1
        while last > 0:
            first = max(0, last - _PAGE)
            for entry in reversed(view.entries(first, limit=_PAGE)):
                if entry.seq > last or entry.kind != "reading":
                    continue
                body: ReadingBody = codec.decode("reading", entry.body)
                placed = Placed(0) if body.clock_ok else self.place(entry, view)
                if placed is not None:
                    return entry.at_ns + placed.shift_ns
            last = first
        return BUILD_NS


def _at_start(boot: _Boot, view: Reader) -> tuple[int, int]:
    """The offset by which the first entry of a boot was stamped."""
    start = view.entry(boot.first_seq)
    if start is None or start.kind != "config":
        return boot.first_seq, 0
    body: ConfigBody = codec.decode("config", start.body)
    return boot.first_seq, start.at_ns - body.mono_ns


def _anchor(boot: _Boot, seq: int) -> int:
    """The offset by which this entry was stamped."""
    at = bisect.bisect_right(boot.anchors, (seq, _LAST)) - 1
    # Told within the first second of a boot; what came before had the same.
    return boot.anchors[max(at, 0)][1]


_LAST: Final = 2**63
