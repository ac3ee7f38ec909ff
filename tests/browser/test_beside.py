"""Marking plans and seeing them side by side, with and without JavaScript; the address brings it back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.plugin.berth import Berth


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_mark_two_plans_compare_and_remove_one(read_berth: Berth, browser: Browser, script: bool) -> None:
    page = browser.new_page(java_script_enabled=script, viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{read_berth.base_url}/?hw=2x+RTX+3090,+64+GB+RAM&use_case=coding&context=32768")
    boxes = page.get_by_role("checkbox", name=re.compile("^Compare "))
    first, third = (boxes.nth(i) for i in (0, 2))
    names = [
        page.locator("ol.results > li").nth(i).get_by_role("heading").get_by_role("link").inner_text() for i in (0, 2)
    ]
    first.check()
    third.check()
    page.get_by_role("button", name="Compare the marked").click()
    plans = page.get_by_role("group", name="Plans side by side")
    expect(plans).to_be_in_viewport()
    assert plans.get_by_role("columnheader").get_by_role("link").all_inner_texts() == names
    expect(page).to_have_url(re.compile(r"compare=.*compare=.*#compare$"))

    page.goto(page.url)  # as a bookmark
    expect(plans.get_by_role("columnheader")).to_have_count(3)
    expect(boxes.nth(2)).to_be_checked()
    page.get_by_label("Context per request").select_option("131072")
    if not script:
        page.get_by_role("button", name="Ask").click()
    expect(plans.get_by_role("row", name=re.compile("^Context"))).to_contain_text("128k a request")

    page.get_by_role("link", name=f"Remove {names[0]}").click()
    expect(plans.get_by_role("columnheader")).to_have_count(2)
    expect(plans).to_contain_text(names[1])
    page.get_by_role("link", name="Other plans").first.click()
    expect(page.get_by_role("group", name="Other plans of")).to_be_in_viewport()
    assert complaints == []
    page.close()
