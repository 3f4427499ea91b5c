"""Debian's Chromium by Playwright: pages as the people in the clinic see them."""

import contextlib
import re
import shutil
from collections.abc import Iterator

import requires
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

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


_BAD = {"serious", "critical"}


def serious(page: Page, **how: object) -> list[tuple[str, str, str]]:
    """What axe finds on it that stands in somebody's way."""
    return [
        (it["id"], node["html"][:200], node["failureSummary"])
        for it in Axe().run(page, options=how).response["violations"]
        for node in it["nodes"]
        if it["impact"] in _BAD
    ]


def in_the_way(page: Page) -> list[tuple[str, str, str]]:
    """The same in light and dark; and what is cut off on a telephone."""
    found = serious(page)
    page.emulate_media(color_scheme="dark")
    found += serious(page, runOnly=["color-contrast"])
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 360, "height": 740})
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size({"width": 1100, "height": 800})
    return found + ([("wide", str(wide), "360 are there")] if wide > 360 else [])


# What is no word of ours: names, codes, numbers, units, what devices and files say.
_THEIRS = re.compile(
    r"Ada Lovelace|devicelog|sim-\w+|SIM\w*|Ultrasound, room \d|us-modbus|us-\d|us"
    r"|[A-Z0-9]{4}-[A-Z0-9]{4}|console/\w+|test|[0-9a-f]{8,}|\d{8}T\d{6}Z"
    r"|reception|physio|engineer|admin"  # users are called as their roles here
    r"|\bcont\b"  # the device's own label of its duty
    r"|SATP|SATA|UTC|MHz|kHz|Hz|cm|mA|W|J|GB|MB|%|v?\d[\d.:,-]*|/\S+"
)
_OURS = re.compile(r"[A-Za-z]{4,}")
# Quotations are marked as English, and stand beneath something that is said; the line
# for the notes is a line of the exports; code is what files and devices say. Labels of
# pictures and fields are words too.
_SAID = """() => {
  const quoted = [...document.querySelectorAll("body [lang=en]")];
  const bare = quoted.filter((it) => {
    const place = it.closest("article, section, li, dd, td:not(.quoted), main");
    return !place.textContent.includes("[");
  }).map((it) => it.textContent);
  quoted.forEach((it) => it.remove());
  document.querySelectorAll("code").forEach((it) => it.remove());
  const named = ["aria-label", "title", "alt", "placeholder"].flatMap((name) =>
    [...document.querySelectorAll(`body [${name}]`)].map((it) => it.getAttribute(name))
  );
  return [bare, [document.title, document.body.innerText, ...named].join("\\n")];
}"""


def in_english(page: Page) -> list[str]:
    """Words in a page made strange that were not made strange."""
    bare, said = page.evaluate(_SAID)
    left = _THEIRS.sub(" ", re.sub(r"\[[^\[\]]*\]", " ", said))
    return [*bare, *_OURS.findall(left)]
