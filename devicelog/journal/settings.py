"""What the operator may set about the journal: the table `[journal]`."""

import msgspec


class JournalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where entries are kept, and how long they may wait in memory.

    `commit_interval_ms`: an entry waits at most so long for others before it is made
    durable; edges of sessions never wait. `ballast_mb`: disk space held back for the
    day on which the disk is full. `pending_limit`: entries held in memory while the
    disk takes none; beyond it the recorder holds back.
    """

    directory: str
    commit_interval_ms: int = 50
    ballast_mb: int = 64
    pending_limit: int = 50_000
