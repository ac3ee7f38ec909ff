"""On a telephone: tables become lists instead of scrolling sideways, filters fold away, the answer is in sight."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import PAGES
from tests.plugin.berth import Berth

WIDER = """() => [...document.querySelectorAll('.scroll:not(:has(.beside))')]
  .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.ariaLabel)"""
ANSWERED = [name for name in PAGES if name not in ("no answer", "unknown GPU")]


@pytest.fixture
def narrow(read_berth: Berth, page: Page) -> Page:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(read_berth.base_url)
    return page


@pytest.mark.parametrize("name", ANSWERED)
def test_no_table_scrolls_sideways_but_the_plans_side_by_side(read_berth: Berth, narrow: Page, name: str) -> None:
    narrow.goto(read_berth.base_url + PAGES[name])
    narrow.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert narrow.evaluate(WIDER) == []


def test_a_cell_of_a_table_that_became_a_list_says_its_column(read_berth: Berth, narrow: Page) -> None:
    narrow.goto(read_berth.base_url + PAGES["what a model needs"])
    cell = narrow.get_by_role("cell").filter(has_text="GiB").first
    assert cell.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Needs "'
    narrow.set_viewport_size({"width": 820, "height": 900})
    assert cell.evaluate("cell => getComputedStyle(cell, '::before').content") == "none"


def test_the_first_screen_has_the_question_and_the_best_answer(narrow: Page) -> None:
    expect(narrow.get_by_label("Hardware")).to_be_in_viewport()
    expect(narrow.get_by_role("list", name="In short").get_by_role("link").first).to_be_in_viewport()


def test_filters_fold_away_and_are_all_there_where_there_is_room(narrow: Page) -> None:
    speed = narrow.get_by_label("At least tokens/s")
    expect(speed).to_be_hidden()
    narrow.get_by_text("More filters").click()
    speed.fill("5")
    narrow.get_by_role("button", name="Ask").click()
    expect(speed).to_have_value("5")  # what is set stays in sight
    expect(speed).to_be_visible()
    narrow.goto(narrow.url.partition("?")[0])
    narrow.set_viewport_size({"width": 1280, "height": 900})
    expect(speed).to_be_visible()
    expect(narrow.get_by_text("More filters")).to_be_hidden()
    expect(narrow.get_by_role("button", name="Ask")).to_be_in_viewport()
