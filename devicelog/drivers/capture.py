"""What a profile makes of captured bytes: each frame, each noise, and why.

A capture has no times: what a session's rules or the gate would say is not told here.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from devicelog.drivers.base import Heard
from devicelog.drivers.profile import Profile
from devicelog.drivers.styles import driver
from devicelog.model.flow import Decoded, Frame, Identity, Noise
from devicelog.wire.base import Framer

What = Literal["reading", "identity", "request", "frame", "refused", "foreign", "noise"]


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """One piece of a capture, `at` its first byte, and what it says in words."""

    at: int
    what: What
    text: str
    raw: str
    decoded: Sequence[Decoded] = ()
    identity: Identity | None = None


class Summary(msgspec.Struct, frozen=True):
    """All pieces together. `noise` in bytes."""

    bytes: int
    frames: int
    readings: int
    noise: int


def explain(profile: Profile, data: bytes) -> Iterator[Told]:
    """The pieces of these bytes, in their order. Raises ConfigError (style python)."""
    it = driver(profile)
    asks = {request.data for request in (it.identify(), *it.polls()) if request}
    at = 0
    for piece in _pieces(it.framer(), data):
        raw = piece.data.hex(" ")
        if isinstance(piece, Noise):
            yield Told(at, "noise", piece.why, raw)
        elif piece.kind == "request" or piece.data in asks:
            it.hear(piece)
            yield Told(at, "request", "somebody asks", raw)
        else:
            heard = it.hear(piece)
            told = heard if heard != Heard() else _answered(profile, piece)
            yield _told(at, piece, told)
        at += len(piece.data)


def summary(pieces: Sequence[Told]) -> Summary:
    """What there is of each."""
    sizes = {it.at: len(bytes.fromhex(it.raw)) for it in pieces}
    noise = sum(sizes[it.at] for it in pieces if it.what == "noise")
    return Summary(
        bytes=sum(sizes.values()),
        frames=sum(it.what != "noise" for it in pieces),
        readings=sum(len(it.decoded) for it in pieces),
        noise=noise,
    )


# --- Private ----------------------------------------------------------------------


def _pieces(framer: Framer, data: bytes) -> list[Frame | Noise]:
    """What the framer makes of them; noise that touches is one."""
    pieces: list[Frame | Noise] = []
    for chunk in (data, b"") if data else ():
        for piece in framer.feed(chunk):
            last = pieces[-1] if pieces else None
            if isinstance(piece, Noise) and isinstance(last, Noise):
                pieces[-1] = Noise(last.data + piece.data, last.why)
            else:
                pieces.append(piece)
    return pieces


def _answered(profile: Profile, frame: Frame) -> Heard:
    """What it says if it answers what could have been asked; a capture may not show."""
    told = Heard()
    it = driver(profile)
    for request in (*it.polls(), it.identify()):
        if request:
            it = driver(profile)
            it.sent(request)
            heard = it.hear(frame)
            if heard.decoded or heard.identity:
                return heard
            told = heard if told == Heard() else told
    return told


def _told(at: int, frame: Frame, heard: Heard) -> Told:
    raw = frame.data.hex(" ")
    answers = f", as an answer to `{heard.answers}`" if heard.answers else ""
    if heard.problem:
        return Told(at, "noise", heard.problem, raw)
    for what, text in (("refused", heard.refusal), ("foreign", heard.foreign)):
        if text:
            return Told(at, "refused" if what == "refused" else "foreign", text, raw)
    if heard.identity:
        who = heard.identity
        text = f"it is {who.model} serial {who.serial} firmware {who.firmware}{answers}"
        return Told(at, "identity", text, raw, identity=who)
    if heard.decoded:
        said = "; ".join(f"channel {it.channel} is {it.state}" for it in heard.decoded)
        return Told(at, "reading", f"{said}{answers}", raw, heard.decoded)
    return Told(at, "frame", "a frame that says nothing to this profile", raw)
