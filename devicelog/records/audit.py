"""The audit chain: what is noted in it, and whether it stands.

A chain alone cannot tell that its end was cut off, or that an older copy was put in its
place. An anchor can: a record and its mac that were seen somewhere else (an export, the
log, a broker). Without one the answer is "not provable", never "ok".
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from devicelog.errors import DevicelogError, JournalError
from devicelog.journal import chain
from devicelog.journal.access import open_reading
from devicelog.journal.directory import JOURNAL
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.model.audit import AuditBody
from devicelog.model.flow import Draft, Entry
from devicelog.model.kinds import TABLE, of_consequence
from devicelog.records.request import Args, Asked, View

TOLD: Final = 200  # so many subjects are told one by one
_ANCHOR: Final = re.compile(r"(\d+):([0-9a-f]{16,64})")

_NO_MAC: Final = "it carries no mac: recorded without the master key, or put in"
_NO_FIT: Final = "its mac does not fit it and the record before"
_OR_RETIREMENT: Final = ", or the retirement of what was before it was changed"

State = Literal["ok", "broken", "not provable"]


class Note(Args, frozen=True, kw_only=True, omit_defaults=True):
    """Something was done that no entry tells else; see `AuditBody`."""

    event: Literal["shown", "exported", "backed_up", "keys_backed_up", "restored"]
    what: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9 _.:-]{0,64}$")] = ""
    subjects: tuple[str, ...] = ()
    count: int = 0
    sha256: str = ""
    head: str = ""


class Anchor(msgspec.Struct, frozen=True):
    """A record and its mac (or the beginning of it, 16 digits at least)."""

    seq: int
    mac: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.mac}"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: `first_bad` is the first record that is not as it was written.

    `head` is the newest record that stands: to be kept elsewhere, as an anchor.
    `records` stand; `retired` more left with their sessions by age, and records of the
    chain that stand hold their macs.
    """

    state: State
    records: int
    retired: int = 0
    first_bad: int | None = None
    why: str = ""
    head: str = ""
    anchor: str = ""


def note(_: View, asked: Asked, args: Note) -> list[Draft]:
    """One audit record."""
    body = asked.body(
        AuditBody,
        event=args.event,
        what=args.what,
        subjects=args.subjects if len(args.subjects) <= TOLD else (),
        count=args.count or len(args.subjects),
        sha256=args.sha256,
        head=args.head,
    )
    subject = args.subjects[0] if len(args.subjects) == 1 else ""
    return [asked.draft("audit", body, subject)]


def head(reader: Reader) -> Anchor | None:
    """The newest record: to be shown on exports, in the log, to a broker."""
    newest = reader.head()
    return Anchor(newest[0], newest[1].hex()) if newest else None


class Row(msgspec.Struct, frozen=True):
    """A record of consequence in few words."""

    seq: int
    at_ns: int
    kind: str
    by: str
    what: str
    subject: str
    more: str


def newest(directory: str, limit: int, subject: str | None = None) -> list[Row]:
    """The newest records that a person caused (and the chain's own), latest first."""
    kinds = [kind for kind, (_, cause, _) in TABLE.items() if cause == "person"]
    with contextlib.closing(open_reading(Path(directory) / JOURNAL)) as db:
        return [row(entry) for entry in chain.newest(db, kinds, subject, limit)]


def anchor_of(text: str) -> Anchor:
    """An anchor as it is printed. Raises DevicelogError."""
    match = _ANCHOR.fullmatch(text.strip().lower())
    if match is None:
        raise DevicelogError(
            "that is no anchor",
            hint="a record and its mac, as in 1234:9f3c0a77e1b2c3d4",
        )
    return Anchor(int(match[1]), match[2])


def verify(
    directory: str,
    key: bytes,
    anchor: Anchor | None = None,
    seen: Callable[[int], None] = lambda _: None,
) -> Verdict:
    """Walk the whole chain; `seen` counts its records. A recorder may run meanwhile."""
    walk = _Walk(key, anchor, seen)
    try:
        with contextlib.closing(open_reading(Path(directory) / JOURNAL)) as db:
            for at, why in walk.faults(chain.records(db), chain.Content(db)):
                return walk.verdict("broken", at, why)
    except UnicodeError as error:
        raise JournalError(
            f"the journal in {directory} is damaged: {error}",
            hint="say `devicelog db check`",
        ) from error
    return walk.end()


