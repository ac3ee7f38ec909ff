"""Every page for everybody: axe finds nothing, light and dark, and nothing is wider than the window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.plugin.berth import Berth
from tests.support import axe

PAGES = {
    "this machine": "/",
    "two GPUs": "/?hw=2x+RTX+3090,+64+GB+RAM&use_case=coding&context=32768",
    "side by side": "/?hw=2x+RTX+3090,+64+GB+RAM&use_case=coding&context=32768&price_per_kwh=0.3"
    "&purchase_price=1600&years=3&utilisation=0.25&plans=qwen3.6-27b&compare=qwen3.6-27b:Q4_K_M@gpu&compare=qwen3.6-35b-a3b:Q8_0@gpus"
    "&compare=qwen3.5-122b-a10b:Q4_K_M@experts_on_cpu&compare=llama-4-scout-17b-16e-instruct:Q8_0@gpu",
    "no answer": "/?hw=CPU+only,+1+GB+RAM&licence=commercial&languages=xx",
    "unknown GPU": "/?hw=Foo+9000",
    "a model": "/models/qwen3-30b-a3b/?hw=2x+RTX+3090,+64+GB+RAM",
    "a model on this machine": "/models/deepseek-v4-flash/",
    "what a model needs": "/requirements/?model=qwen3-32b&use_case=coding&context=32768",
    "what no accelerator meets": "/requirements/?model=qwen3-32b&context=262144",
    "two machines": "/compare/?a=RTX+4060+8+GB,+16+GB+RAM&b=2x+RTX+3090,+64+GB+RAM",
    "a claim": "/claims/",
    "about": "/about/",
    "launches": "/launches/",
    "hardware": "/hardware/",
    "nothing there": "/nothing/",
}


@pytest.fixture(scope="module", params=PAGES.values(), ids=PAGES)
def opened(read_berth: Berth, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page with all that can be unfolded unfolded, one for both tests."""
    page = browser.new_page()
    page.goto(read_berth.base_url + request.param)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    yield page
    page.close()


def test_axe_finds_nothing(opened: Page) -> None:
    opened.set_viewport_size({"width": 1280, "height": 900})
    opened.emulate_media(color_scheme="light")
    assert axe.violations(opened) == ""
    opened.emulate_media(color_scheme="dark")  # which changes nothing but colours
    assert axe.violations(opened, colours_only=True) == ""


def test_no_page_scrolls_sideways(opened: Page) -> None:
    for width in (390, 820, 1440):
        opened.set_viewport_size({"width": width, "height": 900})
        assert opened.evaluate("document.documentElement.scrollWidth") <= width, width
