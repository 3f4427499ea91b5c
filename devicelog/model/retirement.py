"""The body of an entry that tells what left the journal, and by which it leaves."""

from typing import Literal

import msgspec

from devicelog.model.said import Said

What = Literal["readings", "sessions", "sink"]
Range = tuple[int, int]
Link = tuple[int, bytes, bytes]  # number, the mac before, its own
Use = tuple[int, float, int, int]


class RetirementBody(Said, frozen=True, kw_only=True, omit_defaults=True, tag=1):
    """Entries left the journal, in the transaction of this one.

    `what`: readings by age, whole sessions by age, or a sink that is no more (then
    nothing but its position left). `ranges` of seq, both ends included, in order: each
    number in them had an entry; `count` of them, `sha256` over all that they said, in
    order (`chain.packed`). `tallies`: of each session, how many of its readings left,
    their lowest and highest seq. `backup` holds them all.

    Of sessions: `sessions` by id; `links`: of each record of the audit chain among
    what left its number, the mac before it and its own, in order, so that the chain can
    be walked without it, and what stood before it cannot go missing;
    `patients`: of each pseudonym (empty: of nobody), how many sessions left, and when
    the newest of them began; `uses`: of each device, what its sessions that left add
    to its sums: sessions, seconds of emission, faults, losses of contact.
    """

    what: What
    older_than_ns: int = 0
    ranges: tuple[Range, ...] = ()
    count: int = 0
    sha256: str = ""
    tallies: dict[str, tuple[int, int, int]] = msgspec.field(default_factory=dict)
    sessions: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    patients: dict[str, tuple[int, int]] = msgspec.field(default_factory=dict)
    uses: dict[str, Use] = msgspec.field(default_factory=dict)
    backup: str = ""
    sink: str = ""
