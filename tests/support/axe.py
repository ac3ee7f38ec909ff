"""axe-core on a page, asked for violations only: writing up what passes takes half of the time on a long page."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


def violations(page: Page, *, part: str | None = None, colours_only: bool = False) -> str:
    """axe's report of what is wrong on the page, or in the part that the selector names; empty if nothing is."""
    options: dict[str, Any] = {"resultTypes": ["violations"], **(COLOURS if colours_only else {})}
    found = Axe().run(page, context=part, options=options)
    return found.generate_report() if found.violations_count else ""
