"""Exporting: recorded before the first byte is written, refused where it cannot be."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from devicelog.clock import SystemClock
from devicelog.errors import DevicelogError
from devicelog.export import files
from devicelog.export.gather import Gatherer
from devicelog.export.history import Wanted, heading
from devicelog.export.tables import Options
from devicelog.export.through import Watched
from devicelog.export.writers import Form
from devicelog.journal.queries import Page
from devicelog.journal.reader import Reader
from devicelog.operations.alone import write
from devicelog.operations.config import Config, Loaded
from devicelog.operations.master import keyring
from devicelog.records.keys import Identity, Keyring
from devicelog.records.manual import given
from devicelog.records.patients import person
from devicelog.records.request import View


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be exported, in which form, where to. `path` None: to stdout."""

    wanted: Wanted
    form: Form
    path: Path | None = None
    readings: bool = False


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was exported. `rows` by table; `unnamed` says why nobody is named.

    `lacking`: what the data leave open, in words.
    """

    path: str
    rows: dict[str, int]
    simulated: bool
    unnamed: str = ""
    lacking: tuple[str, ...] = ()


Tick = Callable[[], None]
Progress = Callable[[int], contextlib.AbstractContextManager[Tick]]


def export(loaded: Loaded, asked: Asked, progress: Progress) -> Done:
    """Write it. `progress` is told how many treatments there are, and of each.

    Raises DevicelogError where there is no such patient, where it cannot be recorded
    that this was asked for, or where the file cannot be written.
    """
    config = loaded.config
    ring, why = _ring(config)
    with Reader(config.journal.directory) as journal:
        code = asked.wanted.pseudonym
        if code is not None:
            code = _known(journal, code)
            asked = msgspec.structs.replace(
                asked, wanted=msgspec.structs.replace(asked.wanted, pseudonym=code)
            )
        _record(config, asked)
        who, why = _who(journal, ring, code, why)
        head = heading(
            journal,
            asked.wanted,
            timezone=config.site.timezone,
            made_ns=SystemClock().wall_ns(),
            identity=who,
            unnamed=why,
        )
        source = Gatherer(journal, head, ring=ring)
        with progress(source.count()) as tick, _place(asked.path) as out:
            watched = Watched(source, tick)
            options = Options(readings=asked.readings)
            rows = asked.form.write(out, watched, options)
        return Done(
            path=str(asked.path or ""),
            rows=rows,
            simulated=head.simulated,
            unnamed=why,
            lacking=tuple(_lacking(watched, asked)),
        )


# --- Private ----------------------------------------------------------------------


def _record(config: Config, asked: Asked) -> None:
    code = asked.wanted.pseudonym
    told = ["export", asked.form.suffix, *(["readings"] if asked.readings else [])]
    write(
        config,
        "note",
        event="exported",
        what=" ".join(told),
        subjects=[code] if code else [],
    )


def _ring(config: Config) -> tuple[Keyring | None, str]:
    """The keys, or why there are none: then the export goes without a name."""
    try:
        return keyring(config), ""
    except DevicelogError as error:
        return None, error.message


def _known(journal: Reader, typed: str) -> str:
    """The pseudonym; one that was never added may have sessions (made-up ones do)."""
    code = View(journal).patient(typed)
    if not (
        journal.secret("identities", code)
        or journal.count(Page(pseudonym=code))
        or given(journal, code)
    ):
        raise DevicelogError(
            f"no patient {code}", hint="`devicelog patients list` shows them"
        )
    return code


def _who(
    journal: Reader, ring: Keyring | None, code: str | None, why: str
) -> tuple[Identity | None, str]:
    if ring is None or code is None:
        return None, why
    found = person(journal, ring, code)
    if found is None or found.who is None:
        return None, f"the identity of {code} does not open"
    return found.who, ""


@contextlib.contextmanager
def _place(path: Path | None) -> Iterator[BinaryIO]:
    """The file, or stdout."""
    if path is not None:
        with files.whole(path) as out:
            yield out
        return
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


def _lacking(watched: Watched, asked: Asked) -> Iterator[str]:
    if watched.retired and asked.readings:
        yield f"{watched.retired} sessions have no readings left: they were retired"
    yield from (f"it lacks {it}" for it in watched.history.absent)
