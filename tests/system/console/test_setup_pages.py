"""The set-up page at each of its steps: for everybody's eyes, in any language."""

import pytest
from browsing import in_english, in_the_way
from setting_up import NAMES, setting


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with setting(tmp_path_factory.mktemp("first"), "en") as made:
        yield made


@pytest.fixture(scope="module")
def strange(tmp_path_factory):
    with setting(tmp_path_factory.mktemp("first"), "pseudo") as made:
        yield made


@pytest.fixture
def page(chromium):
    context = chromium.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_stands_in_anybodys_way(page, here, name):
    page.goto(here.at(name))
    assert in_the_way(page) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_word_is_left_in_english(page, strange, name):
    page.goto(strange.at(name))
    assert in_english(page) == []


def test_a_mistake_is_told_in_its_language(page, strange):
    page.goto(strange.at("answered"))
    page.locator("input[name=timezone]").fill("Nowhere/Atall")
    page.locator("form[action='/answer'] button").click()
    told = page.get_by_role("alert")
    assert told.first.locator("p").first.inner_text().startswith("[")
    assert in_english(page) == []
