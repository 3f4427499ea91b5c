"""Whose a treatment is, said with a finger: two taps, and ten seconds to undo it."""

import pytest
from consoles import clinic
from playwright.sync_api import expect

NAMES = ["Ada Lovelace", "Émilie du Châtelet", "Sophie Germain"]
TAPS = """
window.taps = 0; window.left = 0;
addEventListener("pointerdown", () => { window.taps += 1; });
addEventListener("beforeunload", () => { window.left += 1; });
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with clinic(tmp_path_factory.mktemp("journal")) as made:
        who = [{"name": it, "birth_date": "1970-01-02"} for it in NAMES]
        made.do("add_patients", who=who)
        yield made


def treated(page):
    """Wait for a treatment to run; its card."""
    card = page.locator("section.device").first
    expect(card.locator(".state")).to_have_text("running", timeout=30_000)
    return card


def test_two_taps_bind_and_one_undoes(here, chromium):
    page = chromium.new_page()
    page.goto(here.entry("physio"))
    card = treated(page)
    page.evaluate(TAPS)
    card.locator("summary").click()
    # Nobody was here before: the first patient is searched for.
    card.locator("input[type=search]").fill("lovelace")
    offer = card.locator("button.person")
    expect(offer).to_have_count(1)
    offer.click()
    expect(card.locator(".whose")).to_have_text("Ada Lovelace")
    assert page.evaluate("[window.taps, window.left]") == [2, 0]
    page.get_by_role("button", name="Undo").click()
    expect(card.locator(".whose")).to_have_text("for nobody yet")
    page.close()
