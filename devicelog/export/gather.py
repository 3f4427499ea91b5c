"""A history from the journal, a page at a time."""

from bisect import bisect
from collections.abc import Iterator
from copy import copy
from datetime import datetime
from typing import Any, Final, Literal, Self
from zoneinfo import ZoneInfo

import msgspec

from devicelog.clock import SECOND
from devicelog.export.history import History, Manual, Sample, Treatment, Wanted
from devicelog.export.series import Series, profile_hash
from devicelog.export.text import offset_min
from devicelog.journal.queries import Page
from devicelog.journal.reader import Reader, SessionRow
from devicelog.model import codec
from devicelog.model.fields import FIELDS
from devicelog.model.flow import Entry, SessionEvent
from devicelog.model.flow import Identity as Maker
from devicelog.model.kinds import ConfigBody, ReceiptBody, of_consequence
from devicelog.model.said import Said
from devicelog.model.states import Modality
from devicelog.model.words import counted
from devicelog.records.audit import Row
from devicelog.records.audit import row as record
from devicelog.records.derived import Deriver
from devicelog.records.keys import Keyring
from devicelog.records.manual import given
from devicelog.sinks.influx_times import Times

_PAGE: Final = 500
_AFTER: Final = 4  # entries that follow an end, most often fewer
_LAST: Final = 2**63 - 1
_UNKNOWN: Final = Maker()
_UNTRUSTED: Final = b'"clock_ok":false'


