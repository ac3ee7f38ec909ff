"""What a visit costs: one first load from this server alone, small, and nothing that moves while it loads."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.plugin.berth import Berth

MOST = 120_000  # bytes on the wire, everything included
SHIFT = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value; })
    .observe({ type: 'layout-shift', buffered: true });
  setTimeout(() => done(sum), 500);
})"""


def test_the_first_visit_is_light_and_talks_to_nobody_else(read_berth: Berth, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{read_berth.base_url}/?hw=2x+RTX+3090,+64+GB+RAM&use_case=coding&context=32768")
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if not url.startswith((read_berth.base_url, "data:"))] == []
    entries = "performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))"
    assert page.evaluate(f"{entries}.reduce((sum, one) => sum + one.transferSize, 0)") < MOST
    assert page.evaluate(SHIFT) < 0.02


def test_the_api_documentation_talks_to_nobody_else(read_berth: Berth, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{read_berth.base_url}/api/docs/")
    page.get_by_text("/api/v1/recommendations/").first.wait_for()
    assert len(asked) > 3
    assert [url for url in asked if not url.startswith((read_berth.base_url, "data:"))] == []
    page.get_by_role("link", name="Back to Berth").click()
    page.get_by_role("heading", name="What can I run here?").wait_for()
