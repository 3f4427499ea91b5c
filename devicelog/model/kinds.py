"""All kinds of entries, declared in one table, and the bodies written so far.

A body is versioned JSON: its `v` is the version of its shape. A kind whose body is
None here has its place and its meaning; the room that first writes it declares it. An
entry of a kind that does not stand here (another version's) is kept, and its body is
read as a plain dict. What the watch has to say is an `alarm`.
"""

from typing import Final, Literal, get_args

import msgspec

from devicelog.model.audit import AuditBody, HoldBody, TombstoneBody
from devicelog.model.body import Body
from devicelog.model.fields import Value
from devicelog.model.flow import Identity, SessionEvent
from devicelog.model.retirement import RetirementBody
from devicelog.model.said import (
    AnnotationBody,
    BindingBody,
    CalibrationBody,
    ManualBody,
    PurposeBody,
    RegisterBody,
)
from devicelog.model.states import Flag, LineState, State
from devicelog.model.users import UserBody

Kind = Literal[
    "reading",
    "session",
    "device",
    "noise",
    "gap",
    "clock",
    "config",
    "alarm",
    "binding",
    "annotation",
    "manual_treatment",
    "correction",
    "calibration",
    "register",
    "purpose",
    "hold",
    "user",
    "receipt",
    "retirement",
    "tombstone",
    "audit",
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class ReadingBody(Body, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """A kept reading: its frame in hex, the profile's hash, what was thinned before.

    `thinned` counts the readings of this channel dropped since the last kept one;
    `preroll` marks those that were held in memory before a start.
    """

    state: State
    mono_ns: int
    values: dict[str, Value]
    frame: str
    profile: str
    thinned: int = 0
    preroll: bool = False
    flags: tuple[Flag, ...] = ()


class ReadingGist(Body, frozen=True, kw_only=True, tag=1, gc=False):
    """A `ReadingBody` as far as it is told elsewhere: without frame and profile."""

    state: State
    mono_ns: int
    values: dict[str, Value]
    thinned: int = 0
    preroll: bool = False
    flags: tuple[Flag, ...] = ()


class Counts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one device's line brought in this run, so far.

    bytes = frame_bytes + noise_bytes + pending_bytes; frames = readings + frames
    without reading - readings that share a frame with another channel's; readings =
    kept + thinned + held (in memory before a start).
    """

    bytes: int = 0
    frame_bytes: int = 0
    noise_bytes: int = 0
    pending_bytes: int = 0
    frames: int = 0
    silent_frames: int = 0
    readings: int = 0
    shared_readings: int = 0
    kept: int = 0
    thinned: int = 0
    held: int = 0
    polls: int = 0
    unanswered: int = 0
    gaps: int = 0


DeviceEvent = Literal["line", "identified", "refused", "counts", "answered"]


class DeviceBody(Body, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """Something about a device itself.

    `event`: `line` (the line's state changed), `identified`, `refused` (a foreign
    identity), `counts` (hourly, on loss of the line and at stop), `answered` (it
    refused a request).
    """

    event: DeviceEvent
    mono_ns: int
    line: LineState | None = None
    text: str = ""
    identity: Identity | None = None
    counts: Counts | None = None


class NoiseBody(Body, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """Bytes that were no frame: raw (hex) up to 4 kB a minute, then summed.

    Where `raw` is empty, `count` bytes were seen and `sha256` is over them in order.
    """

    mono_ns: int
    count: int
    why: str
    raw: str = ""
    sha256: str = ""


GapCause = Literal["port", "silence", "restart", "suspend", "overload"]


class GapBody(Body, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """A time without readings on a device: from its last byte to its next reading."""

    mono_ns: int
    began_ns: int
    seconds: float | None
    cause: GapCause
    text: str = ""


class ClockBody(Body, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """The anchor (UTC minus boot time) was set or moved; both offsets in ns.

    `event`: `anchor` (set at start or moved), `accepted` (by the operator),
    `trusted` (the kernel reports synchronisation). `boot_id` makes `mono_ns` of this
    boot comparable; it stands here and in no session.
    """

    event: Literal["anchor", "accepted", "trusted"]
    mono_ns: int
    boot_id: str
    old_ns: int | None
    new_ns: int


class ConfigBody(Body, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """A run began or ended: which program, under which configuration and profiles.

    `sha256` is over the configuration file's text; `profiles` maps a profile's name
    to the hash that readings carry.
    """

    event: Literal["start", "stop"]
    run_id: str
    boot_id: str
    mono_ns: int
    version: str
    simulated: bool
    sha256: str = ""
    profiles: dict[str, str] = msgspec.field(default_factory=dict)
    devices: dict[str, str] = msgspec.field(default_factory=dict)


class AlarmBody(Body, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """Something a person must know: what, since when, what to do."""

    name: str
    text: str
    remedy: str = ""
    cleared: bool = False


ReceiptState = Literal[
    "complete",  # the store holds what the journal holds, and nothing else
    "repaired",  # it does again: what differed was sent once more
    "incomplete",  # something is missing, differs, or stands there that is not ours
    "unread",  # the store could not be read, or there is none
]


class ReceiptBody(Body, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """What became of a session's readings, counted at each station.

    decoded = kept + thinned; `published`: taken by the broker (its answer below 128);
    `stored`: read back from the store as they stand in the journal. None: there is no
    such station. `missing`, `altered`: rows of the store (readings, events, the
    session's own) that were not there or differed when it was read, before a repair;
    `stray`: rows that the journal does not know.
    """

    decoded: int
    kept: int
    published: int | None = None
    stored: int | None = None
    state: ReceiptState
    missing: int = 0
    altered: int = 0
    stray: int = 0


# kind -> (what it records, who causes it, its body if written so far)
TABLE: Final[dict[Kind, tuple[str, str, type | None]]] = {
    "reading": ("a decoded state of a channel", "wire", ReadingBody),
    "session": ("something that happened to a session", "wire", SessionEvent),
    "device": ("something about a device itself", "wire", DeviceBody),
    "noise": ("bytes that were no frame", "wire", NoiseBody),
    "gap": ("a time without readings", "wire", GapBody),
    "clock": ("the anchor of wall time was set or moved", "recorder", ClockBody),
    "config": ("a run and its configuration", "recorder", ConfigBody),
    "alarm": ("something a person must know", "recorder", AlarmBody),
    "binding": ("a session belongs to a patient", "person", BindingBody),
    "annotation": ("what a person adds to a session", "person", AnnotationBody),
    "manual_treatment": ("a treatment without a device", "person", ManualBody),
    "correction": ("an earlier entry of a person, corrected", "person", None),
    "calibration": ("an output check or safety test", "person", CalibrationBody),
    "register": ("a device or head: serial, place, repair", "person", RegisterBody),
    "purpose": ("what a session was for", "person", PurposeBody),
    "hold": ("a record must be kept beyond its time", "person", HoldBody),
    "user": ("a user of the console, and their coming", "person", UserBody),
    "receipt": ("what became of a session's readings", "recorder", ReceiptBody),
    "retirement": ("entries were retired by age", "recorder", RetirementBody),
    "tombstone": ("a patient was forgotten", "person", TombstoneBody),
    "audit": ("who looked at whom, who exported what", "person", AuditBody),
}

# In compact JSON this stands for nothing but the key of a body: within a text its
# quotes would be escaped.
_END: Final = b'"event":"end"'
_OF_CONSEQUENCE: Final = frozenset(
    {kind for kind, (_, cause, _) in TABLE.items() if cause == "person"}
    | {"config", "retirement"}
)


# Kinds of which some or all are links of the audit chain.
LINKED: Final = _OF_CONSEQUENCE | {"session"}


def of_consequence(kind: str, body: bytes) -> bool:
    """Whether such an entry is a link of the audit chain.

    All that a person causes, configurations, retirements, and the end of a session,
    which carries the hash of its readings.
    """
    return kind in _OF_CONSEQUENCE or (kind == "session" and _END in body)
