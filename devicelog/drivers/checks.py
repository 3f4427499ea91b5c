"""What spans several keys of a profile: its line, times, identity and channels.

Messages, cells and the wire have files of their own. Each finding names key, value and
remedy.
"""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from devicelog.drivers import cell_checks, message_checks, wire_checks
from devicelog.drivers.draft import Draft
from devicelog.drivers.profile import Channel, Message, Output, Profile
from devicelog.drivers.subject import IDENTITY
from devicelog.model.fields import FIELDS
from devicelog.model.states import EMITTING
from devicelog.strict import Problem
from devicelog.wire.base import Framed

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_NAMING: Final = "small letters, digits, - and _, 32 at most"
_BAUDS: Final = (
    *(300, 600, 1200, 2400, 4800, 9600, 14400, 19200, 28800, 38400, 57600, 76800),
    *(115200, 230400, 250000, 460800, 500000, 576000, 921600, 1_000_000),
)
# What a pause must last to part two frames (Modbus over serial line V1.02, 2.5.1.1).
_PAUSE_CHARACTERS: Final = 3.5
_CHARACTER_BITS: Final = 11
# The cell that a timer of this direction needs.
_TIMERS: Final = {"down": "time_left_s", "up": "time_elapsed_s"}


def problems(draft: Draft) -> Iterator[Problem]:
    """All that is wrong with what is well-formed."""
    head = draft.head
    if head:
        yield from _head(draft, head)
        wrong = [*wire_checks.problems(draft, head)]
        yield from wrong
        if isinstance(head.wire, Framed) and not wrong:
            draft = msgspec.structs.replace(draft, framing=head.wire.framing())
        yield from _line(draft, head)
        yield from _times(draft, head)
    yield from _names(draft, "messages", draft.messages)
    yield from _names(draft, "channels", draft.outputs)
    yield from message_checks.problems(draft)
    if draft.style.kind == "python":
        return
    yield from _identity(draft)
    for key, channel in draft.channels:
        yield from _channel(draft, key, channel)
        yield from _codes(draft, key, channel)
        yield from _constants(draft, key, channel)
    yield from cell_checks.problems(draft)


# --- Private ----------------------------------------------------------------------


def _head(draft: Draft, head: Profile) -> Iterator[Problem]:
    if not _NAME.fullmatch(head.name):
        yield draft.problem("name", f'"{head.name}" cannot name a profile', _NAMING)
    if "hash" in draft.table.values:
        yield draft.problem("hash", "is computed from the file", "remove it")


def _line(draft: Draft, head: Profile) -> Iterator[Problem]:
    baud, silence = head.line.baud, head.wire.silence_ms
    if baud not in _BAUDS:
        near = min(_BAUDS, key=lambda it: abs(it - baud))
        yield draft.problem("line.baud", f"{baud} is no usual speed", f"as in {near}")
        return
    shortest = math.ceil(_PAUSE_CHARACTERS * _CHARACTER_BITS / baud * 1000)
    longest = head.interval_s * 1000 if head.interval_s > 0 else math.inf
    if not shortest <= silence < longest:
        yield draft.problem(
            "wire.silence_ms",
            f"{silence} cannot part two frames",
            f"at least {shortest} at {baud} baud, and under interval_s; 50 fits most",
        )


def _times(draft: Draft, head: Profile) -> Iterator[Problem]:
    for key in ("interval_s", "reply_s", "quiet_s", "resume_window_s"):
        value = getattr(head, key)
        if not math.isfinite(value) or value <= 0:
            yield draft.problem(key, f"{value:g} is no time", "seconds, above 0")
    if head.quiet_s < head.interval_s:
        yield draft.problem(
            "quiet_s",
            f"{head.quiet_s:g} is under interval_s, {head.interval_s:g}: the line "
            "would count as lost between any two polls",
            f"at least {2 * head.interval_s:g}",
        )
    if head.reply_s > head.quiet_s:
        yield draft.problem(
            "reply_s",
            f"{head.reply_s:g} is above quiet_s, {head.quiet_s:g}: the line "
            "would count as lost while an answer is waited for",
            "usual devices answer within 0.5",
        )
    below = head.contact.unreliable_below_w_cm2
    if not 0 <= below < math.inf:
        yield draft.problem(
            "contact.unreliable_below_w_cm2",
            f"{below:g} is no intensity",
            "in W/cm2, 0 or above",
        )


