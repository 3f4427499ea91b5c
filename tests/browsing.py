"""Debian's Chromium by Playwright: pages as the people in the clinic see them."""

import contextlib
import shutil
from collections.abc import Iterator

import requires
from playwright.sync_api import Browser, sync_playwright

# Without these Chromium asks its maker's servers at every start.
_QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update"),
    "--disable-sync",
)


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A browser with a new, empty profile."""
    requires.tool("chromium")
    path = shutil.which("chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=[*_QUIET])
        try:
            yield opened
        finally:
            opened.close()
