"""Exporting: recorded before the first byte is written, refused where it cannot be."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from devicelog.clock import SystemClock
from devicelog.errors import ConfigError, DevicelogError
from devicelog.export.gather import Gatherer
from devicelog.export.history import Origin, Source, Wanted, heading
from devicelog.export.placed import written
from devicelog.export.research import Research
from devicelog.export.scratch import sweep
from devicelog.export.stored import ABSENT, Stored
from devicelog.export.tables import Options
from devicelog.export.through import Watched
from devicelog.export.writers import Form, unready
from devicelog.journal.queries import Page
from devicelog.journal.reader import Reader
from devicelog.model.words import counted
from devicelog.operations.alone import write
from devicelog.operations.config import Config, Loaded
from devicelog.operations.master import keyring
from devicelog.records.audit import TOLD
from devicelog.records.consent import consenting
from devicelog.records.keys import Identity, Keyring
from devicelog.records.manual import given
from devicelog.records.patients import person
from devicelog.records.request import View
from devicelog.sinks.influx_server import Server
from devicelog.sinks.settings import InfluxSettings


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be exported, in which form, where to. `path` None: to stdout.

    `origin`: the journal, or the store as it stands.
    `pseudonymous`: for research, of those alone who allow it; `shift_dates` too.
    """

    wanted: Wanted
    form: Form
    path: Path | None = None
    readings: bool = False
    pseudonymous: bool = False
    shift_dates: bool = False
    origin: Origin = "journal"


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was exported. `rows` by table; `unnamed` says why nobody is named.

    `remarks`: why there is less than was perhaps expected. `lacking`: what the data
    leave open, in words; `absent`: what the source never has.
    """

    path: str
    rows: dict[str, int]
    simulated: bool
    unnamed: str = ""
    remarks: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


_CONSENT: Final = "`devicelog patients consent PSEUDONYM --research` notes it"
Tick = Callable[[], None]
Note = Callable[..., object]  # makes the audit record `exported` of these arguments
Progress = Callable[[int], contextlib.AbstractContextManager[Tick]]
By = Callable[[Loaded, Asked, list[str]], Done]  # writes what is recorded already


def export(
    loaded: Loaded,
    asked: Asked,
    note: Note | None = None,
    *,
    by: By | None = None,
) -> Done:
    """Record that it was asked for, then write it.

    `note` makes the record, where that is not for this process's user; `by` writes,
    else `made` does.

    Raises DevicelogError where there is no such patient, where it cannot be recorded
    that this was asked for, or where the file cannot be written.
    """
    sweep()
    if asked.origin == "influx":
        _configured(loaded)
    with Reader(loaded.config.journal.directory) as journal:
        asked, patients = _meant(journal, asked)
    _Keys(loaded.config, asked)  # refuses before it is recorded
    _record(loaded.config, asked, patients, note)
    return (by or made)(loaded, asked, patients)


def made(
    loaded: Loaded,
    asked: Asked,
    patients: list[str],
    progress: Progress | None = None,
) -> Done:
    """Write what is recorded already; see `export`.

    `progress` is told how many treatments there are, and of each.
    """
    keys = _Keys(loaded.config, asked)
    said = loaded.config.export
    options = Options(
        table="readings" if asked.readings else "sessions",
        readings=asked.readings,
        key=keys.ring.archive_key if keys.ring else None,
        codes_file=said.codes_file,
        language=said.language,
    )
    with contextlib.ExitStack() as open_:
        # Anew: where no recorder runs, recording this may have salvaged the journal.
        journal = open_.enter_context(
            Reader(loaded.config.journal.directory, sealed=True)
        )
        source = _source(
            journal, loaded, asked, patients=patients, keys=keys, open_=open_
        )
        with (progress or _unwatched)(source.count()) as tick:
            watched = Watched(source, tick)
            paths, rows = written(asked.form, asked.path, watched, options)
        return Done(
            path=", ".join(map(str, paths)),
            rows=rows,
            simulated=source.history.simulated,
            unnamed=source.history.unnamed,
            remarks=tuple(_remarks(asked, patients)),
            lacking=tuple(_lacking(watched, asked)),
            absent=ABSENT if asked.origin == "influx" else (),
        )


# --- Private ----------------------------------------------------------------------


class _Keys:
    """What the master key opens. Without one the export goes without a name.

    Raises DevicelogError where dates cannot be shifted without it.
    """

    def __init__(self, config: Config, asked: Asked) -> None:
        self.ring: Keyring | None = None
        self.why = ""
        try:
            self.ring = keyring(config)
        except DevicelogError as error:
            if asked.shift_dates:
                raise
            self.why = error.message


@contextlib.contextmanager
def _unwatched(_: int) -> Iterator[Tick]:
    yield lambda: None


def _meant(journal: Reader, asked: Asked) -> tuple[Asked, list[str]]:
    """What is asked, with the pseudonym as it is; and whose treatments are exported."""
    why = asked.form.refuses(
        patient=asked.wanted.pseudonym is not None, pseudonymous=asked.pseudonymous
    )
    if why:
        raise DevicelogError(why, hint="a table can: .csv, .ndjson, .parquet")
    code = asked.wanted.pseudonym
    if code is not None:
        code = _known(journal, code)
        wanted = msgspec.structs.replace(asked.wanted, pseudonym=code)
        asked = msgspec.structs.replace(asked, wanted=wanted)
    if not asked.pseudonymous:
        return asked, [code] if code else []
    allowed = consenting(journal)
    if code is not None and code not in allowed:
        raise DevicelogError(
            f"{code} does not allow research",
            hint=_CONSENT,
        )
    return asked, sorted(allowed) if code is None else [code]


def _record(
    config: Config, asked: Asked, patients: list[str], note: Note | None
) -> None:
    told = {
        "readings": asked.readings,
        "pseudonymous": asked.pseudonymous,
        "shifted": asked.shift_dates,
        "influx": asked.origin == "influx",
    }
    words = ["export", asked.form.suffix, *(it for it, said in told.items() if said)]
    few = patients if len(patients) <= TOLD else []
    record = note or partial(write, config, "note")
    record(
        event="exported",
        what=" ".join(words),
        subjects=few,
        count=len(patients),
    )


def _source(
    journal: Reader,
    loaded: Loaded,
    asked: Asked,
    *,
    patients: list[str],
    keys: _Keys,
    open_: contextlib.ExitStack,
) -> Source:
    """Once it is recorded: the head of the chain is that record."""
    site = loaded.config.site
    who, why = None, ""
    if not asked.pseudonymous:
        who, why = _who(journal, keys, asked.wanted.pseudonym)
    head = heading(
        journal,
        asked.wanted,
        timezone=site.timezone,
        made_ns=SystemClock().wall_ns(),
        identity=who,
        unnamed=why,
    )
    if asked.origin == "influx":
        server = Server(_configured(loaded), simulated=site.simulated)
        open_.callback(server.close)
        server.open()
        return Stored(server.ask, head)
    if not asked.pseudonymous:
        return Gatherer(journal, head, ring=keys.ring)
    key = keys.ring.research_key if keys.ring and asked.shift_dates else None
    return Research(Gatherer(journal, head), patients, key=key)


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


def _configured(loaded: Loaded) -> InfluxSettings:
    if isinstance(loaded.config.influx, msgspec.UnsetType):
        raise ConfigError(
            f"{loaded.source} names no store",
            hint="add [influx] with url, bucket and token_file",
        )
    return loaded.config.influx


def _who(journal: Reader, keys: _Keys, code: str | None) -> tuple[Identity | None, str]:
    """Who that is, else why nobody is named."""
    if keys.ring is None or code is None:
        return None, keys.why
    found = person(journal, keys.ring, code)
    if found is None:
        return None, f"no name is kept of {code}"
    if found.who is None:
        return None, f"the identity of {code} does not open"
    return found.who, ""


def _remarks(asked: Asked, patients: list[str]) -> Iterator[str]:
    patient = asked.wanted.pseudonym is not None
    if not patient and not patients:
        yield f"nobody allows research: {_CONSENT}"
    if asked.form.suffix == "zip":
        for form, why in unready(patient=patient, pseudonymous=asked.pseudonymous):
            yield f"no .{form.suffix} is in it: {why.message}; {why.hint}"


def _lacking(watched: Watched, asked: Asked) -> Iterator[str]:
    if watched.retired and asked.readings:
        yield f"{counted(watched.retired, 'session')} without readings, by age"
    absent = watched.history.absent
    yield from (f"it lacks {it}" for it in absent if it not in ABSENT)
