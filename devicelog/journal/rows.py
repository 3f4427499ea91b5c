"""What a reader of the journal gets, beside the entries themselves."""

from collections.abc import Sequence
from typing import Any, Final, Self, TypeVar

import msgspec

from devicelog.model.facts import Facts
from devicelog.model.fields import Value
from devicelog.model.flow import Identity
from devicelog.model.states import EndReason, Flag, LineState, Purpose


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One session as the journal knows it. `ended_ns` is None while it is open.

    `readings`: kept readings, by the entry that ended it, else as counted so far;
    `retired` of them left the journal by age: what is asked of it is no longer all.
    `pseudonym` (empty: nobody's), `clinician`, `purpose` and `annotations` are what
    people said last.
    """

    session_id: str
    device: str
    channel: str
    started_ns: int
    ended_ns: int | None
    open: bool
    reason: EndReason | None
    flags: tuple[Flag, ...]
    treatment_id: str
    settings: dict[str, Value]
    totals: dict[str, float | int]
    readings: int
    readings_sha256: str
    first_seq: int
    last_seq: int
    retired: int = 0
    pseudonym: str = ""
    clinician: str = ""
    purpose: Purpose = "treatment"
    annotations: Facts = Facts()


class UseRow(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over all sessions of a device, whatever they were for."""

    device: str
    sessions: int
    emission_s: float
    faults: int
    contacts_lost: int

    @classmethod
    def none(cls, device: str) -> Self:
        """It did nothing."""
        return cls(device=device, sessions=0, emission_s=0.0, faults=0, contacts_lost=0)

    def with_more(
        self, sessions: int, emission_s: float, faults: int, contacts_lost: int
    ) -> Self:
        """And this."""
        return msgspec.structs.replace(
            self,
            sessions=self.sessions + sessions,
            emission_s=self.emission_s + emission_s,
            faults=self.faults + faults,
            contacts_lost=self.contacts_lost + contacts_lost,
        )


class HeadRow(msgspec.Struct, frozen=True):
    """A head that a session was given with, as the wire named it; both may be empty."""

    session_id: str
    serial: str
    id: str


class DeviceRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a device last said of itself. `line` is None if its line was never told."""

    device: str
    line: LineState | None
    text: str
    identity: Identity | None
    seq: int


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the recorder. `stopped_ns` is None while it lives, or if it died."""

    run_id: str
    boot_id: str
    version: str
    started_ns: int
    stopped_ns: int | None
    seq: int


class AlarmRow(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm, from when it was raised until it was cleared, if it was.

    `seq` is the entry that raised it; `times` how often it was raised meanwhile.
    """

    seq: int
    name: str
    device: str
    raised_ns: int
    cleared_ns: int | None
    text: str
    remedy: str
    times: int


# Columns that hold JSON.
_PACKED: Final = frozenset({"flags", "settings", "totals", "identity", "annotations"})
_decode: Final = msgspec.json.Decoder().decode
_T = TypeVar("_T", bound=msgspec.Struct)


def made(shape: type[_T], row: Sequence[Any]) -> _T:
    """A row of the file as a struct; its columns are the fields, in their order."""
    told = dict(zip(shape.__struct_fields__, row, strict=True))
    for name in _PACKED & told.keys():
        if told[name]:
            told[name] = _decode(told[name])
    return msgspec.convert(told, shape, strict=False)  # SQLite has no bool
