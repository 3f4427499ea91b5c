"""Backup and restore as an operator asks for them, and as the recorder does daily."""

import contextlib
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from devicelog.errors import DevicelogError, JournalRefused
from devicelog.journal import restore as journal
from devicelog.journal.chain import key_id
from devicelog.journal.directory import JOURNAL, Directory
from devicelog.journal.migrate import migrate
from devicelog.journal.reader import Reader
from devicelog.operations import master
from devicelog.operations.alone import write
from devicelog.operations.config import Config
from devicelog.operations.forgetting import forget
from devicelog.records import backup as copies
from devicelog.records import forgetting, keyfile
from devicelog.records.backup import LIST, Made
from devicelog.records.forgetting import ForgottenList
from devicelog.records.keys import Keyring

_LONGEST_KEYS: Final = 10_000


class Restored(msgspec.Struct, frozen=True):
    """What stands now. `again`: pseudonyms that were forgotten a second time.

    `kept_in`: the journal that was there, empty where none stood. `missed`: lists of
    the forgotten that could not be read: whoever stands on them alone is known again.
    """

    entries: int
    last_seq: int
    head: str
    again: tuple[str, ...]
    kept_in: str
    missed: tuple[str, ...]


def back_up(
    config: Config,
    to: str = "",
    seen: Callable[[int, int], None] = lambda *_: None,
) -> Made:
    """Write a backup and, beside it, the list of the forgotten; delete the oldest.

    `to` in place of `[backup] to`: there nothing is deleted. Raises DevicelogError.
    """
    folder = Path(to or config.backup.to)
    if not to and not config.backup.to:
        raise DevicelogError(
            "it is not said where to", hint="say --to DIR, or set `[backup] to`"
        )
    ring, directory = master.keyring(config), config.journal.directory
    made = copies.make(directory, folder, datetime.now(UTC), seen)
    list_forgotten(config, ring, folder)
    if not to:
        copies.rotate(folder, config.site.name, config.backup.keep)
    write(config, "note", event="backed_up", head=made.head, count=made.entries)
    return made


def list_forgotten(config: Config, ring: Keyring, folder: Path) -> None:
    """Write the list beside the backups. Raises DevicelogError where it cannot be."""
    try:
        with Reader(config.journal.directory) as reader:
            copies.put(folder / LIST, forgetting.listed(reader, ring.list_key))
    except OSError as error:
        raise DevicelogError(
            f"the list of the forgotten in {folder} cannot be written: {error}",
            hint="an older journal that is put back would know them again;"
            " say `devicelog db backup` once that disk is there",
        ) from error


def back_up_keys(config: Config, to: Path, passphrase: str) -> None:
    """Write the master key under a passphrase, elsewhere than the backups are."""
    key = master.read(master.path_of(config))
    elsewhere(config, to)
    content = keyfile.locked(key, passphrase)
    write(config, "note", event="keys_backed_up")
    try:
        copies.put(to, content)
    except OSError as error:
        raise DevicelogError(f"{to} cannot be written: {error}") from error


def elsewhere(config: Config, to: Path) -> None:
    """Raise DevicelogError where keys would lie beside what they open."""
    beside = [config.journal.directory, *([config.backup.to] * bool(config.backup.to))]
    where = to.absolute().resolve()
    for folder in beside:
        if where.is_relative_to(Path(folder).resolve()):
            raise DevicelogError(
                f"{to} lies in {folder}, beside what the key opens",
                hint="name another disk, that is kept in another place",
            )
    if to.exists():
        raise DevicelogError(f"{to} exists", hint="name a new file")


def put_back_keys(config: Config, file: Path, passphrase: str) -> None:
    """The master key from such a file, where there is none."""
    path = master.path_of(config)
    if path.exists():
        raise DevicelogError(
            f"there is a master key: {path}", hint="leave --keys out, or move it away"
        )
    try:
        with file.open("rb") as source:
            content = source.read(_LONGEST_KEYS)
    except OSError as error:
        raise DevicelogError(f"{file} cannot be read: {error}") from error
    master.written(path, keyfile.unlocked(content, passphrase))


def restore(config: Config, backup: Path, lists: Sequence[Path] = ()) -> Restored:
    """Put a backup in the place of the journal, and forget again who was forgotten.

    No recorder may run. Raises JournalBusy, DevicelogError; then nothing was touched.
    """
    stated = copies.examine(backup)
    site = config.site
    if (stated.meta.site, stated.meta.simulated) != (site.name, site.simulated):
        raise JournalRefused(
            f"{backup} is of site {stated.meta.site}, not of {site.name}",
            hint="give the configuration of that site",
        )
    ring = Keyring(master.read(master.path_of(config)))
    if stated.key_id not in ("", key_id(ring.chain_key)):
        raise DevicelogError(
            f"the master key is not that of {backup}",
            hint="move this one away, then give the right one by `--keys FILE`",
        )
    found, missed = _lists(config, ring, [backup.parent / LIST, *lists])
    directory = Directory(config.journal.directory)
    directory.take()
    try:
        kept = journal.restore(directory, backup)
    except OSError as error:
        raise DevicelogError(
            f"{backup} cannot be put into {directory.path}: {error}",
            hint="is the disk full? the journal that was there stands",
        ) from error
    finally:
        directory.release()
    # Before anything is written: that takes a journal of this version.
    migrated = migrate(config.journal.directory)
    if migrated.backup:  # it would still hold who is forgotten now; the file stands
        Path(migrated.backup).unlink()
    write(config, "note", event="restored", head=stated.head, count=stated.entries)
    again = _forget_again(config, found)
    told = (stated.entries, stated.last_seq, stated.head)
    return Restored(*told, again, str(kept or ""), missed)


# --- Private ----------------------------------------------------------------------


def _lists(
    config: Config, ring: Keyring, paths: Sequence[Path]
) -> tuple[list[ForgottenList], tuple[str, ...]]:
    """Every list that can be reached: beside backups, and of the journal itself."""
    found: list[ForgottenList] = []
    missed: list[str] = []
    to = [Path(config.backup.to) / LIST] if config.backup.to else []
    for path in dict.fromkeys(it.absolute() for it in [*paths, *to]):
        try:
            found.append(forgetting.read_list(path.read_bytes(), ring.list_key))
        except (OSError, DevicelogError) as error:
            missed.append(f"{path}: {error}")
    if not (Path(config.journal.directory) / JOURNAL).exists():
        return found, tuple(missed)  # a new machine: there is nothing to be missed
    try:
        with Reader(config.journal.directory) as reader:
            packed = forgetting.listed(reader, ring.list_key)
            found.append(forgetting.read_list(packed, ring.list_key))
    except DevicelogError as error:
        missed.append(f"the journal that was there: {error.message}")
    return found, tuple(missed)


def _forget_again(config: Config, lists: Sequence[ForgottenList]) -> tuple[str, ...]:
    with Reader(config.journal.directory) as reader:
        wanted = forgetting.to_forget(reader, lists)
    for it in wanted:
        told = {"pseudonym": it.pseudonym, "reason": it.reason}
        id_ = uuid.uuid4().hex
        forget(config, "forget", request_id=id_, confirm=True, again=True, **told)
    if wanted and config.backup.to:
        with contextlib.suppress(DevicelogError):  # it holds them already
            list_forgotten(config, master.keyring(config), Path(config.backup.to))
    return tuple(it.pseudonym for it in wanted)
