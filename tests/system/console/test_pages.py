"""Each page in a real browser: for everybody's eyes and hands, in any language."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from consoles import clinic
from playwright.sync_api import expect
from waiting import wait_until

from devicelog.console.routes import TABLE

PAGES = {
    "physio": [
        *("/", "/inbox", "/patients", "/today", "/patients/{code}", "/bind"),
        *("/sessions/{id}", "/sessions/{id}/frames", "/devices", "/devices/us-1"),
        "/labels",
    ],
    "engineer": ["/", "/devices/us-1", "/recall", "/system", "/system/doctor"],
    "admin": ["/users", "/audit"],
    "reception": ["/", "/inbox", "/patients/{code}"],
}
SEEN = [(role, path) for role, paths in PAGES.items() for path in paths]
BAD = {"serious", "critical"}


class Here:
    def __init__(self, made) -> None:
        self.clinic = made
        who = [{"name": "Ada Lovelace", "birth_date": "1815-12-10"}]
        self.code = made.do("add_patients", who=who).entries[0].subject
        wait_until(lambda: self.session)
        made.do("assign", session_id=self.session, pseudonym=self.code)

    @property
    def session(self) -> str:
        return self.clinic.session

    def path(self, path: str) -> str:
        return self.clinic.url + path.format(code=self.code, id=self.session)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with clinic(tmp_path_factory.mktemp("journal")) as made:
        yield Here(made)


@pytest.fixture(scope="module")
def strange(tmp_path_factory):
    with clinic(tmp_path_factory.mktemp("journal"), language="pseudo") as made:
        yield Here(made)


def entered(chromium, here, role, **how):
    """A page of somebody who came in. What goes wrong in it fails the test."""
    page = chromium.new_context(**how).new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(here.clinic.entry(role))
    return page


@pytest.fixture(scope="module")
def pages(chromium):
    """One page for each clinic and role, used again: coming in takes its time."""
    kept = {}

    def page(here, role):
        key = (here.clinic.url, role)
        if key not in kept:
            kept[key] = entered(chromium, here, role)
        return kept[key]

    yield page
    for it in kept.values():
        it.context.close()


def test_every_page_is_looked_at_here():
    there = {it.path for it in TABLE if it.method == "GET"}
    seen = {path.replace("us-1", "{name}") for _, path in SEEN}
    assert there - seen == {"/login", "/enter/{word}"}


@pytest.mark.parametrize(("role", "path"), SEEN)
def test_nothing_stands_in_anybodys_way(pages, here, role, path):
    """No serious finding of axe, light or dark; nothing is cut off on a telephone."""
    page = opened(pages(here, role), here, path)
    found = serious(page)
    page.emulate_media(color_scheme="dark")
    found += serious(page, runOnly=["color-contrast"])
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 360, "height": 740})
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size({"width": 1100, "height": 800})
    assert found == []
    assert wide <= 360


def opened(page, here, path):
    """The page with all that can be unfolded."""
    page.goto(here.path(path))
    page.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")
    return page


def serious(page, **how):
    return [
        (it["id"], node["html"][:200], node["failureSummary"])
        for it in Axe().run(page, options=how).response["violations"]
        for node in it["nodes"]
        if it["impact"] in BAD
    ]


# What is no word of ours: names, codes, numbers, units, what devices and files say.
THEIRS = re.compile(
    r"Ada Lovelace|devicelog|sim-clinic|SIM\w*|Ultrasound, room 1|us-modbus|us-1|us"
    r"|[A-Z0-9]{4}-[A-Z0-9]{4}|console/\w+|test|[0-9a-f]{8,}|\d{8}T\d{6}Z"
    r"|reception|physio|engineer|admin"  # users are called as their roles here
    r"|\bcont\b"  # the device's own label of its duty
    r"|SATP|SATA|UTC|MHz|kHz|Hz|cm|mA|W|J|GB|MB|%|v?\d[\d.:,-]*|/\S+"
)
OURS = re.compile(r"[A-Za-z]{4,}")


@pytest.mark.parametrize(("role", "path"), SEEN)
def test_no_word_is_left_in_english(pages, strange, role, path):
    shown = opened(pages(strange, role), strange, path).locator("body").inner_text()
    left = THEIRS.sub(" ", re.sub(r"\[[^\[\]]*\]", " ", shown))
    assert OURS.findall(left) == [], left


def test_what_is_shown_follows_the_device_without_a_reload(chromium, here):
    page = entered(chromium, here, "physio")
    page.evaluate("window.same = true")
    ring = page.locator("svg.ring text").first
    expect(ring).to_be_visible(timeout=20_000)
    before = ring.text_content()
    page.wait_for_function(
        "before => document.querySelector('svg.ring text').textContent != before",
        arg=before,
        timeout=3000,  # the timer moves each second, and 2 s are promised
    )
    assert page.evaluate("window.same")
    page.context.close()
