"""The readings of a session, a page at a time, with their times as they are known."""

from collections.abc import Iterator
from typing import Final

import msgspec

from devicelog.export.history import Sample, Treatment
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.flow import Entry
from devicelog.model.kinds import ReadingBody
from devicelog.sinks.influx_times import Times

_PAGE: Final = 500
_MS: Final = 1_000_000


class Series:
    """Of any session of this journal."""

    def __init__(self, journal: Reader, times: Times) -> None:
        self._journal = journal
        self._times = times

    def samples(self, of: Treatment) -> Iterator[Sample]:
        """In order of `seq`."""
        after, start = 0, None
        while page := self._journal.entries(
            after, kind="reading", subject=of.session_id, limit=_PAGE
        ):
            start = start or self._start(of)
            for entry in page:
                yield self._sample(entry, start)
            if len(page) < _PAGE:
                return
            after = page[-1].seq

    def _start(self, of: Treatment) -> "_Start | None":
        found = self._journal.entries(kind="session", subject=of.session_id, limit=1)
        if not found:
            return None
        event = codec.session_event(found[0].body)
        until = self._times.boot_ends(found[0].seq, self._journal)
        return _Start(of.started_ns, event.mono_ns, until)

    def _sample(self, entry: Entry, start: "_Start | None") -> Sample:
        body = _reading(entry)
        at_ns, flags = entry.at_ns, body.flags
        if not body.clock_ok:
            placed = self._times.place(entry, self._journal)
            at_ns += placed.shift_ns if placed else 0
            if placed and placed.estimated:
                flags = (*flags, "time_estimated")
        elapsed_ms = start.elapsed_ms(entry.seq, body.mono_ns, at_ns) if start else None
        return Sample(
            seq=entry.seq,
            at_ns=at_ns,
            elapsed_ms=elapsed_ms,
            state=body.state,
            values=body.values,
            flags=flags,
            clock_ok=body.clock_ok,
            mono_ns=body.mono_ns,
            thinned=body.thinned,
            preroll=body.preroll,
            profile_hash=body.profile,
            frame=body.frame,
        )


class _Start(msgspec.Struct, frozen=True):
    """When a session began. Its `mono_ns` compares up to the entry `until` (0: on)."""

    at_ns: int
    mono_ns: int
    until: int

    def elapsed_ms(self, seq: int, mono_ns: int, at_ns: int) -> int:
        """Since then; across a restart of the machine by dates."""
        if not self.until or seq < self.until:
            return max(0, round((mono_ns - self.mono_ns) / _MS))
        return max(0, round((at_ns - self.at_ns) / _MS))


def profile_hash(entry: Entry) -> str:
    """By which version of its profile a reading was decoded."""
    return _reading(entry).profile


def _reading(entry: Entry) -> ReadingBody:
    body: ReadingBody = codec.decode("reading", entry.body)
    return body
