"""Showing persons by name: each look is an audit record before it is an answer."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from devicelog.errors import DevicelogError
from devicelog.journal.reader import Reader
from devicelog.operations.alone import write
from devicelog.operations.backups import list_forgotten
from devicelog.operations.config import Config
from devicelog.operations.master import keyring
from devicelog.records import audit, patients
from devicelog.records.patients import Person

What = Literal["list", "find", "show"]


def everybody(config: Config) -> list[Person]:
    """All patients. Raises DevicelogError where the look cannot be recorded."""
    return _shown(config, "list", list)


def find(config: Config, text: str) -> list[Person]:
    """Those who are meant (`patients.found`). Raises as `everybody`."""
    return _shown(config, "find", lambda all_: patients.found(all_, text))


def show(config: Config, pseudonym: str) -> Person:
    """One of them. Raises as `everybody`, and where there is no such patient."""
    found = _shown(
        config, "show", lambda all_: [it for it in all_ if it.pseudonym == pseudonym]
    )
    if not found:
        raise DevicelogError(
            f"no patient {pseudonym}", hint="`devicelog patients list` shows them"
        )
    return found[0]


def list_beside_backups(config: Config) -> None:
    """Who was forgotten is forgotten in a backup too, once that is put back.

    Raises DevicelogError where the list cannot be written now.
    """
    if config.backup.to:
        list_forgotten(config, keyring(config), Path(config.backup.to))


def _shown(
    config: Config, what: What, pick: Callable[[Iterator[Person]], list[Person]]
) -> list[Person]:
    ring = keyring(config)
    with Reader(config.journal.directory) as reader:
        found = pick(patients.people(reader, ring))
    told = [it.pseudonym for it in found]
    few = told if len(told) <= audit.TOLD else []
    write(
        config,
        "note",
        event="shown",
        what=f"patients {what}",
        subjects=few,
        count=len(told),
    )
    return found