def _names(
    draft: Draft, section: str, items: Sequence[tuple[str, Message | Output]]
) -> Iterator[Problem]:
    seen: set[str] = set()
    for key, item in items:
        if not _NAME.fullmatch(item.name):
            yield draft.problem(f"{key}.name", f'"{item.name}" is no name', _NAMING)
        if item.name in seen:
            yield draft.problem(
                f"{key}.name", f'"{item.name}" is used twice', "rename one of them"
            )
        seen.add(item.name)
    needed = section == "channels" or draft.style.kind != "python"
    if needed and not draft.names(section):
        yield draft.problem(section, "there are none", f"add [[{section}]]")


def _identity(draft: Draft) -> Iterator[Problem]:
    name = draft.head.identity if draft.head else "none"
    if name == "none":
        return
    if name not in draft.names("messages"):
        yield draft.problem(
            "identity", f'"{name}" is no message', _one_of(draft.names("messages"))
        )
    elif not {"model", "serial"} & {
        cell.name for _, cell in draft.cells if cell.message == name
    }:
        yield draft.problem(
            "identity",
            f'"{name}" has no cell that tells devices apart',
            f"add a cell named {' or '.join(IDENTITY[:2])}",
        )


def _channel(draft: Draft, key: str, channel: Channel) -> Iterator[Problem]:
    if channel.message not in draft.names("messages"):
        yield draft.problem(
            f"{key}.message",
            f'"{channel.message}" is no message',
            _one_of(draft.names("messages")),
        )
    elif draft.identifies(channel.message):
        yield draft.problem(
            f"{key}.message",
            f'"{channel.message}" says who is there and brings no readings',
            "name the message that brings the channel's values",
        )
    own = {cell.name for _, cell in draft.cells if channel in draft.channels_of(cell)}
    if channel.state not in own and channel.state not in draft.names("cells"):
        yield draft.problem(
            f"{key}.state",
            f'"{channel.state}" is no cell',
            "add [[cells]] of that name",
        )
    elif channel.state not in own:
        yield draft.problem(
            f"{key}.state",
            f'"{channel.state}" is no cell of message "{channel.message}"',
            "the run state comes with the channel's own message",
        )
    if channel.state in FIELDS:
        yield draft.problem(
            f"{key}.state",
            f'"{channel.state}" is the name of a value',
            'call the cell of the run state "state"',
        )
    needed = _TIMERS.get(draft.head.timer.direction) if draft.head else None
    if needed and needed not in draft.names("cells"):
        yield draft.problem(
            "timer.direction",
            f'channel "{channel.name}" has no cell {needed}',
            'add it, or write "none" if the device tells no time',
        )


def _codes(draft: Draft, key: str, channel: Channel) -> Iterator[Problem]:
    if draft.style.kind != "text":
        yield from cell_checks.codes(draft, f"{key}.states", channel.states)
    for code, state in channel.states.items():
        if state == "offline":
            yield draft.problem(
                f"{key}.states.{code}",
                '"offline" is the state of the line, no device sends it',
                'a device that is on and does nothing is "idle"',
            )
    if not EMITTING & set(channel.states.values()):
        yield draft.problem(
            f"{key}.states",
            "no code means that the device is giving treatment",
            'map one to "running" (or "ramping")',
        )


def _constants(draft: Draft, key: str, channel: Channel) -> Iterator[Problem]:
    told = {cell.name for _, cell in draft.cells if channel in draft.channels_of(cell)}
    for name, value in channel.constants.items():
        at = f"{key}.constants.{name}"
        yield from cell_checks.name(draft, at, name, (channel,))
        if name in FIELDS:
            yield from cell_checks.value(draft, at, name, value)
        if name in told:
            yield draft.problem(
                at, f"{name} is told by a cell as well", "keep one of them"
            )


def _one_of(names: list[str]) -> str:
    return f"one of {', '.join(names)}" if names else "add [[messages]]"
