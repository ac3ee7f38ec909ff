"""A model's page in a real browser, by way of an answer, with and without JavaScript."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.plugin.berth import Berth
from tests.support import axe

MACHINE = "2x RTX 3090, 64 GB RAM"
DRAWING = re.compile("^Memory of .* against context$")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_an_answer_to_the_model_and_to_another_machine(read_berth: Berth, page: Page, scheme: str) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{read_berth.base_url}/?hw={MACHINE}")
    title = page.locator("ol.results > li").first.get_by_role("heading").get_by_role("link")
    name = title.inner_text()
    title.click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    expect(page.get_by_label("Hardware")).to_have_value(MACHINE)
    drawing = page.get_by_role("img", name=DRAWING)
    expect(drawing).to_be_visible()
    expect(drawing).to_contain_text("Available on both")
    assert axe.violations(page) == ""

    page.get_by_label("Hardware").fill("CPU only, 32 GB RAM")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="Memory against context on CPU only, 32 GB RAM")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^Main memory available"))).to_be_visible()
    assert complaints == []


def test_lines_lie_within_the_drawing_and_labels_do_not_touch(read_berth: Berth, browser: Browser) -> None:
    page = browser.new_page(java_script_enabled=True, viewport={"width": 390, "height": 900})
    page.goto(f"{read_berth.base_url}/models/qwen3-30b-a3b/?hw={MACHINE}")
    outer = page.locator(".growth svg").bounding_box()
    assert outer
    for label in page.locator(".growth svg text").all():
        box = label.bounding_box()
        assert box
        assert box["x"] >= outer["x"] - 1, label.inner_text()
        assert box["x"] + box["width"] <= outer["x"] + outer["width"] + 1, label.inner_text()
    boxes = [label.bounding_box() for label in page.locator(".need-name, .room-name").all()]
    drawn = page.locator(".growth svg .grid").first.bounding_box()
    assert drawn
    assert all(box and box["x"] >= drawn["x"] + drawn["width"] for box in boxes)  # not over a line
    tops = sorted(box["y"] + box["height"] / 2 for box in boxes if box)
    assert all(after - before > 6 for before, after in pairwise(tops))
    page.close()


def test_it_works_without_javascript(read_berth: Berth, browser: Browser) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{read_berth.base_url}/models/qwen3-8b/")
    page.get_by_label("Hardware").fill("RTX 4090, 64 GB RAM")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("img", name=DRAWING)).to_be_visible()
    expect(page.get_by_role("table").first).to_contain_text("one GPU")
    page.close()
