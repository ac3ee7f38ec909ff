"""An editor adds a model by hand in a real browser: told what is wrong, shown what it would move, saved, looked up."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, expect

from tests.plugin.berth import Berth
from tests.support import axe

SLOW = 30_000  # ms: the whole catalog is ranked twice for three machines
SIGN_UP = "from django.contrib.auth.models import User; User.objects.create_superuser('editor', password='berth')"
CONFIG = {
    **{"model_type": "qwen3", "num_hidden_layers": 36, "hidden_size": 4096, "intermediate_size": 12288},
    **{"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936},
    **{"tie_word_embeddings": False, "max_position_embeddings": 40960},
}


def looked_over(page: Page, complaints: list[str], part: str = "#content") -> None:
    """`part` leaves out what is Django's own: the frame, select2 and the tables of inlines."""
    assert complaints == []
    assert axe.violations(page, part=part) == ""
    complaints.clear()  # of axe's own styles


def test_an_editor_adds_a_model_by_hand(berth: Berth, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    berth.manage("shell", "-c", SIGN_UP)
    page.goto(f"{berth.base_url}/admin/catalog/model/add/")
    page.get_by_label("Username").fill("editor")
    page.get_by_label("Password").fill("berth")
    page.get_by_role("button", name="Log in").click()

    page.get_by_label("Slug").fill("Own 9B")
    expect(page.locator(".field-slug .help")).to_contain_text("Use lower-case letters")
    expect(page.get_by_label("Slug")).to_have_accessible_description(re.compile("Use lower-case letters"))
    page.get_by_label("Slug").fill("own-9b")
    for label, text in {"Name": "Own-9B", "Hub id": "own/own-9b", "Organisation": "Own", "Family": "Own"}.items():
        page.get_by_label(label).fill(text)
    page.get_by_label("Parameters total").fill("8190735360")
    page.get_by_label("Context length").fill("40960")
    page.get_by_label("Architecture").fill(json.dumps(CONFIG))
    status = page.get_by_role("status")
    expect(status).to_contain_text("adds up to 8,190,735,360 parameters")
    expect(status).to_contain_text("sources[0]")
    expect(page.locator(".field-slug .help")).to_be_hidden()
    sources = {"sources": ["the model's card"], "confidence": "read from the card"}
    page.get_by_role("textbox", name="Provenance").fill(json.dumps(sources))
    expect(status).to_contain_text("This can be saved.")

    page.get_by_role("button", name="What would it change?").click()
    moved = page.get_by_role("region", name="What it would change")
    expect(moved.get_by_role("table")).to_have_count(3, timeout=SLOW)
    expect(moved).to_contain_text("Own-9B: new at")
    looked_over(page, complaints, ".live-box")

    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_text("Own-9B has 5 builds")).to_be_visible(timeout=SLOW)
    page.get_by_role("link", name="Rankings", exact=True).click()
    for machine in ("A laptop: RTX 4060 laptop 8 GB", "One RTX 4090", "Four H100: 4x H100 SXM"):
        expect(page.get_by_role("table", name=re.compile(machine))).to_be_visible()
    looked_over(page, complaints)
    page.go_back()
    page.get_by_role("link", name="Memory on a card").click()
    expect(page.get_by_role("row", name=re.compile("own-9b:Q4_K_M RTX 4090"))).to_contain_text("6.1 GiB")
    looked_over(page, complaints)
