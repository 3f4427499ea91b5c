"""The suffix of a file decides what writes it; each writer is imported when used."""

import importlib
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import BinaryIO, Final

import msgspec

from devicelog.errors import DevicelogError
from devicelog.export.history import Source
from devicelog.export.parts import MOST
from devicelog.export.tables import Counts, Options

Write = Callable[[BinaryIO, Source, Options], Counts]


class Form(msgspec.Struct, frozen=True):
    """A form of export: `text` may go to a terminal.

    `most`: so many treatments in one file, of one patient; 0: all there are. `named`:
    it is for people, and not for research.
    """

    suffix: str
    meaning: str
    writer: str
    text: bool = True
    most: int = 0
    named: bool = False

    def write(self, out: BinaryIO, source: Source, options: Options) -> Counts:
        """Everything; how many rows of each table there were.

        Raises DevicelogError where a library that it needs is missing.
        """
        module, name = self.writer.split(":")
        writer: Write = getattr(importlib.import_module(module), name)
        return writer(out, source, options)

    def path(self, name: Path, number: int, of: int) -> Path:
        """Where one of several files is: `NAME-1.fhir.json`; alone, as it is named."""
        if of == 1:
            return name
        end = f".{self.suffix}"
        stem = name.name[: -len(end)] if name.name.lower().endswith(end) else name.name
        return name.with_name(f"{stem}-{number}{name.name[len(stem) :]}")


_ROOM: Final = "devicelog.export."
FORMS: Final[dict[str, Form]] = {
    it.suffix: it
    for it in (
        Form("csv", "a table for every programme", _ROOM + "tables:write_csv"),
        Form("json", "one document with everything", _ROOM + "tables:write_json"),
        Form("ndjson", "a JSON object a line", _ROOM + "tables:write_ndjson"),
        Form(
            "html",
            "a page with curves, to read and to print",
            _ROOM + "page:write_html",
            most=MOST,
            named=True,
        ),
        Form(
            "pdf",
            "the same page, as it prints",
            _ROOM + "page:write_pdf",
            text=False,
            most=MOST,
            named=True,
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
