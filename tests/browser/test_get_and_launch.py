"""A model that is not on this machine: got, launched and talked to, with one click. The hub stands on loopback."""

from __future__ import annotations

import json
import os
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.advisor.api.test_launch_download import ROWS, bundled, slowly
from tests.plugin.berth import Berth
from tests.support.hub import Hub, running

SLOW = 60_000  # ms
WIDTHS = (1280, 800, 390)


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with running(Hub()) as served:
        yield served


@pytest.fixture(scope="module")
def berth(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Berth]:
    started = Berth(tmp_path_factory.mktemp("berth") / "data", HF_ENDPOINT=hub.url).wait_until_ready()
    hidden = "Model.objects.exclude(slug='tiny').update(status='hidden')\n"
    started.manage("shell", "-v", "0", "-c", ROWS.replace("build.pk,", f"{hidden}build.pk,"))
    yield started
    started.kill()


def look(page: Page, name: str) -> None:
    """Screenshots where SCREENSHOTS names a folder, at three widths; nothing may be wider than the page."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"{name}-{width}.png")
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})


def test_get_and_launch_ends_in_a_chat(berth: Berth, hub: Hub, page: Page) -> None:
    page.goto(berth.operator_link())
    button = page.get_by_role("button", name="Get and launch").first
    form = page.locator("form", has=button).first
    build = form.locator("input[name=build]").input_value()
    with urllib.request.urlopen(f"{berth.base_url}/api/v1/builds/{build}/") as answer:
        row = json.load(answer)
    told = form.locator(".fetch")
    expect(told).to_contain_text(f"GB from {row['repo']}")
    expect(told).to_contain_text("GB are free here")
    expect(told).to_contain_text("icence")
    look(page, "before")
    hub.add(row["repo"], {row["files"][0]["path"]: bundled()})
    go = threading.Event()
    hub.instead["/resolve/"] = slowly(go)
    button.click()
    expect(page.locator(".status")).to_have_text("downloading", timeout=SLOW)
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.locator(".download")).to_contain_text("MB/s", timeout=SLOW)
    look(page, "downloading")
    go.set()
    expect(page.locator(".status")).to_have_text("ready", timeout=SLOW)
    page.get_by_label("Message").fill("Say hello.")
    page.get_by_role("button", name="Send").click()
    reply = page.locator(".chat .assistant").first
    expect(reply).not_to_be_empty(timeout=SLOW)
    expect(reply).not_to_contain_text("(No answer")
    look(page, "ready")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".status")).to_have_text("stopped", timeout=SLOW)
    page.goto(berth.base_url)
    here = page.get_by_role("region", name="Ready to launch")
    assert here.locator(f"input[value='{build}']").count() == 1
