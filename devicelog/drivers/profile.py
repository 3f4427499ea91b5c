"""A device family as data: what a profile file declares (drivers/profiles/*.toml).

The same declaration decodes for the recorder and encodes for the simulator. The shapes
here are checked by `strict`; what spans several keys is checked by drivers.load. Which
shapes a file has, its framing style decides (drivers.styles).
"""

from typing import Literal

import msgspec

from devicelog.model.states import ContactPolicy, Convention, Modality, State
from devicelog.wire.base import Framed, Ordered, Wire
from devicelog.wire.modbus import ModbusWire


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the serial line."""

    baud: int
    bytesize: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1


class Timer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The device's own treatment timer. `stops_in`: states in which it stands still."""

    direction: Literal["down", "up", "none"] = "down"
    stops_in: tuple[State, ...] = ("paused", "hold_contact")


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What loss of contact does; below which intensity its sensor is not trusted."""

    policy: ContactPolicy = "none"
    unreliable_below_w_cm2: float = 0.0


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A group of outputs with one run state and one timer."""

    name: str
    modality: Modality


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A device family. `hash` is over the file's text; readings carry it.

    `interval_s`: time between two polls, or between two readings that the device sends
    unasked. `quiet_s`: a value counts at most so long; then the line counts as lost.
    `resume_window_s`: how long a fault may be overcome. `identity`: the message that
    says who answers, or none.
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
    identity: str = "none"
    channels: tuple[Output, ...]
    hash: str = ""


# --- Profiles that say it all in tables --------------------------------------------


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One kind of frame that the device sends, asked or unasked."""

    name: str


class Channel(Output, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An output, and where it is told of.

    `message` brings its values. `state` names the cell of its run state, `states` maps
    each code to a canonical state. `constants`: what the wire does not say but is so.
    """

    message: str
    state: str
    states: dict[str, State]
    constants: dict[str, str | float] = msgspec.field(default_factory=dict)


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One value in a message.

    The value is raw x scale + offset (+ the value named by `plus`), or what `values`
    maps the raw number or text to. `low`, `high`: narrower bounds than the catalogue's.
    `other`: the text for what `values` does not list, with {} for it; without it that
    makes the whole message unbelievable. `channel`: whom it speaks of, where several
    channels share a message; empty: each of them.
    """

    message: str
    name: str
    scale: float = 1.0
    offset: float = 0.0
    plus: str = ""
    values: dict[str, str | float | bool] = msgspec.field(default_factory=dict)
    other: str = ""
    channel: str = ""
    low: float | None = None
    high: float | None = None


class TableProfile(Profile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A profile that needs no Python."""

    messages: tuple[Message, ...]
    channels: tuple[Channel, ...]
    cells: tuple[Cell, ...]


# --- Modbus ------------------------------------------------------------------------


class Read(Message, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The answer to one Modbus read: function 1-4, first address, count."""

    function: Literal[1, 2, 3, 4]
    address: int
    count: int


class RegisterCell(Cell, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A value in registers.

    `at` counts registers (for bits: bits) from the message's first address. `type`:
    u16, s16, u32, s32 (high word first), bit (with `bit`), text (of `length`
    registers). `absent`: the raw number by which the device says that it has no value.
    """

    at: int
    type: Literal["u16", "s16", "u32", "s32", "bit", "text"] = "u16"
    bit: int = 0
    length: int = 1
    absent: int | None = None


class ModbusProfile(
    TableProfile, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Style modbus_rtu."""

    wire: ModbusWire
    messages: tuple[Read, ...]
    cells: tuple[RegisterCell, ...]


# --- Frames that a profile lays out itself -----------------------------------------


class Said(Message, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A message in frames.

    `ask`: the very bytes that are sent to get it (wire.notation); empty: it comes
    unasked. `refusal`: the device says by it that it does not answer; why, in words.
    """

    ask: str = ""
    refusal: str = ""


class BytesMessage(Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A message in numbers. `size`: bytes of the whole frame, its escapes undone.

    `when`: the values of single bytes by which it is known.
    """

    size: int
    when: dict[str, int] = msgspec.field(default_factory=dict)


class ByteCell(Cell, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A value in bytes. `at` counts from the first byte of the frame, its start.

    `type`: u8, s8, u16, s16, u32, s32, bit (with `bit`, 0 the lowest), text (of
    `length` bytes). `absent`: the raw number by which the device says that it has no
    value.
    """

    at: int
    type: Literal["u8", "s8", "u16", "s16", "u32", "s32", "bit", "text"] = "u8"
    bit: int = 0
    length: int = 1
    absent: int | None = None


class BytesProfile(TableProfile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Styles counted, stuffed, and delimited with binary data."""

    wire: Ordered
    messages: tuple[BytesMessage, ...]
    cells: tuple[ByteCell, ...]


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How text is laid out.

    keys: KEY=VALUE, parted by `separator`, in any order; fields: by their order;
    columns: by the places of their characters. `closed`: a separator stands behind the
    last as well.
    """

    form: Literal["keys", "fields", "columns"]
    separator: str = ","
    equals: str = "="
    closed: bool = False


class TextMessage(Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A message in text.

    `size`: of fields, how many there are; of columns, characters of the whole frame.
    `when`: the texts by which it is known; by key, number of field or first character.
    """

    size: int = 0
    when: dict[str, str] = msgspec.field(default_factory=dict)


class TextCell(Cell, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A value in text, found by `key`, or at a field or character (`at`, from 0).

    Characters are counted from the first of the frame, its start. `length`: characters
    it always has, numbers filled up in front with `pad`. `decimals`: digits that it
    always has behind the point; without it any number is taken. `absent`: the text by
    which the device says that it has no value; "" also if the key is missing.
    """

    key: str = ""
    at: int = -1
    length: int = 0
    decimals: int | None = None
    pad: Literal["zeros", "spaces"] = "zeros"
    absent: str | None = None


class TextProfile(TableProfile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Styles lines, and delimited with text."""

    wire: Framed
    text: Text
    messages: tuple[TextMessage, ...]
    cells: tuple[TextCell, ...]


# --- Python ------------------------------------------------------------------------


class PythonWire(Wire, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Style python: the entry point `driver` of group devicelog.drivers reads it.

    `bits`: strength of its check; under 16 readings must follow one another.
    """

    style: Literal["python"] = "python"
    driver: str
    bits: Literal[0, 7, 8, 16, 32]

    @property
    def check_bits(self) -> int:
        """See `Wire`."""
        return self.bits


class PythonProfile(Profile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A profile whose driver is Python. `messages`: all that it may ask."""

    wire: PythonWire
    messages: tuple[Said, ...] = ()
