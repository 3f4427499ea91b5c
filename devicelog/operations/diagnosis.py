"""What is wrong with a line that brings no reading, told from the bytes that it brings.

Nothing is sent, and no port set otherwise, to find out. A device that must be asked and
speaks another speed does not understand, and is as silent as one that is off: that can
only be told where it speaks by itself, or where another host asks it (tap).
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from devicelog.drivers.load import available, driver, load
from devicelog.drivers.profile import (
    BytesMessage,
    Line,
    Message,
    Profile,
    Read,
    TableProfile,
    TextMessage,
    TextProfile,
)
from devicelog.model.flow import Frame
from devicelog.model.kinds import Counts
from devicelog.recorder.device import Device
from devicelog.wire.modbus import size
from devicelog.wire.notation import spelled

Finding = Literal[
    "works",
    "no_port",  # it cannot be opened
    "no_bytes",
    "no_traffic",  # the same on a line that is only listened to
    "other_speed",
    "other_format",
    "other_profile",  # frames of another profile
    "no_frames",  # bytes of the right speed, as far as can be told
    "other_device",
    "no_reading",  # frames that say nothing of a channel
]


class Diagnosis(msgspec.Struct, frozen=True):
    """What it is, and in a sentence or two what may be done."""

    finding: Finding
    text: str


_ENOUGH: Final = 8  # bytes; fewer prove nothing
_NEARLY_ALL: Final = 0.97
_MOST: Final = 0.5
_FEWER: Final = 0.75  # of the bytes that its frames have
_SPEEDS: Final = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
_TEXT: Final = frozenset(range(0x20, 0x7F)) | {0x0A, 0x0D, 0x09, 0x02, 0x03}
_ADDRESS_AND_MORE: Final = 5  # bytes of a Modbus answer beside its data
_ASKED: Final = 8  # bytes of a Modbus request
_USUAL: Final = 3  # characters of a value in text
_EIGHT: Final = 8
_WHOLE: Final = 9  # start bit and data


def diagnose(
    device: Device, brought: Counts, bursts: Sequence[bytes], rate: float
) -> Diagnosis:
    """What was heard says: bytes in bursts, so many a second, what became of them."""
    line, profile = device.line, device.driver.profile
    tapped = device.settings.access == "tap"
    if brought.readings:
        return Diagnosis("works", "it works")
    if line.state == "foreign":
        return Diagnosis("other_device", line.text)
    if not brought.bytes:
        if line.state in ("missing", "busy", "forbidden", "unusable"):
            return Diagnosis("no_port", line.text)
        return _silent(profile, tapped=tapped, asks=bool(device.driver.polls()))
    if brought.frame_bytes > brought.noise_bytes:
        return Diagnosis("no_reading", line.text)
    return _noise(profile, bursts, rate, tapped=tapped)


# --- Private ----------------------------------------------------------------------


def _silent(profile: Profile, *, tapped: bool, asks: bool) -> Diagnosis:
    if tapped and asks:
        return Diagnosis(
            "no_traffic",
            "no byte on this line: is its own host on, and does it ask the device? "
            "Are both directions wired to this port?",
        )
    text = "no byte arrives: is the device on, is this its cable?"
    if asks:
        text += (
            f" One that is not set to {_named(profile.line)} does not understand what "
            "it is asked, and is as silent."
        )
    return Diagnosis("no_traffic" if tapped else "no_bytes", text)


def _noise(
    profile: Profile, bursts: Sequence[bytes], rate: float, *, tapped: bool
) -> Diagnosis:
    """Bytes that are no frames of the profile, so many a second."""
    line, heard = profile.line, b"".join(bursts)
    told = f"bytes arrive, none decode as {profile.name}"
    if len(heard) < _ENOUGH:
        return Diagnosis("no_frames", f"{told}; they are too few to say more")
    other = _slower(line, heard) or _seven_bits(profile, heard)
    if other:
        return Diagnosis(other.finding, f"{told}: {other.text}")
    name = _speaks(profile, heard)
    if name:
        return Diagnosis(
            "other_profile",
            f'{told}: they are frames of profile "{name}". Name that, or the port of '
            "this device",
        )
    if rate < _FEWER * _expected(profile, tapped=tapped):
        other = _shorter(profile, bursts)
        return Diagnosis(
            other.finding,
            f"{told}, and they are fewer than its frames have: {other.text}",
        )
    if sum(byte in _TEXT for byte in heard) > _NEARLY_ALL * len(heard):
        told += f". They are text: {_named(line)} is right, the profile is not"
    return Diagnosis("no_frames", f"{told}. `profile check --capture` shows why")


def _slower(line: Line, heard: bytes) -> Diagnosis | None:
    """Whether each of their bits lasts for several of ours.

    A byte begins with the start bit; its last bits may run on into the stop bit.
    """
    lengths = sorted(min(_runs(byte), default=_WHOLE) for byte in heard)
    times = lengths[int((1 - _NEARLY_ALL) * len(lengths))]
    if times < 2:  # noqa: PLR2004  some last for one
        return None
    usual = [it for it in _SPEEDS if it * times <= line.baud]
    guess = f", {usual[-1]} for example" if usual else ""
    return Diagnosis(
        "other_speed",
        f"no bit of theirs is shorter than {times} of {line.baud} baud. The device is "
        f"slower{guess}: see its manual or menu, then `baud`",
    )


def _seven_bits(profile: Profile, heard: bytes) -> Diagnosis | None:
    """Whether what stands in the eighth bit is a parity, or a stop bit."""
    parity = _parity(heard) if profile.line.bytesize == _EIGHT else ""
    if not parity:
        return None
    name = _speaks(profile, bytes(byte & 0x7F for byte in heard))
    whose = f", and without it they are frames of {name}" if name else ""
    what = "stop bit" if parity == "N" else "parity"
    return Diagnosis(
        "other_format",
        f"the eighth bit of each is a {what}{whose}. The device sends 7 bits: "
        f'bytesize = 7, parity = "{parity}", not {_named(profile.line)}',
    )


def _shorter(profile: Profile, bursts: Sequence[bytes]) -> Diagnosis:
    """Why there are fewer bytes: characters that are shorter, or all bits."""
    begins = _begins(profile)
    right = sum(burst[:1] in begins for burst in bursts)
    if profile.line.parity != "N" and right > _MOST * len(bursts):
        return Diagnosis(
            "other_format",
            "the first of each burst is right, so the speed is. Does the device send a "
            f"parity bit, as in {_named(profile.line)}?",
        )
    return Diagnosis(
        "other_speed",
        f"the device may be faster than {profile.line.baud} baud. See its manual or "
        "menu, then `baud`",
    )


def _named(line: Line) -> str:
    return f"{line.baud} {line.bytesize}{line.parity}{line.stopbits}"


def _runs(byte: int) -> Iterator[int]:
    """How long each level lasts in a character, but for the last."""
    last, count = 0, 1
    for n in range(8):
        bit = byte >> n & 1
        if bit == last:
            count += 1
        else:
            yield count
            last, count = bit, 1


def _parity(heard: bytes) -> str:
    """E or O if the eighth bits are such a parity of the others; N: all are set."""
    different = set(heard)  # zeros, of which binary frames have many, prove nothing
    eighths = {byte >> 7 for byte in different}
    if len(different) < _ENOUGH or eighths == {0}:
        return ""
    if eighths == {1}:
        return "N"
    even = sum(byte.bit_count() & 1 == 0 for byte in different)
    if even >= _NEARLY_ALL * len(different):
        return "E"
    return "O" if even <= (1 - _NEARLY_ALL) * len(different) else ""


def _speaks(profile: Profile, heard: bytes) -> str:
    """The shipped profile, or this one, whose frames most of these bytes are."""
    known = [profile, *(load(it) for it in available() if it != profile.name)]
    for it in known:
        framer = driver(it).framer()
        pieces = [*framer.feed(heard), *framer.feed(b"")]
        framed = sum(len(piece.data) for piece in pieces if isinstance(piece, Frame))
        if framed > _MOST * len(heard):
            return it.name
    return ""


def _begins(profile: Profile) -> set[bytes]:
    """With which bytes frames and requests begin; none where that is not known."""
    start = spelled(getattr(profile.wire, "start", ""))
    asks = [spelled(getattr(it, "ask", "")) for it in getattr(profile, "messages", ())]
    unit = getattr(profile.wire, "unit", None)
    begun = {it[:1] for it in (start, *asks) if it}
    return begun if unit is None else begun | {bytes((unit,))}


def _expected(profile: Profile, *, tapped: bool) -> float:
    """Bytes a second that its frames have, at least; 0: that is not known."""
    if not isinstance(profile, TableProfile):
        return 0.0
    told = {channel.message for channel in profile.channels}
    sizes = [
        _size(profile, it) + (_request(it) if tapped else 0)
        for it in profile.messages
        if it.name in told
    ]
    return sum(sizes) / profile.interval_s


def _size(profile: TableProfile, message: Message) -> int:
    if isinstance(message, Read):
        return size(message.function, message.count) + _ADDRESS_AND_MORE
    if isinstance(message, BytesMessage) or (
        isinstance(message, TextMessage) and message.size and _columns(profile)
    ):
        return message.size
    if not isinstance(profile, TextProfile):
        return 0
    cells = [it for it in profile.cells if it.message == message.name]
    aside = len(profile.text.separator) + (
        len(profile.text.equals) if profile.text.form == "keys" else 0
    )
    return sum(len(it.key) + aside + (it.length or _USUAL) for it in cells)


def _columns(profile: TableProfile) -> bool:
    return isinstance(profile, TextProfile) and profile.text.form == "columns"


def _request(message: Message) -> int:
    if isinstance(message, Read):
        return _ASKED
    return len(spelled(getattr(message, "ask", "")))
