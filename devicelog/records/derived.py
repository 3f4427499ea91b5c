"""Numbers that stand beside what the device indicated: corrected dose, densities.

They are made when asked for, never stored: a check that is written down later, a head
that is registered later, and an area that is said later count at once.
"""

from typing import Any, Final, Literal

import msgspec

from devicelog.journal.reader import Reader, SessionRow
from devicelog.model import codec
from devicelog.model.dose import Totals, rounded
from devicelog.model.fields import Value
from devicelog.model.flow import Entry
from devicelog.records.annotations import densities
from devicelog.records.calibration import Checked, checks, output_check
from devicelog.records.heads import Heads, Source, Used

_CORRECTED: Final = {
    "energy_j": "energy_corrected_j",
    "energy_if_satp_j": "energy_corrected_if_satp_j",
    "energy_if_sata_j": "energy_corrected_if_sata_j",
}
_STORED: Final = frozenset({*_CORRECTED.values(), "output_error_pct"})
_MOST: Final = 5_000  # sessions that one entry makes anew
_DECIDES: Final = frozenset({"frequency_mhz", "duty_pct"})

Why = Literal[
    "",  # it is corrected, or has no dose to correct
    "head unknown",
    "several heads",
    "frequency or mode changed",
    "no output check before it",
    "repaired since its last check",
]


class Session(SessionRow, frozen=True, kw_only=True):
    """A session and what is derived: the head, the check, the numbers.

    `uncorrected` says why there is no corrected dose; `check` is the number of the
    entry by which there is one.
    """

    head: str = ""
    head_source: Source | Literal[""] = ""
    check: int | None = None
    uncorrected: Why = ""
    derived: Totals = msgspec.field(default_factory=dict)


class Deriver:
    """Derives for any number of sessions of one journal."""

    def __init__(self, journal: Reader) -> None:
        self._journal = journal
        self._heads = Heads(journal)
        self._checks = checks(journal)

    def session(self, row: SessionRow) -> Session:
        """The session with all that is derived."""
        used = self._heads.of(row)
        check, why = self._check(row, used)
        found = densities(row)
        if check is not None and check.error_pct is not None:
            found["output_error_pct"] = check.error_pct
            for name, corrected in _CORRECTED.items():
                if name in row.totals:
                    factor = 1 + check.error_pct / 100
                    found[corrected] = row.totals[name] * factor
        single = len(used) == 1
        return Session(
            **msgspec.structs.asdict(row),
            head=used[0].name if single else "",
            head_source=used[0].source if single else "",
            check=check.seq if check else None,
            uncorrected=why,
            derived=rounded(found),
        )

    def fields(self, row: SessionRow) -> dict[str, Value]:
        """The same as a store keeps it beside what the device indicated."""
        told = self.session(row)
        kept: dict[str, Value] = {
            name: it for name, it in told.derived.items() if name in _STORED
        }
        for name in ("head", "head_source", "uncorrected"):
            kept[name] = getattr(told, name)
        return kept

    def touched(self, entry: Entry) -> list[str]:
        """Sessions whose head or corrected dose this entry may have changed.

        Those that were there when it was written and began on its date or later: given
        with that head, or one of which only the register can tell. What begins later is
        told later. Of a check or move that is dated far back the newest 5,000: of that
        head, or of all that began since a move.
        """
        body = codec.decode(entry.kind, entry.body)
        if entry.kind == "calibration" and body.of is not None:
            withdrawn = self._journal.entry(body.of)
            if withdrawn is None:
                return []
            body = codec.decode(withdrawn.kind, withdrawn.body)
        if body.thing != "head":
            return []
        by_register = entry.kind == "register"
        asked: dict[str, Any] = {"before_seq": entry.seq, "limit": _MOST}
        if by_register:
            rows = self._journal.sessions(since_ns=body.on_ns, **asked)
        else:
            devices = self._heads.book.devices_of(body.name)
            rows = self._journal.touched(body.name, devices, body.on_ns, **asked)
        return [
            it.session_id
            for it in rows
            if it.started_ns >= body.on_ns
            and self._rests_on(body.name, it, by_register=by_register)
        ]

    def _rests_on(self, head: str, row: SessionRow, *, by_register: bool) -> bool:
        """Whether what is derived of a session may hang on this head."""
        used = self._heads.of(row)
        if any(head in it.names for it in used):
            return True
        return by_register and all(it.source != "wire" for it in used)

    def _check(self, row: SessionRow, used: list[Used]) -> tuple[Checked | None, Why]:
        """By which check the dose is corrected, else why it is not."""
        if not _CORRECTED.keys() & row.totals.keys():
            return None, ""
        if len(used) != 1:
            return None, "several heads" if used else "head unknown"
        check = output_check(self._checks, used[0].names, row)
        if check is None:
            return None, "no output check before it"
        if self._changed(row):  # last, for its events must be read
            return None, "frequency or mode changed"
        if self._repaired(used[0], check, row):
            return None, "repaired since its last check"
        return check, ""

    def _repaired(self, used: Used, check: Checked, row: SessionRow) -> bool:
        """Whether that check says nothing of the head as it was then."""
        then = self._heads.book.at(row.started_ns)
        stood = [it for key, it in then.items() if key[0] == "head"]
        return any(
            it.name in used.names and (it.repaired_ns or 0) > check.on_ns
            for it in stood
        )

    def _changed(self, row: SessionRow) -> bool:
        """Whether what a check depends on was changed while it ran."""
        if not row.totals.get("setting_changes") and row.totals.get("segments", 1) == 1:
            return False
        events = [
            codec.session_event(it.body) for it in self._journal.about(row, "session")
        ]
        told = [it.values for it in events if it.event in ("start", "segment")]
        differ = any(
            {values.get(name) for values in told if name in values}
            - {row.settings.get(name)}
            for name in _DECIDES
        )
        return differ or any(it.field in _DECIDES for it in events)
