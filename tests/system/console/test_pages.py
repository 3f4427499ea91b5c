"""Each page in a real browser: for everybody's eyes and hands, in any language."""

import pytest
from browsing import in_english, in_the_way
from consoles import clinic
from playwright.sync_api import expect
from waiting import wait_until

from devicelog.console.routes import TABLE
from devicelog.console.texts import Texts

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
# A store that nobody serves, a port that is not there, a profile that is not there.
TROUBLE = """
[influx]
url = "http://127.0.0.1:9"
[[devices]]
name = "us-8"
label = "Ultrasound, room 8"
profile = "us-modbus"
port = "/dev/not-there"
[[devices]]
name = "us-9"
profile = "no-such"
port = "/dev/not-there-either"
"""
ALARMS = ("watch/us-1", "identity/us-1", "sink/influx/away", "journal/disk_full", "new")


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
    """All that may go wrong has."""
    with clinic(
        tmp_path_factory.mktemp("journal"),
        rooms=2,
        language="pseudo",
        more=TROUBLE,
        fails={2},
    ) as made:
        for name in ALARMS:
            made.daemon.recording.writer.alarm(name, "It went wrong.", "Mend it.")
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
    assert in_the_way(opened(pages(here, role), here, path)) == []


def opened(page, here, path):
    """The page with all that can be unfolded."""
    answer = page.goto(here.path(path))
    assert answer.ok, answer.status
    page.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")
    return page


@pytest.mark.parametrize(("role", "path"), SEEN)
def test_no_word_is_left_in_english(pages, strange, role, path):
    assert in_english(opened(pages(strange, role), strange, path)) == []


@pytest.mark.parametrize(
    ("role", "path", "names"),
    [
        ("engineer", "/", ["state.fault", "state.parked", "line.missing"]),
        ("physio", "/devices", ["line.missing", "line.parked", "page.says"]),
        ("engineer", "/system", ["alarm.journal_disk_full", "alarm.other"]),
    ],
)
def test_what_is_wrong_is_told_in_its_language(pages, strange, role, path, names):
    page, said = opened(pages(strange, role), strange, path), Texts("pseudo")
    for name in names:
        expect(page.get_by_text(said(name)).first).to_be_visible(timeout=10_000)


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
