"""The admin on a telephone and a tablet: nothing wider than the window, its history readable by everybody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.plugin.berth import Berth
from tests.support import axe

EDITED = """
from django.contrib.auth.models import User
from catalog.models import Model
user = User.objects.create_superuser("editor", password="berth")
model = Model.objects.get(slug="qwen3-30b-a3b")
for family in ("Qwen", "Qwen3"):
    model._history_user, model._change_reason = user, "by hand"
    model.family, model.provenance = family, model.provenance | {"family": "the card " * 40}
    model.save()
print(model.pk)
"""


@pytest.fixture(scope="module")
def signed_in(berth: Berth, browser: Browser) -> Iterator[tuple[Page, str]]:
    """A page of an editor, and the address of a model that was edited."""
    key = berth.manage("shell", "-v", "0", "-c", EDITED).strip().splitlines()[-1]
    page = browser.new_page()
    page.goto(f"{berth.base_url}/admin/")
    page.get_by_label("Username").fill("editor")
    page.get_by_label("Password").fill("berth")
    page.get_by_role("button", name="Log in").click()
    yield page, f"{berth.base_url}/admin/catalog/model/{key}/"
    page.close()


PATHS = ("../", "change/", "history/", "memory/", "../../evidence/", "../../build/", "../add/")


@pytest.mark.parametrize("path", PATHS)
def test_no_page_scrolls_sideways(signed_in: tuple[Page, str], path: str) -> None:
    page, model = signed_in
    page.goto(model + path)
    for width in (390, 820, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


def test_the_history_says_what_changed_and_by_whom(signed_in: tuple[Page, str]) -> None:
    page, model = signed_in
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{model}history/")
    latest = page.locator("#change-history").get_by_role("row").nth(1)
    for said in ("editor", "Family: Qwen → Qwen3", "by hand"):
        expect(latest).to_contain_text(said)
    for width, scheme, colours_only in ((1280, "light", False), (390, "light", False), (390, "dark", True)):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(300)  # Django's links change their colour slowly
        assert axe.violations(page, colours_only=colours_only) == "", f"{width} {scheme}"
    changes = latest.get_by_role("list").bounding_box()
    assert changes
    assert changes["width"] > 250  # not a column of syllables
    assert complaints == []


@pytest.mark.parametrize("path", ["../", "change/", "../../../"])
def test_the_colours_can_be_read(signed_in: tuple[Page, str], path: str) -> None:
    page, model = signed_in
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(model + path)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(300)
        assert axe.violations(page, colours_only=True) == "", scheme