class Gatherer:
    """A `history.Source` over an open journal. With a `ring` it opens free text."""

    def __init__(
        self, journal: Reader, history: History, *, ring: Keyring | None = None
    ) -> None:
        self.history = _telling_of_gone(journal, history)
        self._journal = journal
        self._ring = ring
        self._zone = ZoneInfo(history.timezone)
        self._deriver = Deriver(journal)
        self._makers = {it.device: it.identity for it in journal.devices()}
        self._runs: list[int] = []  # the entries that began them
        self._profiles = self._told_by_runs()
        self._hashes: dict[tuple[str, int], str] = {}
        meta, gone = journal.meta(), journal.entries(kind="retirement", limit=1)
        self._whole = not (gone or meta.lost)  # then no reading was ever taken out
        self._receipted = bool(journal.entries(kind="receipt", limit=1))
        self._times = Times()
        self._series = Series(journal, self._times)

    def narrowed(self, wanted: Wanted) -> Self:
        """The same journal, another wish."""
        other = copy(self)
        other.history = msgspec.structs.replace(self.history, wanted=wanted)
        return other

    def count(self) -> int:
        """See `Source`."""
        wanted = self.history.wanted
        return self._journal.count(_page(wanted))

    def treatments(self) -> Iterator[Treatment]:
        """See `Source`."""
        page = _page(self.history.wanted)
        while rows := self._journal.in_order(page):
            for row in rows:
                yield self.treatment(row)
            if len(rows) < page.limit:
                return
            page = msgspec.structs.replace(
                page, after_ns=rows[-1].started_ns, after_id=rows[-1].session_id
            )

    def manual(self) -> Iterator[Manual]:
        """See `Source`."""
        for pseudonym in self._patients():
            for it in reversed(given(self._journal, pseudonym)):
                if _within(it.began_ns, self.history.wanted):
                    yield Manual(
                        **msgspec.structs.asdict(it),
                        pseudonym=pseudonym,
                        offset_min=self._offset(it.began_ns),
                        notes=self._notes_of_manual(it.seq, pseudonym),
                    )

    def readings(self, of: Treatment) -> Iterator[Sample]:
        """See `Source`."""
        return self._series.samples(of)

    def events(self, of: Treatment) -> list[SessionEvent]:
        """See `Source`."""
        return [codec.session_event(it.body) for it in self._of(of, "session")]

    def audit(self) -> Iterator[Row]:
        """See `Source`; of one patient, else of nobody."""
        code = self.history.wanted.pseudonym
        subjects = (it.session_id for it in self.treatments()) if code else iter(())
        for subject in (*([code] if code else []), *subjects):
            after = 0
            while page := self._journal.entries(after, subject=subject, limit=_PAGE):
                of = (it for it in page if of_consequence(it.kind, it.body))
                yield from map(record, of)
                after = page[-1].seq

    # --- Private ------------------------------------------------------------------

    def treatment(self, row: SessionRow) -> Treatment:
        """One session as it is exported."""
        session = self._deriver.session(row)
        hash_ = self._profile_hash(row)
        told = msgspec.structs.asdict(session) | self._placed(row)
        ended_ns = told["ended_ns"]
        return Treatment(
            **told,
            modality=_modality(row),
            start_offset_min=self._offset(told["started_ns"]),
            end_offset_min=None if ended_ns is None else self._offset(ended_ns),
            profile=self._profiles.get(hash_, ""),
            profile_hash=hash_,
            maker=self._makers.get(row.device) or _UNKNOWN,
            receipt=self._receipt(row),
            notes=self._notes(row),
        )

    def _placed(self, row: SessionRow) -> dict[str, Any]:
        """Its times where the clock was not trusted then and is known since."""
        if "clock_untrusted" not in row.flags:
            return {}
        placed = [
            self._times.place(it, self._journal) if _UNTRUSTED in it.body else None
            for it in self._of(row, "session")
        ]
        first, last = (it.shift_ns if it else 0 for it in (placed[0], placed[-1]))
        flags = row.flags
        if any(it.estimated for it in placed if it):
            flags = (*flags, "time_estimated")
        ended_ns = None if row.ended_ns is None else row.ended_ns + last
        return {
            "started_ns": row.started_ns + first,
            "ended_ns": ended_ns,
            "flags": flags,
        }

    def _profile_hash(self, row: SessionRow) -> str:
        """By which profile its readings were decoded; empty where none is left.

        It is one for all sessions of a device in a run, so it is asked for once where
        no reading was ever taken out.
        """
        of = (row.device, bisect(self._runs, row.first_seq))
        if self._whole and of in self._hashes:
            return self._hashes[of]
        found = self._journal.entries(kind="reading", subject=row.session_id, limit=1)
        if not found:
            return ""
        self._hashes[of] = profile_hash(found[0])
        return self._hashes[of]

    def _receipt(self, row: SessionRow) -> ReceiptBody | None:
        """The latest. What people and receipts say follows what the wire brought."""
        if not self._receipted:
            return None
        before = _LAST
        while page := self._journal.backwards(row.session_id, before, _AFTER):
            for entry in page:
                if entry.kind == "receipt":
                    receipt: ReceiptBody = codec.decode("receipt", entry.body)
                    return receipt
                if entry.kind in ("session", "reading"):
                    return None
            before = page[-1].seq
        return None

    def _told_by_runs(self) -> dict[str, str]:
        """Names of profiles by their hash."""
        names: dict[str, str] = {}
        after = 0
        while page := self._journal.entries(after, kind="config"):
            for entry in page:
                body: ConfigBody = codec.decode("config", entry.body)
                names |= {hash_: name for name, hash_ in body.profiles.items()}
                self._runs.append(entry.seq)
            after = page[-1].seq
        return names

    def _notes(self, row: SessionRow) -> tuple[str, ...]:
        """Free text about it, in order; none without the keys."""
        if self._ring is None:
            return ()
        kinds = ("binding", "annotation", "purpose")
        said = [it for kind in kinds for it in self._journal.about(row, kind)]
        said.sort(key=lambda it: it.seq)
        return self._opened(said, row.session_id, self._ring)

    def _notes_of_manual(self, seq: int, pseudonym: str) -> tuple[str, ...]:
        entry = self._journal.entry(seq)
        if self._ring is None or entry is None:
            return ()
        return self._opened([entry], pseudonym, self._ring)

    def _opened(
        self, said: list[Entry], subject: str, ring: Keyring
    ) -> tuple[str, ...]:
        notes = []
        for entry in said:
            body: Said = codec.decode(entry.kind, entry.body)
            if body.note is not None:
                notes.append(ring.opened(self._journal, body.note, subject) or "")
        return tuple(notes)

    def _of(self, row: SessionRow, kind: str) -> list[Entry]:
        """All entries of this kind about a session; there are few, but of readings."""
        found, after = [], 0
        while page := self._journal.entries(after, kind=kind, subject=row.session_id):
            found += page
            after = page[-1].seq
        return found

    def _patients(self) -> Iterator[str]:
        wanted = self.history.wanted
        if wanted.pseudonym is not None:
            yield wanted.pseudonym
            return
        after = ""
        while page := self._journal.identities(after):
            yield from (code for code, _ in page)
            after = page[-1][0]

    def _offset(self, at_ns: int) -> int:
        return offset_min(at_ns, self._zone)


def _telling_of_gone(journal: Reader, history: History) -> History:
    """With how many whole sessions were retired; of everybody's no date is told."""
    code = history.wanted.pseudonym
    left = journal.departed(code).since(history.wanted.from_ns or 0)
    if not left.sessions:
        return history
    told = f"{counted(left.sessions, 'session')} retired by age"
    if code is not None:
        zone = ZoneInfo(history.timezone)
        newest = datetime.fromtimestamp(left.newest_ns // SECOND, zone)
        told += f", the newest of {newest:%Y-%m-%d}"
    return msgspec.structs.replace(history, absent=(*history.absent, told))


def _page(wanted: Wanted) -> Page:
    return Page(
        pseudonym=wanted.pseudonym,
        from_ns=wanted.from_ns,
        to_ns=wanted.to_ns,
        limit=_PAGE,
    )


def _within(at_ns: int, wanted: Wanted) -> bool:
    early = wanted.from_ns is not None and at_ns < wanted.from_ns
    return not early and (wanted.to_ns is None or at_ns < wanted.to_ns)


def _modality(row: SessionRow) -> Modality | Literal[""]:
    """What the names of its settings and totals tell."""
    for name in (*row.settings, *row.totals):
        field = FIELDS.get(name)
        if field is not None and field.modality != "any":
            return field.modality
    return ""
