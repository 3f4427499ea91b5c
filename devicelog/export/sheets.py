"""A page on paper: drawn a sheet after the other, then joined.

WeasyPrint holds all that it lays out, 3.5 MB a treatment: so each sheet of some
treatments is drawn by a process of its own, which ends and gives its memory back. Of
several sheets, head and foot of the paper with the numbers of its pages are drawn last,
once it is known how many there are, and laid over what was drawn.
"""

import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any, Final, cast

from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    StreamObject,
    TextStringObject,
)

from devicelog.errors import DevicelogError
from devicelog.export.page import WHOLE, Document, Sheet, rendered
from devicelog.export.paper import templates
from devicelog.export.pdf import UNDRAWN
from devicelog.export.texts import Texts

MOST: Final = 50  # treatments on one sheet
_PATIENCE_S: Final = 600.0  # fifty times what a sheet takes
_LINK: Final = "treatment:"  # from one sheet to another: resolved when they are joined


def paper(document: Document, words: Texts) -> bytes:
    """All of it as one PDF. Raises DevicelogError where it cannot be drawn."""
    if len(document.sections) <= MOST:
        return drawn(rendered(document, words))
    made = PdfWriter()
    for sheet in sheets(len(document.sections)):
        made.append(BytesIO(drawn(rendered(document, words, sheet))))
    _link(made)
    numbers = PdfReader(BytesIO(drawn(_blank(document, words, len(made.pages)))))
    _number(made, numbers)
    made.metadata = numbers.metadata
    for name, said in numbers.root_object.items():
        if isinstance(said, TextStringObject):  # its language
            made.root_object[NameObject(name)] = said
    out = BytesIO()
    made.write(out)
    return out.getvalue()


def sheets(count: int) -> Iterator[Sheet]:
    """What stands before so many treatments, then these in sheets of even size."""
    yield Sheet(last=0, back=False, link=_LINK, numbered=False)
    parts = -(-count // MOST)
    ends = [count * n // parts for n in range(parts + 1)]
    for first, last in pairwise(ends):
        yield Sheet(
            front=False, first=first, last=last, back=last == count, numbered=False
        )


def drawn(page: str) -> bytes:
    """A page as PDF, by a process that ends. Raises DevicelogError."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "devicelog.export.pdf"],
            input=page.encode(),
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _failed(f"it took more than {_PATIENCE_S:.0f} s") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        why = said[-1] if said else f"it ended by {done.returncode}"
        raise _failed(why.removeprefix(UNDRAWN))
    return done.stdout


# --- Private ----------------------------------------------------------------------


def _failed(why: str) -> DevicelogError:
    return DevicelogError(UNDRAWN + why, hint="please report it, and export .html")


def _blank(document: Document, words: Texts, pages: int) -> str:
    """So many empty pages, with head and foot."""
    said = {"history": document.history, "t": words, "sheet": WHOLE, "pages": pages}
    return templates().get_template("numbers.html").render(said)


def _link(made: PdfWriter) -> None:
    """Links to treatments become links within the document, by the same names."""
    for page in made.pages:
        for it in page.get("/Annots", ()):
            annotation = it.get_object()
            address = str(annotation.get("/A", {}).get("/URI", ""))
            if address.startswith(_LINK):
                del annotation["/A"]
                name = TextStringObject(address.removeprefix(_LINK))
                annotation[NameObject("/Dest")] = name


def _number(made: PdfWriter, numbers: PdfReader) -> None:
    """Each page gets the head and foot that were drawn for it.

    As a form of its own: nothing that stands on the page is taken apart. Pages of one
    sheet share their resources, so forms have names of their own.
    """
    before = _added(made, _stream(b"q\n"))
    for n, (page, over) in enumerate(zip(made.pages, numbers.pages, strict=True), 1):
        name = f"/Over{n}"
        form = _stream(cast("StreamObject", over["/Contents"]).get_data())
        form[NameObject("/Type")] = NameObject("/XObject")
        form[NameObject("/Subtype")] = NameObject("/Form")
        form[NameObject("/BBox")] = over.mediabox.clone(made)
        form[NameObject("/Resources")] = over["/Resources"].clone(made)
        resources = cast("DictionaryObject", page["/Resources"])
        forms = cast("DictionaryObject", resources["/XObject"])
        forms[NameObject(name)] = _added(made, form.flate_encode())
        after = _added(made, _stream(f"\nQ q {name} Do Q\n".encode()))
        page[NameObject("/Contents")] = ArrayObject(
            [before, page.raw_get("/Contents"), after]
        )


def _added(made: PdfWriter, it: StreamObject) -> Any:
    """A reference to it. What is in a document, pypdf adds by this name alone."""
    return made._add_object(it)  # noqa: SLF001


def _stream(data: bytes) -> StreamObject:
    made = StreamObject()
    made.set_data(data)
    return made
