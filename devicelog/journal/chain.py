"""The audit chain: an HMAC over each record of consequence and the one before.

It is made in the transaction that appends the record. The chain begins with a dated
record that holds a hash over all earlier entries. What it proves and what it cannot (a
cut end) is for `records/audit` to say.
"""

import hashlib
import hmac
import sqlite3
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from devicelog.errors import JournalError
from devicelog.journal import retired
from devicelog.model import codec
from devicelog.model.audit import AuditBody
from devicelog.model.flow import Draft, Entry
from devicelog.model.kinds import KINDS, LINKED, of_consequence
from devicelog.model.retirement import Link

START: Final = b""  # what stands before the first mac
FIRST: Final = "chain/-/-/0"  # the key of the first record
_NOWHERE: Final = "-"
_PAGE: Final = 10_000
_pack: Final = msgspec.json.Encoder().encode


class Chain:
    """One key, and the mac of the newest record that stands; `START` before any."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.head = START

    def mac(self, entry: Entry) -> bytes | None:
        """The mac of this entry as the next record; None where it is none."""
        if not of_consequence(entry.kind, entry.body):
            return None
        return mac(self._key, self.head, entry)

    def genesis(self, db: sqlite3.Connection, at_ns: int, *, clock_ok: bool) -> Draft:
        """The record with which the chain begins, after all that stands in `db`."""
        body = AuditBody(
            clock_ok=clock_ok,
            by="devicelog",
            request="",
            mono_ns=0,
            boot_id="",
            event="chain_begun",
            sha256=earlier(db, None),
            key_id=key_id(self._key),
        )
        said = codec.encode(body)
        return Draft(at_ns, _NOWHERE, _NOWHERE, "audit", "", FIRST, said, edge=True)


def mac(key: bytes, before: bytes, entry: Entry) -> bytes:
    """HMAC-SHA256 over the mac before and all that the entry says."""
    return hmac.digest(key, before + packed(entry), "sha256")


def packed(entry: Entry) -> bytes:
    """All that an entry says, in one way: JSON has no newline, and escapes."""
    head = (
        *(entry.seq, entry.at_ns, entry.device, entry.channel),
        *(entry.kind, entry.subject, entry.key),
    )
    return _pack(head) + b"\n" + entry.body


def key_id(key: bytes) -> str:
    """Tells keys apart without telling them."""
    return hmac.digest(key, b"devicelog key id", "sha256").hex()[:16]


def earlier(db: sqlite3.Connection, before: int | None) -> str:
    """SHA-256 over all entries before this seq (None: all), in order."""
    digest, after = hashlib.sha256(), 0
    sql = (
        "SELECT seq, at_ns, device, channel, kind, subject, key, body FROM entries"
        " WHERE seq > ? AND (?2 IS NULL OR seq < ?2) ORDER BY seq LIMIT ?3"
    )
    while rows := db.execute(sql, (after, before, _PAGE)).fetchall():
        for row in rows:
            digest.update(packed(Entry(*row)))
        after = rows[-1][0]
    return digest.hexdigest()


def begun_with(db: sqlite3.Connection) -> str:
    """The id of the key with which the chain was begun; empty where there is none."""
    row = db.execute("SELECT body FROM entries WHERE key = ?", (FIRST,)).fetchone()
    return str(codec.decode("audit", row[0]).key_id) if row else ""


def last(db: sqlite3.Connection) -> tuple[int, bytes] | None:
    """The newest record of the chain and its mac; None where there is no chain."""
    row = db.execute(
        "SELECT seq, mac FROM entries INDEXED BY entries_mac WHERE mac IS NOT NULL"
        " ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    return (row[0], bytes(row[1])) if row else None


def records(db: sqlite3.Connection) -> Iterator[list[Entry]]:
    """All that has a mac or should have one, in order, by pages."""
    kinds = ", ".join(f"'{kind}'" for kind in KINDS if kind in LINKED)  # our names
    sql = (
        "SELECT seq, at_ns, device, channel, kind, subject, key, body, mac"  # noqa: S608
        f" FROM entries WHERE seq > ? AND (mac IS NOT NULL OR kind IN ({kinds}))"
        " ORDER BY seq LIMIT ?"
    )
    after = 0
    while rows := db.execute(sql, (after, _PAGE)).fetchall():
        yield [Entry(*row) for row in rows]
        after = rows[-1][0]


def newest(
    db: sqlite3.Connection, kinds: Sequence[str], subject: str | None, limit: int
) -> list[Entry]:
    """The newest entries of these kinds (of this subject), the latest first."""
    names = ", ".join("?" * len(kinds))
    sql = (
        "SELECT seq, at_ns, device, channel, kind, subject, key, body, mac"  # noqa: S608
        f" FROM entries WHERE kind <> 'reading' AND kind IN ({names})"
        " AND (? IS NULL OR subject = ?) ORDER BY seq DESC LIMIT ?"
    )
    rows = db.execute(sql, (*kinds, subject, subject, limit)).fetchall()
    return [Entry(*row) for row in rows]


class Before:
    """The mac before any number: of a record that stands, or of one that left."""

    def __init__(self, db: sqlite3.Connection) -> None:
        told = retired.bodies(db, linked_only=True)
        self._links = sorted(it for body in told for it in body.links)

    def add(self, links: Sequence[Link]) -> None:
        """These left just now."""
        self._links = sorted((*self._links, *links))

    def mac(self, db: sqlite3.Connection, seq: int) -> bytes:
        """`START` where no record is before it."""
        row = db.execute(
            "SELECT seq, mac FROM entries INDEXED BY entries_mac"
            " WHERE mac IS NOT NULL AND seq < ? ORDER BY seq DESC LIMIT 1",
            (seq,),
        ).fetchone()
        n = bisect_left(self._links, (seq, b"", b""))
        left, _, mac_left = self._links[n - 1] if n else (0, START, START)
        return bytes(row[1]) if row and row[0] > left else mac_left


def proved(
    db: sqlite3.Connection,
    key: bytes,
    before: Before,
    macs: Sequence[tuple[int, bytes]],
) -> tuple[Link, ...]:
    """What must be kept of these records that stand, which are about to leave.

    Raises JournalError where one is not what its mac is of.
    """
    sql = (
        "SELECT seq, at_ns, device, channel, kind, subject, key, body"
        " FROM entries WHERE seq = ?"
    )
    links = []
    for seq, found in macs:
        entry = Entry(*db.execute(sql, (seq,)).fetchone())
        link = (seq, before.mac(db, seq), found)
        if mac(key, link[1], entry) != found:
            raise JournalError(
                f"record {seq} of the audit chain is not what was written",
                hint="say `devicelog audit verify`",
            )
        links.append(link)
    return tuple(links)


class Content:
    """What records of the chain say of other entries, asked of the journal."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        told = retired.bodies(db, linked_only=True)
        self._gone = retired.Gone(told)
        self._links: deque[Link] = deque(
            sorted(it for body in told for it in body.links)
        )
        self._left: Counter[str] = Counter()
        for body in told:
            self._left.update({it: n for it, (n, *_) in body.tallies.items()})

    def earlier_are(self, before: int, sha256: str) -> bool:
        """Whether all entries before this one have that hash.

        Where some of them left since, only the records of their leaving vouch for it.
        """
        first = next(iter(self._gone), (before, before))[0]
        return first < before or earlier(self._db, before) == sha256

    def readings_are(self, end: Entry, count: int, sha256: str) -> bool:
        """Whether the session's kept readings are those that its end tells of.

        What left by a retirement is counted by the record of that.
        """
        digest, found = hashlib.sha256(), 0
        sql = (
            "SELECT body FROM entries INDEXED BY entries_subject WHERE subject = ?"
            " AND subject <> '' AND kind = 'reading' AND seq < ? ORDER BY seq"
        )
        for (body,) in self._db.execute(sql, (end.subject, end.seq)):
            digest.update(body)
            found += 1
        left = self._left[end.subject]
        whole = left or not sha256 or digest.hexdigest() == sha256
        return bool(found + left == count and whole)

    def left_before(self, seq: int) -> Iterator[Link]:
        """Records that left by a retirement, up to this number, each told once.

        They are what the retirements say, which stand further on in the chain and prove
        it there.
        """
        while self._links and self._links[0][0] <= seq:
            yield self._links.popleft()

    def missing(self, after: int, before: int) -> int | None:
        """The first number between the two that no entry has."""
        for (seq,) in self._db.execute(
            "SELECT seq FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq",
            (after, before),
        ):
            while seq != after + 1:
                if not (end := self._gone.end_of(after + 1)):
                    return after + 1
                after = end
            after = seq
        return None
