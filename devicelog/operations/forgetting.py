"""Forgetting a patient, in the journal and in those that lie aside of it."""

import contextlib
from typing import Any

import msgspec

from devicelog.errors import Unconfirmed
from devicelog.journal import aside
from devicelog.journal.reader import Reader
from devicelog.model.audit import Aside
from devicelog.model.pseudonyms import parsed
from devicelog.operations.alone import write
from devicelog.operations.config import Config
from devicelog.operations.desk import Written
from devicelog.records import forgetting


def forget(config: Config, op: str, *, confirm: bool = False, **args: Any) -> Written:
    """What `write` returns for this request; raises as it does.

    What lies aside is blanked first, as the journal alone says what is to be sought: a
    kill between leaves the patient there, to be forgotten once more. Nothing is touched
    but for who may be forgotten, and where a person has confirmed it.
    """
    if confirm:
        if not args.get("again"):
            with contextlib.suppress(Unconfirmed):
                return write(config, op, **args)  # it was asked before
        args["aside"] = msgspec.to_builtins(_blanked(config, args["pseudonym"]))
    return write(config, op, confirm=confirm, **args)


# --- Private ----------------------------------------------------------------------


def _blanked(config: Config, typed: str) -> Aside:
    directory = config.journal.directory
    with Reader(directory) as reader:
        kept = forgetting.kept(reader, parsed(typed))
    if not kept:  # a damaged page took the key: what to seek is not known
        return Aside(doubtful=tuple(map(str, aside.folders(directory))))
    return aside.blank(directory, kept)
