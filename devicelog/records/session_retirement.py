"""Which whole sessions may leave the journal by age.

A session leaves once its readings have, with all that is said of it: what the wire told
of it, bindings (those ahead that it carried out, too), purposes, annotations, receipts,
holds that are over, looks at it. Patients, treatments without a device, checks and the
register stay. The conditions are those of readings (`records/retirement`), for each of
its entries.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from devicelog.journal import chain
from devicelog.journal.queries import Page
from devicelog.journal.reader import Reader, SessionRow
from devicelog.model import codec
from devicelog.model.flow import Entry
from devicelog.model.kinds import of_consequence
from devicelog.model.retirement import Range, Use
from devicelog.model.said import BindingBody
from devicelog.records.retention import held
from devicelog.records.retirement import UNTRUSTED, runs

_PAGE: Final = 1000
_START: Final = -(2**63)


class SessionBatch(msgspec.Struct, frozen=True):
    """Sessions that may leave at once; the names are those of a retirement's body.

    `keys`: those that have one. `after`: look on behind this; `over`: nothing is left.
    """

    sessions: tuple[str, ...]
    ranges: tuple[Range, ...]
    patients: dict[str, tuple[int, int]]
    uses: dict[str, Use]
    keys: tuple[str, ...]
    after: tuple[int, str]
    over: bool


class SessionChoice:
    """Chooses among sessions of one journal, begun before a time, up to one number."""

    START: Final = (_START, "")

    def __init__(self, view: Reader, upto: int, before_ns: int) -> None:
        self._view = view
        self._upto = upto
        self._before_ns = before_ns
        self._sinks = view.sinks()
        begun = view.find(chain.FIRST)
        self._chained = begun.seq if begun else 0
        self._newest: dict[tuple[str, str], str] = {}

    def batch(self, after: tuple[int, str], size: int) -> SessionBatch:
        """The next after this start and id: so many are looked at.

        Of entries there are no more than ten times as many, or one session's.
        """
        ns, id_ = after
        page = Page(after_ns=ns, after_id=id_, to_ns=self._before_ns, limit=size)
        rows = self._view.in_order(page)
        leave: list[SessionRow] = []
        seqs: list[int] = []
        for row in rows:
            theirs = self._leaving(row)
            if seqs and len(seqs) + len(theirs) > 10 * size:
                return self._made(leave, seqs, after, over=False)
            after = (row.started_ns, row.session_id)
            if theirs:
                leave.append(row)
                seqs += theirs
        return self._made(leave, seqs, after, over=len(rows) < size)

    # --- Private ------------------------------------------------------------------

    def _made(
        self,
        rows: list[SessionRow],
        seqs: list[int],
        after: tuple[int, str],
        *,
        over: bool,
    ) -> SessionBatch:
        names = tuple(it.session_id for it in rows)
        return SessionBatch(
            sessions=names,
            ranges=tuple(runs(sorted(set(seqs)))),
            patients=_patients(rows),
            uses=_uses(rows),
            keys=tuple(it for it in names if self._view.secret("keys", it) is not None),
            after=after,
            over=over,
        )

    def _leaving(self, row: SessionRow) -> list[int]:
        """The numbers of all that leaves with it; none where it stays."""
        if (
            row.open
            or row.last_seq > self._upto
            or self._view.readings(row.session_id)
            or self._is_newest(row)
            or self._is_held(row)
        ):
            return []
        entries = [*self._said(row)]
        if any(self._stays(it) for it in entries):
            return []
        return [it.seq for it in entries]

    def _is_held(self, row: SessionRow) -> bool:
        of = (row.session_id, row.pseudonym)
        return any(held(self._view, it) for it in of if it)

    def _is_newest(self, row: SessionRow) -> bool:
        """Of its channel: what a device last did is asked at each start."""
        of = (row.device, row.channel)
        if of not in self._newest:
            last = self._view.sessions(device=of[0], channel=of[1], limit=1)
            self._newest[of] = last[0].session_id
        return self._newest[of] == row.session_id

    def _said(self, row: SessionRow) -> Iterator[Entry]:
        after = 0
        while page := self._view.entries(after, subject=row.session_id, limit=_PAGE):
            for entry in page:
                yield entry
                yield from self._ahead(entry)
            after = page[-1].seq

    def _ahead(self, entry: Entry) -> Iterator[Entry]:
        """What was said ahead, and this carried out."""
        if entry.kind != "binding":
            return
        body: BindingBody = codec.decode("binding", entry.body)
        ahead = self._view.entry(body.ahead) if body.ahead is not None else None
        if ahead is not None:
            yield ahead

    def _stays(self, entry: Entry) -> bool:
        """An untrusted clock tells no age; what a sink set aside is nowhere else.

        And what the chain does not prove must be seen where the chain is verified.
        """
        return (
            entry.seq > self._upto
            or (entry.kind == "session" and UNTRUSTED in entry.body)
            or (
                entry.mac is None
                and entry.seq > self._chained
                and of_consequence(entry.kind, entry.body)
            )
            or any(self._view.set_aside(it, entry.seq, entry.seq) for it in self._sinks)
        )


def _patients(rows: list[SessionRow]) -> dict[str, tuple[int, int]]:
    """Of each pseudonym: how many, and when the newest began."""
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        count, newest_ns = found.get(row.pseudonym, (0, row.started_ns))
        found[row.pseudonym] = (count + 1, max(newest_ns, row.started_ns))
    return found


def _uses(rows: list[SessionRow]) -> dict[str, Use]:
    """Of each device: what `Reader.uses` has summed of them."""
    found: dict[str, Use] = {}
    for row in rows:
        count, emission_s, faults, lost = found.get(row.device, (0, 0.0, 0, 0))
        found[row.device] = (
            count + 1,
            emission_s + row.totals.get("emission_s", 0.0),
            faults + (row.reason == "fault"),
            lost + int(row.totals.get("contacts_lost", 0)),
        )
    return found
