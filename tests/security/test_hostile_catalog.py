"""A real browser on pages full of payloads: no script runs, nothing else is asked, and no link runs one."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests.security.conftest import LAUNCH_ID
from tests.security.payloads import MARK
from tests.security.spoilt import spoil_everything

PATHS = (
    "/",
    "/models/one/",
    "/hardware/",
    "/launches/",
    f"/launches/{LAUNCH_ID}/",
    "/requirements/?model=one",
    f"/?hw=<img src=x onerror={MARK}>",
)
# What a payload would call, and what a page must not have.
SPY = f"window.ran = []; Object.defineProperty(window, '{MARK}', {{get: () => window.ran.push(1)}})"
LOOK = f"""() => ({{
  ran: window.ran,
  text: document.body.innerText.includes('{MARK}'),
  handlers: [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => /^on/.test(a.name))).length,
  scripts: [...document.scripts].filter(s => !s.src.startsWith(location.origin + '/static/')).map(s => s.outerHTML),
  links: [...document.querySelectorAll('[href],[src],[action]')].map(e => e.href || e.src || e.action)
    .filter(a => !/^https?:/.test(a)),
}})"""


@pytest.mark.usefixtures("world")
def test_no_script_of_a_catalog_runs_and_no_link_leads_to_one(live_server: LiveServer, page: Page) -> None:
    spoil_everything()
    asked: list[str] = []
    dialogs: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.add_init_script(SPY)
    for path in PATHS:
        page.goto(live_server.url + path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
        found = page.evaluate(LOOK)
        assert found == {"ran": [], "text": True, "handlers": 0, "scripts": [], "links": []}, path
    assert dialogs == []
    assert [url for url in asked if not url.startswith(live_server.url)] == []


@pytest.mark.usefixtures("world")
def test_the_policy_stops_what_an_escape_would_miss(live_server: LiveServer, page: Page) -> None:
    page.add_init_script(SPY)
    page.goto(live_server.url + "/hardware/")
    page.evaluate(f"document.body.innerHTML = '<img src=x onerror=\"{MARK}\">'")
    page.evaluate(f"document.head.append(Object.assign(document.createElement('script'), {{text: '{MARK}'}}))")
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") == []
