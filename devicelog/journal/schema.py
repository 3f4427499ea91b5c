"""The shape of the journal's file, and what each row is sealed with."""

import secrets
import zlib
from typing import Final, Literal

import msgspec

from devicelog.errors import JournalError
from devicelog.model.flow import Entry

VERSION: Final = 3
APPLICATION_ID: Final = 0x64764C67  # "dvLg"
PAGE_SIZE: Final = 4096

# `seq` is given by the writer, so no sequence table is needed; it never falls, for the
# newest stays, and a salvage that lost it leaves `floor` in meta. Triggers on UPDATE
# and DELETE cost an INSERT nothing; they let go what a retirement named (`retired`).
TABLES: Final = """
CREATE TABLE meta(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    body BLOB NOT NULL,
    crc INTEGER NOT NULL
) STRICT;
CREATE TABLE entries(
    seq INTEGER PRIMARY KEY,
    at_ns INTEGER NOT NULL,
    device TEXT NOT NULL,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    key TEXT NOT NULL,
    body BLOB NOT NULL,
    mac BLOB,
    crc INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_key ON entries(key);
CREATE UNIQUE INDEX entries_stamp ON entries(device, channel, at_ns);
CREATE INDEX entries_subject ON entries(subject) WHERE subject <> '';
CREATE INDEX entries_kind ON entries(kind) WHERE kind <> 'reading';
CREATE INDEX entries_mac ON entries(seq) WHERE mac IS NOT NULL;
CREATE TRIGGER entries_stand BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
CREATE TRIGGER entries_stay BEFORE DELETE ON entries
WHEN coalesce((SELECT last FROM retired WHERE first <= OLD.seq
    ORDER BY first DESC LIMIT 1), 0) < OLD.seq
BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END;
"""


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal is, written once at its birth.

    `lost` names ranges of seq that a salvage could not read; entries are numbered
    from above `floor`, so that a lost number is never given again.
    """

    app: Literal["devicelog"] = "devicelog"
    version: int = VERSION
    installation: str
    simulated: bool
    site: str
    created_at_ns: int
    lost: tuple[tuple[int, int], ...] = ()
    floor: int = 0


def born(*, simulated: bool, site: str, at_ns: int) -> Meta:
    """A new installation."""
    return Meta(
        installation=secrets.token_hex(8),
        simulated=simulated,
        site=site,
        created_at_ns=at_ns,
    )


def meta_row(meta: Meta) -> tuple[bytes, int]:
    """Body and checksum, as stored."""
    body = msgspec.json.encode(meta)
    return body, zlib.crc32(body)


def read_meta(body: bytes, crc: int) -> Meta:
    """The stored row back. Raises JournalError where it is not what was written."""
    if zlib.crc32(body) != crc:
        raise JournalError("the journal's description is damaged")
    try:
        return msgspec.json.decode(body, type=Meta)
    except msgspec.DecodeError as error:
        raise JournalError(
            f"the journal's description is not readable: {error}"
        ) from error


def seal(entry: Entry) -> int:
    """CRC-32 over all that a row says; what a flipped bit in a body cannot pass."""
    words = (str(entry.seq), str(entry.at_ns), entry.device, entry.channel)
    head = "\0".join((*words, entry.kind, entry.subject, entry.key))
    return zlib.crc32(entry.body, zlib.crc32(head.encode()))
