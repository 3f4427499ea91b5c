"""What the operator may set about keys and backups: `[keys]`, `[backup]`, `[keep]`."""

import math
from typing import Final

import msgspec

_YEAR_DAYS: Final = 365.25


class KeySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the master key is.

    `master_file`: a file that only the recorder's user may read; made on first need.
    Empty: the systemd credential `devicelog-master` if there is one, else the file
    `keys/master` in the journal's directory.
    """

    master_file: str = ""


class BackupSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a backup is written to, when, and how many are kept.

    `to`: a directory that is there, best on another disk; empty: none is written by
    itself. `at`: the clinic's time each day. `keep`: so many; older ones are deleted.
    """

    to: str = ""
    at: str = "02:30"
    keep: int = 14


class KeepSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long what was recorded stays in the journal.

    `readings_days`: readings older than that leave it, once they are in every sink and
    in a verified backup; 0: never. `sessions_years`: whole sessions that began so
    long ago leave it likewise, after their readings; 0: never.
    """

    readings_days: int = 365
    sessions_years: int = 10

    @property
    def sessions_days(self) -> int:
        """Of `sessions_years`, the last one whole."""
        return math.ceil(self.sessions_years * _YEAR_DAYS)
