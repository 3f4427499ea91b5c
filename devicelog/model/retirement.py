"""The body of an entry that tells what left the journal, and by which it leaves."""

from typing import Literal

import msgspec

from devicelog.model.said import Said

Range = tuple[int, int]


class RetirementBody(Said, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """Entries left the journal, in the transaction of this one.

    `what`: readings by age, whole sessions by age, or a sink that is no more (then
    nothing but its position left). `ranges` of seq, both ends included, in order: each
    number in them had an entry; `count` of them, `sha256` over all that they said, in
    order (`chain.packed`). `tallies`: of each session, how many of its readings left,
    their lowest and highest seq. `sessions` left whole; `links`: seq and mac of the
    records of the audit chain among them. `backup` holds them all.
    """

    what: Literal["readings", "sessions", "sink"]
    older_than_ns: int = 0
    ranges: tuple[Range, ...] = ()
    count: int = 0
    sha256: str = ""
    tallies: dict[str, tuple[int, int, int]] = msgspec.field(default_factory=dict)
    sessions: tuple[str, ...] = ()
    links: tuple[tuple[int, str], ...] = ()
    backup: str = ""
    sink: str = ""
