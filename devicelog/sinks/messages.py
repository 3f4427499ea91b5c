"""What goes over MQTT: one struct for each kind of message, and the topics they go to.

The JSON Schemas and `docs/asyncapi.yaml` are generated from these types
(`python -m devicelog.sinks.mqtt_docs docs`). No message names a person or carries
a pseudonym: only what was seen of devices and what follows from it. A name that
somebody has typed into a device for a programme of his own is left out; and so is what
rests on words said later (checks of the output, areas): that stands in the store.

Within v1 fields are only ever added; who reads a message passes over what it does not
know.
"""

import re
from functools import lru_cache
from time import gmtime, strftime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from devicelog.clock import SECOND
from devicelog.model.fields import FIELDS, TYPED, Value
from devicelog.model.flow import EventName, LossCause
from devicelog.model.kinds import Counts, DeviceEvent, GapCause
from devicelog.model.states import EndReason, Flag, LineState, Modality, State

ROOT: Final = "devicelog/v1"

_JSON: Final = {"float": "number", "int": "integer", "bool": "boolean"}

# Derived by records when asked for, from what people say; the feed tells what was seen.
_SAID: Final = re.compile(r"energy_(corrected|treated)_.*|output_error_pct")


def _catalogue(*kinds: str) -> dict[str, dict[str, object]]:
    """JSON Schema of the catalogue's fields of these kinds."""
    return {
        name: {
            "type": _JSON.get(field.type, "string"),
            "description": f"{field.meaning}; {field.unit}",
        }
        for name, field in FIELDS.items()
        if field.kind in kinds and name not in TYPED and not _SAID.fullmatch(name)
    }


Instant = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$",
        description="UTC in RFC 3339 with nine decimals: in order as text, and exact"
        " where a number of nanoseconds would not fit into a double",
    ),
]
MonoNs = Annotated[
    int, Meta(description="CLOCK_BOOTTIME in ns; durations within one boot_id")
]
Seq = Annotated[int, Meta(ge=0, description="number of the newest entry it rests on")]
Values = Annotated[
    dict[str, Value],
    Meta(extra_json_schema={"properties": _catalogue("setting", "measurement")}),
]
Totals = Annotated[
    dict[str, float | int],
    Meta(extra_json_schema={"properties": _catalogue("total")}),
]


class Message(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema"
):
    """What every message carries. `schema` names its shape, as the topic does.

    `boot_id` is that of the recorder when it saw what is told; empty: not known.
    `historical`: sent late, in a gap that is being filled; never retained.
    """

    seq: Seq
    at: Instant
    boot_id: str
    historical: bool = False


class DaemonState(Message, frozen=True, kw_only=True, tag="state/1"):
    """Whether the recorder is there.

    `lost` is the broker's word (last will) with the time at which the connection was
    made; `stopped` the recorder's own.
    """

    state: Literal["online", "stopped", "lost"]


class DaemonInfo(Message, frozen=True, kw_only=True, tag="info/1"):
    """Who writes this site. A simulated and a real recorder refuse each other by it.

    `chain_head`: the newest record of the audit chain as `SEQ:MAC`, an anchor that is
    kept off the machine; empty where there is no chain.
    """

    site: str
    installation: str
    simulated: bool
    version: str
    protocol: Literal["5", "3.1.1"]
    devices: tuple[str, ...]
    notes: tuple[str, ...] = ()
    chain_head: str = ""


