"""For who uses keys, hears the page, or has a finger instead of a mouse."""

import itertools

import pytest
from consoles import clinic
from playwright.sync_api import expect
from waiting import wait_until

TARGET_PX = 44  # WCAG 2.2, 2.5.5
MOST_STOPS = 80
PAGES = {
    "physio": [
        *("/", "/inbox", "/patients", "/today", "/patients/{code}", "/bind"),
        *("/sessions/{id}", "/devices", "/devices/us-1"),
    ],
    "engineer": ["/system", "/system/doctor", "/recall"],
    "admin": ["/users", "/audit"],
}
SEEN = [(role, path) for role, paths in PAGES.items() for path in paths]


class Here:
    def __init__(self, made):
        self.clinic = made
        who = [
            {"name": it, "birth_date": "1815-12-10"}
            for it in ("Ada Lovelace", "Emmy Noether")
        ]
        self.code = made.do("add_patients", who=who).entries[0].subject
        wait_until(lambda: made.session)

    def path(self, path):
        return self.clinic.url + path.format(code=self.code, id=self.clinic.session)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with clinic(tmp_path_factory.mktemp("journal"), rooms=2) as made:
        yield Here(made)


@pytest.fixture(scope="module")
def pages(chromium, here):
    """One for each role, used again."""
    kept = {}

    def page(role):
        if role not in kept:
            kept[role] = chromium.new_context().new_page()
            kept[role].goto(here.clinic.entry(role))
        return kept[role]

    yield page
    for it in kept.values():
        it.context.close()


# Where the focus is: its place in the document, how it is seen, and where it stands.
STOP = """() => {
  const it = document.activeElement;
  if (!it || it === document.body) return null;
  const place = it.getBoundingClientRect(), style = getComputedStyle(it);
  return {
    nth: [...document.querySelectorAll("*")].indexOf(it),
    what: it.outerHTML.slice(0, 120),
    ring: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    left: place.left, right: place.right,
    top: place.top + scrollY, bottom: place.bottom + scrollY,
    within: place.bottom > 0 && place.top < innerHeight,
  };
}"""


def stops(page):
    """Every place where the focus rests, by the key that moves it on."""
    page.evaluate("scrollTo(0, 0); document.activeElement.blur()")
    found = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None or (found and stop["nth"] == found[0]["nth"]):
            break
        found.append(stop)
    return found


@pytest.mark.parametrize(("role", "path"), SEEN)
def test_the_focus_goes_as_one_reads_and_is_seen(pages, here, role, path):
    page = pages(role)
    page.goto(here.path(path))
    found = stops(page)
    assert len(found) > 3
    for before, after in itertools.pairwise(found):
        assert before["nth"] < after["nth"], (before, after)
        # Never back: up, without going to the right as columns and cards do.
        up = after["bottom"] <= before["top"]
        assert not (up and after["left"] < before["right"]), (before, after)
    for stop in found:
        assert stop["ring"] >= 2, stop
        assert stop["within"], stop


@pytest.mark.parametrize(("role", "path"), SEEN)
def test_headings_are_in_order(pages, here, role, path):
    page = pages(role)
    page.goto(here.path(path))
    levels = page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4')].map(it => +it.tagName[1])"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    steps = itertools.pairwise(levels)
    assert all(after <= before + 1 for before, after in steps), levels


def bind(page, name):
    """With keys and a finger; the card of the treatment."""
    card = page.locator("section.device").first
    card.locator("summary").click()
    card.locator("input[type=search]").fill(name)
    offer = card.locator("button.person")
    expect(offer).to_have_count(1)
    offer.press("Enter")
    return card


def focused(page, selector):
    expect(page.locator(selector).first).to_be_focused()


def test_the_focus_comes_back_to_the_card_and_after_an_undo_too(chromium, here):
    page = chromium.new_context().new_page()
    page.goto(here.clinic.entry("physio"))
    card = bind(page, "lovelace")
    expect(card.locator(".whose")).to_have_text("Ada Lovelace")
    card_id = card.get_attribute("id")
    focused(page, f"section[id='{card_id}'] summary")
    # What is told is told in a place that was there before: else it is not read out.
    assert page.locator("#told").get_attribute("role") == "status"
    expect(page.locator("#told")).to_contain_text("It is for Ada Lovelace.")
    page.get_by_role("button", name="Undo").press("Enter")
    expect(card.locator(".whose")).to_have_text("for nobody yet")
    focused(page, f"section[id='{card_id}'] summary")
    page.context.close()


def test_what_a_device_does_is_read_out_and_what_only_ticks_is_not(chromium, here):
    page = chromium.new_context().new_page()
    page.goto(here.clinic.entry("physio"))
    ring = page.locator("svg.ring text").first
    expect(ring).to_be_visible(timeout=20_000)
    page.evaluate(
        """() => {
          window.heard = [];
          for (const it of document.querySelectorAll("[aria-live], [role=status]"))
            new MutationObserver(() => heard.push(it.textContent))
              .observe(it, {childList: true, subtree: true, characterData: true});
        }"""
    )
    assert page.locator("[aria-live] svg.ring, [role=status] svg.ring").count() == 0
    for _ in range(3):  # the ring turns, and nothing is said
        before = ring.text_content()
        expect(ring).not_to_have_text(before, timeout=5000)
    assert page.evaluate("window.heard") == []
    page.evaluate(
        """() => {
          const state = document.querySelector("section.device .state");
          state.textContent = "as it was before";
        }"""
    )
    expect(page.locator("#news")).to_contain_text(
        "Ultrasound, room 1: running", timeout=5000
    )
    assert len(page.evaluate("window.heard")) == 1
    page.context.close()


def test_a_finger_meets_every_target_of_the_two_taps(chromium, here):
    narrow = {"width": 360, "height": 740}
    page = chromium.new_context(viewport=narrow, has_touch=True).new_page()
    page.goto(here.clinic.entry("physio"))
    card = page.locator("section.device").first
    targets = [*page.locator("nav a").all(), card.locator("summary")]
    card.locator("summary").tap()
    card.locator("input[type=search]").fill("noether")
    expect(card.locator("button.person")).to_have_count(1)
    targets += [card.locator("input[type=search]"), card.locator("button.person")]
    small = [*measured(targets)]
    card.locator("button.person").tap()
    small += measured([page.get_by_role("button", name="Undo")])
    page.get_by_role("button", name="Undo").tap()
    expect(card.locator(".whose")).to_have_text("for nobody yet")
    assert small == []
    page.context.close()


def measured(targets):
    """Those that are too small."""
    for it in targets:
        box = it.bounding_box()
        if min(box["width"], box["height"]) < TARGET_PX:
            yield it.inner_text(), box


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_by_itself(chromium, here, motion):
    """For nobody, so that nobody need ask for it."""
    page = chromium.new_context(reduced_motion=motion).new_page()
    page.goto(here.clinic.entry("physio"))
    moving = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((it) => {
          const style = getComputedStyle(it);
          return style.animationName !== "none" ||
            style.transitionDuration.split(", ").some((one) => parseFloat(one) > 0) ||
            style.scrollBehavior !== "auto";
        }).map((it) => it.outerHTML.slice(0, 80))"""
    )
    assert moving == []
    page.context.close()
