"""Bodies to JSON and back. The only place where a body's bytes are made or read."""

from functools import cache
from typing import Any, Final, cast

import msgspec

from devicelog.errors import JournalError
from devicelog.model.flow import Reading, SessionEvent
from devicelog.model.kinds import TABLE, ReadingBody, ReadingGist

_encoder: Final = msgspec.json.Encoder()
_gist: Final = msgspec.json.Decoder(ReadingGist)


def encode(body: msgspec.Struct) -> bytes:
    """The body as compact JSON, keys in the order of its declaration."""
    return _encoder.encode(body)


@cache
def _decoder(kind: str) -> msgspec.json.Decoder[Any]:
    shape = TABLE[kind][2] if kind in TABLE else None
    return msgspec.json.Decoder(shape) if shape else msgspec.json.Decoder()


def decode(kind: str, body: bytes) -> Any:
    """The body of an entry of this kind; a plain dict for kinds without a shape.

    Raises JournalError where the bytes are not such a body.
    """
    try:
        return _decoder(kind).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JournalError(f"body of kind {kind} is not readable: {error}") from error


def gist(body: bytes) -> ReadingGist:
    """What a journalled reading tells. Raises JournalError, as `decode`."""
    try:
        return _gist.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise JournalError(f"body of kind reading is not readable: {error}") from error


def reading_body(
    reading: Reading, profile: str, *, thinned: int = 0, preroll: bool = False
) -> bytes:
    """A reading as it is journalled."""
    return _encoder.encode(
        ReadingBody(
            clock_ok=reading.clock_ok,
            state=reading.state,
            mono_ns=reading.mono_ns,
            values=reading.values,
            frame=reading.frame.hex(),
            profile=profile,
            thinned=thinned,
            preroll=preroll,
            flags=reading.flags,
        )
    )


def reading(channel: str, at_ns: int, body: bytes) -> Reading:
    """The reading back from a journalled body."""
    it = cast("ReadingBody", decode("reading", body))
    return Reading(
        channel=channel,
        state=it.state,
        mono_ns=it.mono_ns,
        at_ns=at_ns,
        values=it.values,
        frame=bytes.fromhex(it.frame),
        flags=it.flags,
        clock_ok=it.clock_ok,
    )


def session_event(body: bytes) -> SessionEvent:
    """The event back from the body of a `session` entry."""
    return cast("SessionEvent", decode("session", body))
