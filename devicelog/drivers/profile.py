"""A device family as data: what a profile file declares (drivers/profiles/*.toml).

The same declaration decodes for the recorder and encodes for the simulator. The shapes
here are checked by `strict`; what spans several keys is checked by drivers.load.
"""

from typing import Final, Literal

import msgspec

from devicelog.model.states import ContactPolicy, Convention, Modality, State

CHECK_BITS: Final = {"modbus_rtu": 16}


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the serial line."""

    baud: int
    bytesize: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1


class Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The framing style. `silence_ms`: quiet time after which a half frame is dead."""

    style: Literal["modbus_rtu"]
    unit: int = 1
    silence_ms: int = 50

    @property
    def check_bits(self) -> int:
        """Strength of the frame's check; under 16 readings must follow one another."""
        return CHECK_BITS[self.style]


class Timer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The device's own treatment timer. `stops_in`: states in which it stands still."""

    direction: Literal["down", "up", "none"] = "down"
    stops_in: tuple[State, ...] = ("paused", "hold_contact")


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What loss of contact does; below which intensity its sensor is not trusted."""

    policy: ContactPolicy = "none"
    unreliable_below_w_cm2: float = 0.0


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One Modbus read: function 1-4, first address, count of registers or bits."""

    name: str
    function: Literal[1, 2, 3, 4]
    address: int
    count: int


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value in the answer to a request.

    `at` counts registers (for bits: bits) from the request's first address. The value
    is raw x scale + offset, or what `values` maps the raw number to. `type`: u16, s16,
    u32, s32 (high word first), bit (with `bit`), text (with `length` registers).
    `low`, `high`: narrower bounds than the catalogue's. `absent`: the raw number by
    which the device says that it has no value. `other`: the text for numbers that
    `values` does not list, with {} for the number; without it such a number makes the
    whole answer unbelievable. `channel`: whom it speaks of, where several channels
    share a request; empty: each of them.
    """

    request: str
    at: int
    name: str
    type: Literal["u16", "s16", "u32", "s32", "bit", "text"] = "u16"
    bit: int = 0
    length: int = 1
    scale: float = 1.0
    offset: float = 0.0
    values: dict[str, str | float | bool] = {}
    other: str = ""
    channel: str = ""
    low: float | None = None
    high: float | None = None
    absent: int | None = None


class Channel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group of outputs with one run state and one timer."""

    name: str
    modality: Modality
    request: str
    state: str  # the name of the cell that carries the run state's code
    states: dict[str, State]  # code -> canonical state
    constants: dict[str, str | float] = {}  # what the wire does not say but is fixed


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A device family. `hash` is over the file's text; readings carry it.

    `interval_s`: time between two polls. `quiet_s`: a value counts at most so long;
    then the line counts as lost. `resume_window_s`: how long a fault may be overcome.
    `identity`: cells of the identity request by name (model, serial, firmware).
    """

    schema: Literal[1]
    name: str
    title: str
    reference: bool = False
    line: Line
    wire: Wire
    interval_s: float = 1.0
    reply_s: float = 0.5
    quiet_s: float = 2.5
    resume_window_s: float = 120.0
    convention: Convention = "unknown"
    combination: bool = False
    timer: Timer = Timer()
    contact: Contact = Contact()
    identity: str = "none"  # the name of the identity request, or none
    requests: tuple[Request, ...]
    channels: tuple[Channel, ...]
    cells: tuple[Cell, ...]
    hash: str = ""
