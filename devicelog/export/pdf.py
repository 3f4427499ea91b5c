"""The page as PDF, by WeasyPrint; it is imported when it is used.

What it draws with are libraries of the system. It may fetch nothing: a page carries all
it needs, and every address is refused.
"""

import logging
from types import ModuleType
from typing import BinaryIO, Final, cast

from devicelog.errors import DevicelogError
from devicelog.export.history import Source
from devicelog.export.page import document, rendered
from devicelog.export.tables import Counts, Options
from devicelog.export.texts import texts
from devicelog.export.words import Words
from devicelog.export.writers import Missing

_APT: Final = "apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"


def ready() -> None:
    """Raise Missing where WeasyPrint is not there, or what it draws with."""
    _weasyprint()


def write(out: BinaryIO, source: Source, options: Options) -> Counts:
    """The page as it prints; of a part of a history, that part. Raises Missing."""
    words = texts(options.language)
    told = document(source, Words(words))
    out.write(pdf(rendered(told, words)))
    return told.counts


def pdf(page: str) -> bytes:
    """A page as PDF. Raises DevicelogError where it cannot be drawn here, all of it."""
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
            f"the page could not be drawn: {'; '.join(failures.told)}",
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
        raise Missing(
            f"a PDF needs WeasyPrint, which cannot be imported: {error}",
            hint="install devicelog with its extra, devicelog[pdf]; or export .html",
        ) from error
    except OSError as error:
        raise Missing(
            f"WeasyPrint lacks a library of the system: {' '.join(str(error).split())}",
            hint=f"{_APT}; or export .html, and print that",
        ) from error
    return cast("ModuleType", weasyprint)
