"""What an export tells: treatments in order, with all that stands beside them.

A `Source` is one history, asked once: a patient's or everybody's, over a span. It holds
one page of sessions and one page of readings at a time, whatever its size.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Protocol

import msgspec

from devicelog import __version__
from devicelog.journal.reader import Reader
from devicelog.model.fields import Value
from devicelog.model.flow import Identity as Maker
from devicelog.model.flow import SessionEvent
from devicelog.model.kinds import ReceiptBody
from devicelog.model.states import Modality, State
from devicelog.records import audit
from devicelog.records.derived import Session
from devicelog.records.keys import Identity
from devicelog.records.manual import Given

SCHEMA = 1  # of what is exported: columns, their names and meanings

Origin = Literal["journal", "influx"]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Whose history, and from when (within) to when (without), UTC in ns.

    `pseudonym` None: of everybody, sessions of nobody too.
    """

    pseudonym: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The heading of an export: whose, of where, as of when, by which program.

    `identity` is None where it may not be shown, and `unnamed` then says why.
    `pseudonymous`: for research, nothing in it tells who somebody is; `shifted`: dates
    are not the true ones. `head` is
    the newest record of the audit chain when it was made, as in `1234:9f3c...`.
    `absent` names, in plain words, what the source does not know.
    """

    wanted: Wanted
    made_ns: int
    site: str
    timezone: str
    simulated: bool
    installation: str
    identity: Identity | None = None
    unnamed: str = ""
    pseudonymous: bool = False
    shifted: bool = False
    source: Origin = "journal"
    schema: int = SCHEMA
    software: str = ""
    journal: int = 0
    head: str = ""
    absent: tuple[str, ...] = ()


def heading(
    journal: Reader, wanted: Wanted, *, timezone: str, made_ns: int, **more: Any
) -> History:
    """The heading of what this journal tells; `more` are fields of `History`."""
    meta = journal.meta()
    lost = ", ".join(f"{first}-{last}" for first, last in meta.lost)
    absent = (f"entries {lost} of the journal, which were lost",) if lost else ()
    return History(
        wanted=wanted,
        made_ns=made_ns,
        site=meta.site,
        timezone=timezone,
        simulated=meta.simulated,
        installation=meta.installation,
        software=__version__,
        journal=meta.version,
        head=str(audit.head(journal) or ""),
        absent=absent,
        **more,
    )


class Treatment(Session, frozen=True, kw_only=True):
    """A session as it is exported: all of `records.derived.Session`, and this.

    Inherited, among others: `settings` as first read; `totals` (three clocks, timer
    error, dose as indicated, coverage, pauses, gaps, losses of contact) and `derived`
    (corrected dose, J/cm2, mA/cm2) under the names of `model.fields`; `annotations`;
    `head`, `head_source`, `check`, `uncorrected`; `clinician`, `purpose`, `flags`.
    Times are UTC in ns, corrected once that is known; `start_offset_min` and
    `end_offset_min` is what the clinic's clock added to UTC then, in minutes.

    `modality` is empty where nothing tells it; `profile` and `profile_hash` are by what
    its readings were decoded; `maker` is what the device last said of itself.
    Of its readings `retired` left by age; totals stand. `notes` are free text, in
    clear, and empty where the export may not show it.
    """

    modality: Modality | Literal[""] = ""
    start_offset_min: int = 0
    end_offset_min: int | None = None
    profile: str = ""
    profile_hash: str = ""
    maker: Maker = Maker()
    receipt: ReceiptBody | None = None
    notes: tuple[str, ...] = ()

    @property
    def numbers(self) -> Mapping[str, float | int]:
        """Totals and what is derived, by the names of the catalogue."""
        return {"readings": self.readings} | self.totals | self.derived


class Manual(Given, frozen=True, kw_only=True):
    """A treatment without a device; `minutes` is how long it took."""

    pseudonym: str
    offset_min: int = 0
    notes: tuple[str, ...] = ()


class Sample(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A kept reading. `elapsed_ms` is since the start of its session, if known.

    `frame` is hex; `thinned`: how many before it were not kept.
    """

    seq: int
    at_ns: int
    elapsed_ms: int | None
    state: State
    values: dict[str, Value]
    flags: tuple[str, ...] = ()
    clock_ok: bool = True
    mono_ns: int | None = None
    thinned: int = 0
    preroll: bool = False
    profile_hash: str = ""
    frame: str = ""


class Source(Protocol):
    """One history. Each call begins anew; iterators hold a page, never all."""

    @property
    def history(self) -> History:
        """The heading."""

    def count(self) -> int:
        """How many treatments there are, for a bar of progress."""

    def treatments(self) -> Iterator[Treatment]:
        """In order of their start."""

    def manual(self) -> Iterator[Manual]:
        """Treatments without a device, in order of their start."""

    def readings(self, of: Treatment) -> Iterator[Sample]:
        """Kept readings of one treatment, in order of `seq`."""

    def events(self, of: Treatment) -> list[SessionEvent]:
        """What happened to it, in order: settings, pauses, contact, gaps, faults."""

    def audit(self) -> Iterator[audit.Row]:
        """Records of consequence about the patient and the treatments."""
