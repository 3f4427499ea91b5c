"""The suffix of a file decides what writes it; each writer is imported when used."""

import importlib
from collections.abc import Callable
from pathlib import PurePath
from types import ModuleType
from typing import BinaryIO, Final

import msgspec

from devicelog.errors import DevicelogError
from devicelog.export.history import Source
from devicelog.export.tables import Counts, Options

Write = Callable[[BinaryIO, Source, Options], Counts]


class Missing(DevicelogError):
    """A library that a form needs is not installed."""


class Form(msgspec.Struct, frozen=True):
    """A form of export. `writer` is a function, by its module and name.

    `tables`: a file holds one table; `text`: it may go to a terminal; `archived`: it is
    a part of an archive. A module that needs a library has a function `ready`, which
    raises Missing without it.
    """

    suffix: str
    meaning: str
    writer: str
    tables: bool = False
    text: bool = True
    archived: bool = True

    def ready(self) -> None:
        """Raise Missing where a library that it needs is not installed."""
        getattr(self._module, "ready", lambda: None)()

    def write(self, out: BinaryIO, source: Source, options: Options) -> Counts:
        """Everything; how many rows of each table there were. Raises Missing."""
        writer: Write = getattr(self._module, self.writer.split(":")[1])
        return writer(out, source, options)

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
            "zip",
            "all forms, code book, sums, audit extract",
            "archive:write",
            text=False,
            archived=False,
        ),
    )
}


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
