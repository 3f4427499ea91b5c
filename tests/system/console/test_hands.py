"""What hands do on a page: with a finger, with keys alone, and without any script."""

import pytest
from consoles import clinic
from playwright.sync_api import expect
from waiting import wait_until

from devicelog.export.verify import verify
from devicelog.journal.reader import Reader

NAMES = ["Ada Lovelace", "Sophie Germain"]


class Here:
    def __init__(self, made) -> None:
        self.clinic = made
        who = [{"name": it, "birth_date": "1970-01-02"} for it in NAMES]
        self.codes = [it.subject for it in made.do("add_patients", who=who).entries]
        wait_until(lambda: made.session)

    def bound(self, session):
        with Reader(self.clinic.daemon.recording.directory) as reader:
            return reader.session(session).pseudonym


@pytest.fixture
def here(tmp_path):
    with clinic(tmp_path / "journal") as made:
        yield Here(made)


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(request, chromium, here):
    """Of a physio who came in; every form works both ways."""
    context = chromium.new_context(java_script_enabled=request.param)
    page = context.new_page()
    page.goto(here.clinic.entry("physio"))
    yield page
    context.close()


def test_a_treatment_from_the_inbox_to_its_patient_and_to_another(page, here):
    session = here.clinic.session
    page.goto(f"{here.clinic.url}/inbox")
    page.get_by_role("link", name="For whom?").click()
    page.get_by_label("Name, birth date").fill("germain")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Sophie Germain").click()
    wait_until(lambda: here.bound(session) == here.codes[1])
    expect(page.get_by_text("Every treatment has its patient.")).to_be_visible()

    page.goto(f"{here.clinic.url}/sessions/{session}")
    page.get_by_role("link", name="Another patient").click()
    page.get_by_label("Name, birth date").fill("lovelace")
    page.get_by_role("button", name="Search").click()
    page.get_by_label("Why it changes").select_option("wrong_patient")
    page.get_by_role("button", name="Ada Lovelace").click()
    page.get_by_role("button", name="Yes, do it").click()
    wait_until(lambda: here.bound(session) == here.codes[0])

    page.goto(f"{here.clinic.url}/sessions/{session}")
    page.locator("summary", has_text="Belongs to nobody").click()
    page.get_by_role("button", name="Belongs to nobody").click()
    wait_until(lambda: here.bound(session) == "")


def test_a_code_that_a_scanner_types_binds(chromium, here):
    """The code and Enter, as fast as a scanner is; no button, no other page."""
    session = here.clinic.session
    page = chromium.new_context().new_page()
    page.goto(here.clinic.entry("physio"))
    page.locator("summary", has_text="For whom?").click()
    page.get_by_label("Name, birth date").click()
    page.keyboard.type(here.codes[1].replace("-", "").lower())
    page.keyboard.press("Enter")
    wait_until(lambda: here.bound(session) == here.codes[1])
    expect(page.locator(".whose")).to_have_text("Sophie Germain")
    page.context.close()


def test_a_name_and_enter_only_finds(chromium, here):
    page = chromium.new_context().new_page()
    page.goto(here.clinic.entry("physio"))
    page.locator("summary", has_text="For whom?").click()
    page.get_by_label("Name, birth date").fill("germain")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sophie Germain")).to_be_focused()
    assert here.bound(here.clinic.session) == ""
    page.context.close()


def test_what_is_added_to_a_session_stands_there(page, here):
    page.goto(f"{here.clinic.url}/sessions/{here.clinic.session}")
    page.locator("summary", has_text="Add to the record").click()
    page.get_by_label("Body site").select_option("lateral_epicondyle")
    page.get_by_label("Pain before").fill("6")
    page.get_by_label("Note").last.fill("<b>tender</b>")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("<b>tender</b>")).to_be_visible()
    line = page.get_by_label("For the notes").input_value()
    assert "lateral epicondyle" in line


def test_an_export_is_saved_and_proves_itself(page, here, tmp_path):
    here.clinic.do("assign", session_id=here.clinic.session, pseudonym=here.codes[0])
    page.goto(f"{here.clinic.url}/patients/{here.codes[0]}")
    page.get_by_label("The whole record as").select_option("zip")
    with page.expect_download() as coming:
        page.get_by_role("button", name="Save", exact=True).first.click()
    file = tmp_path / coming.value.suggested_filename
    coming.value.save_as(file)
    key = here.clinic.daemon.recording.keyring.archive_key
    verdict = verify(file, key)
    assert verdict.changed == ()
    assert file.name == f"{here.codes[0]}.zip"


def test_somebody_is_added_and_next(page, here):
    page.goto(f"{here.clinic.url}/patients")
    page.locator("summary", has_text="Add a patient").click()
    page.get_by_label("Name", exact=True).fill("Emmy Noether")
    page.get_by_label("Birth date", exact=True).fill("1882-03-23")
    page.get_by_role("button", name="Add a patient").click()
    page.get_by_role("link", name="Emmy Noether").click()
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_text("is for Emmy Noether")).to_be_visible()


def test_a_question_is_asked_and_answered(page, here):
    page.goto(f"{here.clinic.url}/patients")
    page.locator("summary", has_text="Add a patient").click()
    page.get_by_label("Name", exact=True).fill("Ada Lovelace")
    page.get_by_label("Birth date", exact=True).fill("1970-01-02")
    page.get_by_role("button", name="Add a patient").click()
    expect(page.get_by_role("heading", name="Are you sure?")).to_be_visible()
    page.get_by_role("button", name="Yes, do it").click()
    expect(page.get_by_text("Ada Lovelace is ")).to_be_visible()


def test_keys_alone_bind_a_patient(chromium, here):
    page = chromium.new_context().new_page()
    page.goto(here.clinic.entry("physio"))
    summary = page.locator("section.device summary").first
    for _ in range(40):
        page.keyboard.press("Tab")
        if summary.evaluate("it => it === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("lovelace")
    person = page.locator("section.device button.person")
    expect(person).to_have_count(1)
    page.keyboard.press("Tab")  # past the button that searches
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_until(lambda: here.bound(here.clinic.session) == here.codes[0])
    page.context.close()


def test_a_lost_cable_is_told_on_the_open_page_within_ten_seconds(chromium, here):
    page = chromium.new_context().new_page()
    page.goto(here.clinic.entry("reception"))
    expect(page.locator("#banner .alarm")).to_have_count(0)
    here.clinic.unplug()
    expect(page.locator("#banner .alarm")).to_contain_text(
        "Ultrasound, room 1", timeout=10_000
    )
    page.context.close()


def test_a_recorder_that_ended_is_told_on_the_open_page(chromium, tmp_path):
    page = chromium.new_context().new_page()
    with clinic(tmp_path / "other") as made:
        page.goto(made.entry("physio"))
        expect(page.locator(".cutoff")).to_be_hidden()
    expect(page.locator(".cutoff")).to_be_visible(timeout=10_000)
    page.context.close()
