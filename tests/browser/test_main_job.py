"""A person in a real browser: ask for this machine and for another, launch, chat, see what was measured, stop."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.plugin.berth import Berth

SLOW = 30_000  # ms: two cores load a model beside a browser


def figures(page: Page, row: str) -> list[float]:
    """Bytes behind a row's cells, out of the titles that show them exactly."""
    titles = page.get_by_role("row", name=row).get_by_role("cell").evaluate_all("cells => cells.map(c => c.title)")
    return [float(re.sub(r"\D", "", title)) for title in titles if title]


def test_ask_launch_chat_compare_and_stop(berth: Berth, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(berth.operator_link())
    assert page.url == f"{berth.base_url}/"  # without the key
    expect(page.get_by_role("heading", name="What can I run here?")).to_be_visible()
    expect(page.locator("ol.results > li").first).to_contain_text("tokens/s")
    expect(page.get_by_role("region", name="Why not").get_by_role("row").nth(1)).to_be_visible()

    page.get_by_role("button", name="Launch SmolLM2").first.click()
    expect(page.locator(".status")).to_have_text("ready", timeout=SLOW)
    memory = page.get_by_role("row", name="Memory")
    expect(memory.get_by_role("cell").nth(2)).to_contain_text("MiB", timeout=SLOW)
    predicted, measured = figures(page, "Memory")
    assert abs(predicted / measured - 1) < 0.10, (predicted, measured)
    expect(page.get_by_role("row", name="Tokens per second").get_by_role("cell").nth(2)).to_have_text(re.compile(r"\d"))

    page.get_by_text("Log", exact=True).click()
    # The figures are looked up again, and what is being read stays open.
    page.wait_for_event("response", lambda answer: "seen=ready" in answer.url)
    expect(page.get_by_role("group", name="Log", exact=True)).to_be_visible()

    page.get_by_label("Message").fill("Say hello.")
    page.get_by_role("button", name="Send").click()
    reply = page.locator(".chat .assistant").first
    expect(reply).not_to_be_empty(timeout=SLOW)
    expect(reply).not_to_contain_text("(No answer")

    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".status")).to_have_text("stopped", timeout=SLOW)
    page.get_by_role("link", name="Launches").click()
    expect(page.get_by_role("row", name=re.compile("smollm2.*stopped"))).to_be_visible()
    assert complaints == []


def test_the_question_about_other_hardware_is_the_address(berth: Berth, page: Page) -> None:
    page.goto(berth.base_url)
    page.get_by_label("Hardware").fill("2x RTX 3090, 64 GB RAM")
    page.get_by_label("What for").select_option("coding")
    page.get_by_label("Context per request").select_option("32768")
    heading = page.get_by_role("heading", name="What can I run on 2x RTX 3090, 64 GB RAM?")
    expect(heading).to_be_visible()
    expect(page).to_have_url(re.compile(r"hw=2x.*context=32768"))
    best = page.locator("ol.results > li").first.get_by_role("heading").inner_text()

    page.goto(page.url)  # as a bookmark
    expect(heading).to_be_visible()
    expect(page.get_by_label("Hardware")).to_have_value("2x RTX 3090, 64 GB RAM")
    assert page.locator("ol.results > li").first.get_by_role("heading").inner_text() == best
    expect(page.get_by_role("img", name=re.compile("^RTX 3090: weights")).first).to_be_visible()
    page.get_by_text("Evidence (").first.click()
    expect(page.get_by_role("columnheader", name="Source").first).to_be_visible()
    page.get_by_text("Command").first.click()
    expect(page.locator("pre").first).to_contain_text("llama-server -hf ")


def test_it_works_without_javascript(berth: Berth, browser: Browser) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(berth.base_url)
    page.get_by_label("Hardware").fill("RTX 4090, 64 GB RAM")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("heading", name="What can I run on RTX 4090, 64 GB RAM?")).to_be_visible()
    assert page.locator("ol.results > li").count() == 10
    page.get_by_label("Hardware").fill("Foo 9000")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator(".field .error")).to_contain_text("Foo 9000")
    expect(page.get_by_label("Hardware")).to_have_value("Foo 9000")
    page.close()
