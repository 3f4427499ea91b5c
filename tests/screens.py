"""The console's pages as pictures, of the demonstration with some days behind it.

    make screens                      those that docs/screens keeps
    cd tests && python screens.py FOLDER [PAGE ...]

Each page for the role that it is made for; light, dark, narrow (360 px) and print;
as on a tablet, held across, where it is not said otherwise.
"""

import contextlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from browsing import browser
from playwright.sync_api import Browser, Page
from setting_up import setting
from waiting import wait_until

DAYS = 3
TODAY = 6  # patients that are waited for
SET_UP = "setup"
START_S = 120
LINK = re.compile(r"^ +(\w+) +(http://\S+)$", re.MULTILINE)
WIDE = {"width": 1180, "height": 820}  # a tablet, held across
TALL = 1500
WHOLE = 3200
NARROW = {"width": 360, "height": 740}
MODES = {
    "light": {"viewport": WIDE, "color_scheme": "light"},
    "dark": {"viewport": WIDE, "color_scheme": "dark"},
    "narrow": {"viewport": NARROW, "color_scheme": "light"},
    "print": {"viewport": {"width": 794, "height": 1123}, "color_scheme": "light"},
}
PAGES = {
    "now": ("physio", "/"),
    "inbox": ("reception", "/inbox"),
    "patients": ("physio", "/patients"),
    "today": ("physio", "/today"),
    "patient": ("physio", "{patient}"),
    "session": ("physio", "{session}"),
    "frames": ("engineer", "{session}/frames"),
    "bind": ("physio", "/bind?device=us-1"),
    "devices": ("engineer", "/devices"),
    "device": ("engineer", "/devices/us-1"),
    "recall": ("engineer", "{recall}"),
    "labels": ("engineer", "/labels"),
    "system": ("engineer", "/system"),
    "users": ("admin", "/users"),
    "audit": ("admin", "/audit"),
}


@contextlib.contextmanager
def demonstration() -> Iterator[dict[str, str]]:
    """Runs; a link a role, once the days before are there."""
    with tempfile.TemporaryFile("w+") as said:
        program = [sys.executable, "-m", "devicelog", "demo", "--console", "0"]
        process = subprocess.Popen(
            [*program, "--days", str(DAYS)], stdout=said, stderr=subprocess.STDOUT
        )

        def links() -> dict[str, str]:
            said.seek(0)
            return dict(LINK.findall(said.read()))

        try:
            wait_until(links, START_S)
            yield links()
        finally:
            process.terminate()
            process.wait()


def entered(opened: Browser, link: str, mode: str) -> Page:
    """In, and on the first page; while the days before are made, that is waited for."""
    page = come(opened, link, mode)
    page.wait_for_selector("nav", state="attached", timeout=START_S * 1000)
    return page


def come(opened: Browser, link: str, mode: str) -> Page:
    """Where this link leads."""
    page = opened.new_context(**MODES[mode]).new_page()
    if mode == "print":
        page.emulate_media(media="print")
    page.goto(link)
    return page


def places(page: Page, engineers: Page) -> dict[str, str]:
    """Addresses: a patient with a history, their last session, a head much used.

    As the pages of a physio and of an engineer show them.
    """
    at = page.url.rstrip("/")
    page.goto(f"{at}/patients")
    found = page.locator("ul.list a").all()
    paths = {it.get_attribute("href") or "" for it in found}
    patient = max(sorted(paths), key=lambda path: history(page, at + path))
    page.goto(at + patient)
    session = page.locator("a[href^='/sessions/']").first.get_attribute("href") or ""
    page.goto(at)
    return {"patient": patient, "session": session, "recall": recall(engineers)}


def recall(page: Page) -> str:
    """That of the head with the most sessions."""
    at = page.url.rstrip("/")
    page.goto(f"{at}/devices")
    found = page.locator("a[href^='/recall?head=']").all()
    paths = [it.get_attribute("href") or "" for it in found]
    touched: dict[str, int] = {}
    for path in paths:
        page.goto(at + path)
        touched[path] = page.locator("main ul.list li").count()
    page.goto(at)
    return max(touched, key=lambda path: touched[path])


def history(page: Page, url: str) -> int:
    """How much there is to be seen of this patient."""
    page.goto(url)
    return page.locator("main details.row").count()


def treated(page: Page, at: str) -> int:
    """How many patients the physio has had today."""
    page.goto(f"{at}/today")
    return page.locator("main a[href^='/patients/']").count()


def picture(page: Page, path: Path, most: int = TALL) -> None:
    """The whole page, or as much of it as somebody looks at."""
    wide = page.viewport_size or WIDE
    tall = page.evaluate("document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": wide["width"], "height": min(tall, most)}
    page.screenshot(path=path, full_page=True, clip=clip)


def first_start(opened: Browser, folder: Path) -> None:
    """The set-up page, when a device was tried; beside the demonstration."""
    with tempfile.TemporaryDirectory() as made, setting(Path(made)) as here:
        link = here.at("tried")
        for mode in MODES:
            path = folder / f"{SET_UP}-{mode}.png"
            picture(come(opened, link, mode), path, WHOLE)


def main(folder: Path, wanted: list[str]) -> None:
    """Save what is asked for, else all."""
    folder.mkdir(parents=True, exist_ok=True)
    with browser() as opened:
        if not wanted or SET_UP in wanted:
            first_start(opened, folder)
        if names := [it for it in wanted or PAGES if it != SET_UP]:
            pictures(opened, folder, names)


def pictures(opened: Browser, folder: Path, names: list[str]) -> None:
    """Of the demonstration, once patients are treated today."""
    with demonstration() as links:
        physios = entered(opened, links["physio"], "light")
        at = physios.url.rstrip("/")
        wait_until(lambda: treated(physios, at) >= TODAY, seconds=START_S)
        there = places(physios, entered(opened, links["engineer"], "light"))
        for mode in MODES:
            pages = {role: entered(opened, link, mode) for role, link in links.items()}
            for name in names:
                role, path = PAGES[name]
                page = pages[role]
                page.goto(re.sub(r"/enter/.*", "", links[role]) + path.format(**there))
                picture(page, folder / f"{name}-{mode}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
