"""What flows from the wire to the journal. Frozen; made once, passed on, never changed.

Times: `mono_ns` is CLOCK_BOOTTIME of this boot and carries all durations; `at_ns` is
UTC and carries all dates. Order is the journal's `seq`, never a time.
"""

from typing import Literal

import msgspec

from devicelog.model.fields import Value
from devicelog.model.states import EndReason, Flag, State


class Frame(msgspec.Struct, frozen=True):
    """One whole message of the wire, its check passed. `kind` is the wire's word."""

    data: bytes
    kind: str = "message"


class Noise(msgspec.Struct, frozen=True):
    """Bytes that are no frame, and in a few words why."""

    data: bytes
    why: str


class Decoded(msgspec.Struct, frozen=True):
    """What one frame says of one channel: a reading without its time."""

    channel: str
    state: State
    values: dict[str, Value]


class Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a device answers when asked who it is. Empty text: it does not say."""

    model: str = ""
    serial: str = ""
    firmware: str = ""


class Reading(msgspec.Struct, frozen=True):
    """One decoded state of one channel at one time.

    `frame` holds the bytes it was decoded from.
    """

    channel: str
    state: State
    mono_ns: int
    at_ns: int
    values: dict[str, Value]
    frame: bytes = b""
    flags: tuple[Flag, ...] = ()
    clock_ok: bool = True


EventName = Literal[
    "start",  # values: the settings as first read; flags: start_unseen ...
    "setting",  # field, old, new: changed between two running readings
    "timer_lengthened",  # field time_left_s, old, new: more time while emitting
    "timer_jump",  # field time_left_s, old, new: the timer moved by itself
    "pause",  # by the operator
    "resume",  # began_ns: since when it was paused
    "contact_lost",
    "contact_back",  # began_ns: since when contact was lost
    "fault",  # the resume window opens; new: the fault's name if it has one
    "line_lost",  # began_ns: the last reading; cause: port, silence, restart
    "gap",  # the line is back with the same session; began_ns: the last reading
    "segment",  # another head, or on after a fault; values: the settings now
    "end",  # reason, ended_ns, flags, totals
]

LossCause = Literal["port", "silence", "restart"]


class SessionEvent(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="v", tag=1
):
    """Something that happened to a session; the body of a `session` entry.

    `at_ns` is when it was known, `began_ns` since when it held (for what lasts),
    `ended_ns` the end of the session as far as it was seen. `readings` and
    `readings_sha256` cover the bodies of its kept readings in order of `seq`; the
    recorder fills them in, for the tracker sees no bodies.
    """

    session_id: str
    event: EventName
    channel: str
    at_ns: int
    mono_ns: int
    began_ns: int | None = None
    field: str = ""
    old: Value | None = None
    new: Value | None = None
    cause: LossCause | None = None
    paused_in_gap: bool = False
    treatment_id: str = ""
    values: dict[str, Value] = {}
    reason: EndReason | None = None
    ended_ns: int | None = None
    flags: tuple[Flag, ...] = ()
    totals: dict[str, float | int] = {}
    readings: int = 0
    readings_sha256: str = ""
    clock_ok: bool = True


Table = Literal["keys", "identities", "user_secrets"]


class Change(msgspec.Struct, frozen=True):
    """A row of a table of secrets that stands beside the entries, to be put or deleted.

    `keys`: the wrapped key of a subject (a pseudonym or a session); `identities`: who a
    pseudonym is, sealed under its key; `user_secrets`: what proves that a user of the
    console is who they say, by name. `value` None deletes it, and its bytes.
    """

    table: Table
    subject: str
    value: bytes | None


class Draft(msgspec.Struct, frozen=True):
    """An entry before the journal has numbered it.

    `device` and `channel` carry `-` where there is none. `subject` is a session or a
    pseudonym, else empty. `key` makes a repeat harmless: `run/device/channel/n` for
    what the wire brought, the request id for what a person asked. `edge` asks for a
    commit at once. `changes` are made in the transaction of the entry, or not at all.
    """

    at_ns: int
    device: str
    channel: str
    kind: str
    subject: str
    key: str
    body: bytes
    edge: bool = False
    changes: tuple[Change, ...] = ()


class Entry(msgspec.Struct, frozen=True):
    """A row of the journal."""

    seq: int
    at_ns: int
    device: str
    channel: str
    kind: str
    subject: str
    key: str
    body: bytes
    mac: bytes | None = None
