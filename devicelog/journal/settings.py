"""Where the journal lies and how soon it is durable."""

import msgspec


class JournalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[journal]`. `pending_limit`: entries held while the disk cannot take them."""

    directory: str
    commit_interval_ms: int = 50
    pending_limit: int = 50_000
