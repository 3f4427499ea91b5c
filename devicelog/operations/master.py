"""The master key's file: found, read, made on first need.

What is sealed under a lost key is lost, so a key is made only where nothing was ever
sealed or chained; else its absence is told.
"""

import contextlib
import logging
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from devicelog.errors import DevicelogError, JournalError
from devicelog.journal.chain import FIRST, key_id
from devicelog.journal.directory import JOURNAL, sync_directory
from devicelog.journal.reader import Reader
from devicelog.model import codec
from devicelog.operations.config import Config
from devicelog.records.keys import LENGTH, Keyring

CREDENTIAL: Final = "devicelog-master"
_DEFAULT: Final = "keys/master"
_log = logging.getLogger(__name__)
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def path_of(config: Config) -> Path:
    """Where the master key is, or is to be."""
    if config.keys.master_file:
        return Path(config.keys.master_file)
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    if given and (Path(given) / CREDENTIAL).exists():
        return Path(given) / CREDENTIAL
    return Path(config.journal.directory) / _DEFAULT


def keyring(config: Config, *, make: bool = False) -> Keyring:
    """What the master key opens. `make`: the key is made where none was needed yet.

    Raises DevicelogError where it is missing, open to others, not a key, or not the
    key of this journal.
    """
    path, directory = path_of(config), config.journal.directory
    if make and not path.exists() and not _needed(directory):
        written(path, secrets.token_bytes(LENGTH))
    ring = Keyring(read(path))
    _see_it_fits(ring, directory)
    return ring


def tried(config: Config) -> tuple[Keyring | None, str]:
    """What the master key opens, or what is wrong with it: recording goes on."""
    try:
        return keyring(config, make=True), ""
    except (DevicelogError, OSError) as error:
        _log.error("nothing is sealed or chained in this run: %s", error)
        return None, f"names and notes stay closed, the audit chain stands: {error}"


def read(path: Path) -> bytes:
    """The key in this file. Raises DevicelogError."""
    try:
        text = path.read_text(encoding="ascii")
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise DevicelogError(
            f"the master key {path} cannot be read: {error}",
            hint="put it back: without it names and notes stay closed",
        ) from error
    if mode & _OTHERS and path.name != CREDENTIAL:
        raise DevicelogError(
            f"the master key {path} is open to other users", hint=f"chmod 600 {path}"
        )
    with contextlib.suppress(ValueError):
        if len(key := bytes.fromhex(text.strip())) == LENGTH:
            return key
    raise DevicelogError(
        f"{path} holds no master key", hint="it is one line of 64 hexadecimal digits"
    )


def written(path: Path, key: bytes) -> None:
    """Write a key that is not there yet, whole or not at all, durably, 0600.

    Where another process made one meanwhile, that one stands.
    """
    for folder in reversed([it for it in path.parents if not it.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_directory(folder.parent)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123  (a descriptor)
            file.write(key.hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(unfinished)
    finally:
        unfinished.unlink()
    sync_directory(path.parent)


# --- Private ----------------------------------------------------------------------


def _needed(directory: str) -> bool:
    """Whether something is sealed or chained there under a key."""
    if not (Path(directory) / JOURNAL).exists():
        return False
    with Reader(directory) as reader:
        return bool(reader.head() or reader.identities(limit=1))


def _see_it_fits(ring: Keyring, directory: str) -> None:
    """Raise DevicelogError where the journal's chain was begun with another key."""
    if not (Path(directory) / JOURNAL).exists():
        return
    with contextlib.suppress(JournalError), Reader(directory) as reader:
        begun = reader.find(FIRST)
        if begun is None:
            return
        if codec.decode(begun.kind, begun.body).key_id != key_id(ring.chain_key):
            raise DevicelogError(
                f"the master key is not that of the journal in {directory}",
                hint="put the right one in its place: `[keys] master_file`",
            )
