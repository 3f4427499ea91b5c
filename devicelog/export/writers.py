"""The suffix of a file decides what writes it; each writer is imported when used."""

import importlib
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path, PurePath
from types import ModuleType
from typing import BinaryIO, Final

import msgspec

from devicelog.errors import DevicelogError
from devicelog.export.history import Source
from devicelog.export.parts import MOST
from devicelog.export.tables import Counts, Options

Write = Callable[[BinaryIO, Source, Options], Counts]


class Missing(DevicelogError):
    """A library that a form needs is not installed."""


def missing(what: str, extra: str, error: ImportError) -> Missing:
    """`what` needs libraries of this extra; how they come beside this very program.

    By their own names: where devicelog came from, and whether that is still there, is
    not known.
    """
    needs = [
        shlex.quote(it.partition(";")[0].strip())
        for it in metadata.requires("devicelog") or ()
        if re.search(rf"extra == .{re.escape(extra)}\b", it)
    ]
    sudo = "" if os.access(sys.prefix, os.W_OK) else "sudo "
    program = shlex.quote(sys.executable)
    return Missing(
        f"{what} needs a library that cannot be imported: {error}",
        hint=f"{sudo}{program} -m pip install {' '.join(needs)}",
    )


class Form(msgspec.Struct, frozen=True):
    """A form of export. `writer` is a function, by its module and name.

    `tables`: a file holds one table; `text`: it may go to a terminal; `archived`: it is
    a part of an archive. `most`: a file holds so many treatments, of one patient (0:
    everything); `named`: it is for people, not for research. A module that needs a
    library has a function `ready`, which raises Missing without it.
    """

    suffix: str
    meaning: str
    writer: str
    tables: bool = False
    text: bool = True
    archived: bool = True
    most: int = 0
    named: bool = False

    def ready(self) -> None:
        """Raise Missing where a library that it needs is not installed."""
        getattr(self._module, "ready", lambda: None)()

    def write(self, out: BinaryIO, source: Source, options: Options) -> Counts:
        """Everything; how many rows of each table there were. Raises Missing."""
        writer: Write = getattr(self._module, self.writer.split(":")[1])
        return writer(out, source, options)

    def refuses(self, *, patient: bool, pseudonymous: bool) -> str:
        """Why it cannot hold a patient's history, or everybody's; empty: it can."""
        if self.most and not patient:
            return f".{self.suffix} holds one patient"
        if self.named and pseudonymous:
            return f".{self.suffix} is for people, not for research"
        return ""

    def path(self, name: Path, number: int, of: int) -> Path:
        """Where one of several files is: `NAME-1.fhir.json`; alone, as it is named."""
        if of == 1:
            return name
        end = f".{self.suffix}"
        stem = name.name[: -len(end)] if name.name.lower().endswith(end) else name.name
        return name.with_name(f"{stem}-{number}{name.name[len(stem) :]}")

    @property
    def _module(self) -> ModuleType:
        return importlib.import_module(_ROOM + self.writer.split(":")[0])


_ROOM: Final = "devicelog.export."
FORMS: Final[dict[str, Form]] = {
    it.suffix: it
    for it in (
        Form("csv", "a table for every programme", "tables:write_csv", tables=True),
        Form("json", "one document with everything", "tables:write_json"),
        Form("ndjson", "a JSON object a line", "tables:write_ndjson", tables=True),
        Form(
            "parquet",
            "a table with types and units (extra `parquet`)",
            "parquet:write",
            tables=True,
            text=False,
        ),
        Form(
            "html",
            "a page with curves, to read and to print",
            "page:write",
            most=MOST,
            named=True,
        ),
        Form(
            "pdf",
            "the same page as it prints (extra `pdf`)",
            "pdf:write",
            text=False,
            most=MOST,
            named=True,
        ),
        Form(
            "fhir.json",
            "a FHIR R4 bundle (extra `fhir`)",
            "fhir:write",
            most=MOST,
        ),
        Form(
            "zip",
            "all forms, code book, sums, audit extract",
            "archive:write",
            text=False,
            archived=False,
        ),
    )
}


def unready(*, patient: bool, pseudonymous: bool) -> Iterator[tuple[Form, Missing]]:
    """Forms that an archive of this will not hold, for want of a library."""
    for form in FORMS.values():
        if form.archived and not form.refuses(
            patient=patient, pseudonymous=pseudonymous
        ):
            try:
                form.ready()
            except Missing as error:
                yield form, error


def form_of(name: str | None, path: str | None) -> Form:
    """The form that is asked for by name, else by the file's suffix, else CSV.

    `PATIENT.fhir.json` is of the longest suffix that is known.
    """
    if name is not None:
        return FORMS[name]
    if path is None:
        return FORMS["csv"]
    words = PurePath(path).name.lower().split(".")[1:]
    for n in range(len(words)):
        if (suffix := ".".join(words[n:])) in FORMS:
            return FORMS[suffix]
    raise DevicelogError(
        f"what {path} shall hold is not known by its name",
        hint=f"it may end in .{', .'.join(FORMS)}; or say --format",
    )