def row(entry: Entry) -> Row:
    """One record; none of them says a name."""
    body = codec.decode(entry.kind, entry.body)
    event = str(getattr(body, "event", "") or entry.kind)
    told = [str(getattr(body, name, "")) for name in ("what", "pseudonym", "reason")]
    count = getattr(body, "count", 0)
    more = [it for it in told if it not in ("", "None", entry.subject)]
    return Row(
        entry.seq,
        entry.at_ns,
        entry.kind,
        getattr(body, "by", ""),
        event.replace("_", " "),
        entry.subject,
        " ".join([*more, *([f"({count})"] if count > 1 else [])]),
    )


class _Walk:
    def __init__(
        self, key: bytes, anchor: Anchor | None, seen: Callable[[int], None]
    ) -> None:
        self._key = key
        self._anchor = anchor
        self._seen = seen
        self._met = False
        self._mac = chain.START
        self._last = self._count = self._retired = 0
        self._passed = False  # records that left, since the last that stands

    def faults(
        self, records: Iterator[list[Entry]], content: chain.Content
    ) -> Iterator[tuple[int, str]]:
        """Each record that is not as it was written, and why; the first is for sure."""
        for page in records:
            for entry in page:
                why = self._fault(entry, content)
                if why:
                    missing = content.missing(self._last, entry.seq)
                    yield (missing, "it is missing") if missing else (entry.seq, why)
            self._seen(len(page))

    def _fault(self, entry: Entry, content: chain.Content) -> str:
        if why := self._pass(entry, content):
            return why
        if entry.mac is None:
            linked = self._count and of_consequence(entry.kind, entry.body)
            return _NO_MAC if linked else ""
        self._mac = chain.mac(self._key, self._mac, entry)
        if self._mac != entry.mac:
            return _NO_FIT + (_OR_RETIREMENT if self._passed else "")
        if why := self._carries(entry, content):
            return why
        if why := self._meet(entry.seq, entry.mac):
            return why
        self._last, self._count, self._passed = entry.seq, self._count + 1, False
        return ""

    def _pass(self, entry: Entry, content: chain.Content) -> str:
        """Over the records before this one that left, by what retirements kept."""
        for seq, before, mac in content.left_before(entry.seq):
            if seq == entry.seq:
                return "it left by a retirement, and stands there again"
            if before != self._mac:
                return f"record {seq}, which left before it, does not follow the others"
            if why := self._meet(seq, mac):
                return why
            self._mac, self._passed = mac, True
            self._retired += 1
        return ""

    def _meet(self, seq: int, mac: bytes) -> str:
        """Whether this record, or one that left, is the anchor; why it is not."""
        if self._anchor is not None and self._anchor.seq == seq:
            if not mac.hex().startswith(self._anchor.mac):
                return f"the mac of record {seq} is not the anchor's"
            self._met = True
        return ""

    def _carries(self, entry: Entry, content: chain.Content) -> str:
        """What this record says of other entries, if it is not so."""
        if not self._count:
            body = codec.decode(entry.kind, entry.body)
            if getattr(body, "event", "") != "chain_begun":
                return "the chain does not begin here: what was before is missing"
            if not content.earlier_are(entry.seq, body.sha256):
                return "the entries before it are not those that it was begun after"
        if entry.kind == "session":
            end = codec.session_event(entry.body)
            if not content.readings_are(entry, end.readings, end.readings_sha256):
                return f"the readings of session {end.session_id} are not as recorded"
        return ""

    def end(self) -> Verdict:
        """Nothing is broken up to here; what that proves."""
        if self._anchor is None:
            why = "whether its end was cut off, only an anchor can tell"
            return self.verdict("not provable", None, why)
        if not self._met:
            why = (
                f"record {self._anchor.seq}, the anchor, is not there: the end was cut"
            )
            why += " off, or an older copy stands in its place"
            return self.verdict("broken", self._last + 1, why)
        return self.verdict("ok", None, "")

    def verdict(self, state: State, at: int | None, why: str) -> Verdict:
        """What is known by now."""
        return Verdict(
            state=state,
            records=self._count,
            retired=self._retired,
            first_bad=at,
            why=why,
            head=f"{self._last}:{self._mac.hex()}" if state != "broken" else "",
            anchor=str(self._anchor or ""),
        )
