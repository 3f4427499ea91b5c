"""A card for each channel: what it does now, in the words and shapes of the page."""

import math
from collections.abc import Iterator
from typing import Final

import msgspec

from devicelog.console.saying import dose, settings
from devicelog.console.texts import Texts
from devicelog.console.troubles import Trouble, of_line
from devicelog.export.words import Words
from devicelog.journal.reader import Reader
from devicelog.model.words import minutes
from devicelog.operations.status import ChannelStatus, DeviceStatus, Status

RING: Final = 52.0  # radius of the ring in its own units
AROUND: Final = round(2 * math.pi * RING, 1)


class Card(msgspec.Struct, frozen=True):
    """`left` as `3:20`; `gone` is how much of the ring is open, of `AROUND`.

    `modality` and `part` tell channels of one device apart, where it has several.
    `tone` is one of calm, busy, held, wrong. `wrong`: why it is not recorded.
    `settings` and `dose` are of a treatment: not for everybody.
    """

    id: str
    device: str
    channel: str
    label: str
    state: str
    tone: str
    modality: str = ""
    part: str = ""
    session_id: str = ""
    started_ns: int | None = None
    left: str = ""
    gone: float = 0.0
    settings: str = ""
    dose: str = ""
    contacts_lost: int = 0
    pauses: int = 0
    gap: bool = False
    wrong: tuple[Trouble, ...] = ()
    verified: bool = True


def mark(reader: Reader, card: Card) -> str:
    """Which session, bound by which entry: no person, but it changes with them."""
    stands = reader.standing(card.session_id) if card.session_id else None
    waits = [entry.seq for entry in reader.ahead(card.device)]
    return f"{card.session_id} {stands.seq if stands else 0} {waits}"


_TONES: Final = {
    "running": "busy",
    "ramping": "busy",
    "hold_contact": "held",
    "paused": "held",
    "fault": "wrong",
    "aborted": "wrong",
    "offline": "wrong",
}


def cards(status: Status, words: Words, texts: Texts) -> list[Card]:
    """Of all devices, in their order."""
    return [card for device in status.devices for card in _of(device, words, texts)]


def _of(device: DeviceStatus, words: Words, texts: Texts) -> Iterator[Card]:
    wrong = tuple(of_line(device, texts))
    if not device.channels:
        yield Card(
            id=device.name,
            device=device.name,
            channel="-",
            label=device.label or device.name,
            state="parked",
            tone="wrong",
            wrong=wrong,
        )
    for channel in device.channels:
        yield _card(device, channel, wrong, words)


def _card(
    device: DeviceStatus,
    channel: ChannelStatus,
    wrong: tuple[Trouble, ...],
    words: Words,
) -> Card:
    alike = [it for it in device.channels if it.modality == channel.modality]
    left, whole = channel.time_left_s, channel.settings.get("time_set_s")
    live = bool(channel.session_id)
    share = 0.0
    if live and left is not None and isinstance(whole, int | float) and whole > 0:
        share = min(1.0, max(0.0, 1 - left / whole))
    return Card(
        id=f"{device.name}.{channel.name}",
        device=device.name,
        channel=channel.name,
        label=device.label or device.name,
        modality=channel.modality if len(device.channels) > 1 else "",
        part=channel.name if len(alike) > 1 else "",
        state=channel.state,
        tone=_TONES.get(channel.state, "calm"),
        session_id=channel.session_id,
        started_ns=channel.started_ns,
        left=minutes(left) if live and left is not None else "",
        gone=round(AROUND * share, 1),
        settings=settings(words, channel.settings) if live else "",
        dose=dose(words, channel.totals) if live else "",
        contacts_lost=int(channel.totals.get("contacts_lost", 0)),
        pauses=int(channel.totals.get("pauses", 0)),
        gap="gap" in channel.flags,
        wrong=wrong,
        verified=device.verified or device.line != "online",
    )
