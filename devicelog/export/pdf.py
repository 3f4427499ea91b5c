"""The page as PDF, by WeasyPrint; it is imported when it is used.

What it draws with are libraries of the system. It may fetch nothing: a page carries all
it needs, and every address is refused. As a program it draws the page that comes on
stdin, for `sheets`.
"""

import logging
import sys
from importlib import import_module
from types import ModuleType
from typing import BinaryIO, Final, cast

from devicelog.errors import DevicelogError
from devicelog.export.history import Source
from devicelog.export.page import document
from devicelog.export.tables import Counts, Options
from devicelog.export.texts import texts
from devicelog.export.words import Words
from devicelog.export.writers import Missing, missing

_APT: Final = "sudo apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
UNDRAWN: Final = "the page could not be drawn: "


def ready() -> None:
    """Raise Missing where WeasyPrint, what it draws with or pypdf is not there."""
    _weasyprint()
    try:
        import_module("pypdf")
    except ImportError as error:
        raise missing("a PDF", "pdf", error) from error


def write(out: BinaryIO, source: Source, options: Options) -> Counts:
    """The page as it prints; of a part of a history, that part.

    Raises Missing; DevicelogError where it cannot be drawn.
    """
    ready()
    from devicelog.export.sheets import paper  # noqa: PLC0415  (it needs the extra)

    words = texts(options.language)
    told = document(source, Words(words))
    out.write(paper(told, words))
    return told.counts


def pdf(page: str) -> bytes:
    """A page as PDF, by this process. Raises DevicelogError where not all is drawn."""
    weasyprint = _weasyprint()
    # No protocol is allowed, not even data: what asks for one is no page of ours.
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=(), fail_on_errors=True)
    failures = _Failures()
    log = logging.getLogger("weasyprint")
    log.addHandler(failures)
    try:
        made: bytes = weasyprint.HTML(string=page, url_fetcher=nothing).write_pdf()
    except weasyprint.urls.FatalURLFetchingError as error:
        failures.told.append(str(error))
    finally:
        log.removeHandler(failures)
    if failures.told:
        raise DevicelogError(
            f"{UNDRAWN}{'; '.join(failures.told)}",
            hint="nothing was fetched; please report it, and export .html",
        )
    return made


class _Failures(logging.Handler):
    """What WeasyPrint leaves out it only logs; a curve that is missing is no page."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())


def _weasyprint() -> ModuleType:
    try:
        # Half a second, and an extra.
        import weasyprint  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError as error:
        raise missing("a PDF", "pdf", error) from error
    except OSError as error:
        raise Missing(
            f"WeasyPrint lacks a library of the system: {' '.join(str(error).split())}",
            hint=_APT,
        ) from error
    return cast("ModuleType", weasyprint)


def _main() -> None:
    page = sys.stdin.buffer.read().decode()
    try:
        sys.stdout.buffer.write(pdf(page))
    except DevicelogError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    _main()
