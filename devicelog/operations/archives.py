"""Looking at an archive that was exported, by this clinic or another."""

import contextlib
from pathlib import Path

from devicelog.errors import DevicelogError
from devicelog.export import verify as archive
from devicelog.operations.config import load
from devicelog.operations.master import keyring


def verify(path: Path, configured: Path) -> archive.Verdict:
    """Whose it is can be told where there are this clinic's keys.

    Raises DevicelogError where it cannot be read.
    """
    key = None
    with contextlib.suppress(DevicelogError):
        key = keyring(load(configured).config).archive_key
    return archive.verify(path, key)