class OpenAlarm(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that a person must know, since when, and what to do."""

    name: str
    device: str
    since: Instant
    text: str
    remedy: str = ""


class DaemonHealth(Message, frozen=True, kw_only=True, tag="health/1"):
    """How delivery and recording stand; on change, and each minute.

    `pending`: entries that are not published yet; `rejected`: set aside for good.
    """

    pending: int
    rejected: int
    open_sessions: int
    alarms: tuple[OpenAlarm, ...]


class Availability(Message, frozen=True, kw_only=True, tag="availability/1"):
    """Whether readings of a device arrive. It holds while the daemon is online."""

    state: Literal["online", "offline"]
    line: LineState | None = None
    text: str = ""


class DeviceInfo(Message, frozen=True, kw_only=True, tag="device/1"):
    """What a device is, by its configuration and by what it said of itself."""

    device: str
    label: str
    profile: str
    simulated: bool
    channels: dict[str, Modality]
    model: str = ""
    serial: str = ""
    firmware: str = ""


class DeviceNews(Message, frozen=True, kw_only=True, tag="device-event/1"):
    """Something that happened to a device or its line.

    `count`: bytes that were no frame. `began`, `cause`: of a gap. `name`, `remedy`: of
    an alarm. `counts`: what its line brought in this run.
    """

    event: DeviceEvent | Literal["gap", "noise", "alarm", "alarm_cleared"]
    text: str = ""
    line: LineState | None = None
    cause: GapCause | None = None
    began: Instant | None = None
    count: int = 0
    name: str = ""
    remedy: str = ""
    counts: Counts | None = None
    clock_ok: bool = True


class ChannelState(Message, frozen=True, kw_only=True, tag="channel/1"):
    """A channel now: at once when its state changes, else at most once a second.

    `offline`: no readings arrive; the values are the last ones.
    """

    state: State
    mono_ns: MonoNs = 0
    session_id: str = ""
    values: Values = {}
    flags: tuple[Flag, ...] = ()
    clock_ok: bool = True


class ChannelSession(Message, frozen=True, kw_only=True, tag="session/1"):
    """The newest session of a channel as it stands; totals once it has ended."""

    session_id: str
    open: bool
    started: Instant
    ended: Instant | None = None
    reason: EndReason | None = None
    flags: tuple[Flag, ...] = ()
    treatment_id: str = ""
    settings: Values = {}
    totals: Totals = {}
    readings: int = 0


class ChannelNews(Message, frozen=True, kw_only=True, tag="session-event/1"):
    """Something that happened to a session.

    `began`: since when it held, for what lasts. `field`, `old`, `new`: of a change.
    """

    session_id: str
    event: EventName
    mono_ns: MonoNs
    began: Instant | None = None
    field: str = ""
    old: Value | None = None
    new: Value | None = None
    cause: LossCause | None = None
    paused_in_gap: bool = False
    treatment_id: str = ""
    values: Values = {}
    reason: EndReason | None = None
    ended: Instant | None = None
    flags: tuple[Flag, ...] = ()
    totals: Totals = {}
    readings: int = 0
    clock_ok: bool = True


class ReadingNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decoded state of a channel at one time.

    `preroll`: from the half minute before a start. `thinned`: like ones left out
    before it.
    """

    seq: Seq
    at: Instant
    mono_ns: MonoNs
    state: State
    values: Values
    session_id: str = ""
    flags: tuple[Flag, ...] = ()
    thinned: int = 0
    preroll: bool = False
    clock_ok: bool = True


class Telemetry(Message, frozen=True, kw_only=True, tag="telemetry/1"):
    """Readings of one channel in the order of `seq`; at most 64 kB."""

    readings: tuple[ReadingNote, ...]


class Post(msgspec.Struct, frozen=True):
    """A message on its way."""

    topic: str
    payload: bytes
    retain: bool = False


# topic below <ROOT>/<site> -> (its message, whether it is retained)
TOPICS: Final[dict[str, tuple[type[Message], bool]]] = {
    "daemon/state": (DaemonState, True),
    "daemon/info": (DaemonInfo, True),
    "daemon/health": (DaemonHealth, False),
    "{device}/availability": (Availability, True),
    "{device}/info": (DeviceInfo, True),
    "{device}/event": (DeviceNews, False),
    "{device}/{channel}/state": (ChannelState, True),
    "{device}/{channel}/session": (ChannelSession, True),
    "{device}/{channel}/telemetry": (Telemetry, False),
    "{device}/{channel}/event": (ChannelNews, False),
}

# What the doctor asks a broker with, by empty messages that nobody retains: where the
# recorder must be let write, and where nobody may who stands on an access list.
PROBE: Final = f"{ROOT}/{{site}}/daemon/doctor"
ELSEWHERE: Final = "devicelog-doctor/not-allowed"

encode: Final = msgspec.json.Encoder().encode


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds))


def instant(at_ns: int) -> str:
    """A time as messages carry it (see `Instant`). `at_ns`: UTC."""
    seconds, rest = divmod(at_ns, SECOND)
    return f"{_second(seconds)}.{rest:09d}Z"
