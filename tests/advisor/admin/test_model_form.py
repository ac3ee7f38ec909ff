"""A model added by hand: its builds and its memory follow from one form."""

from __future__ import annotations

import json

from django.urls import reverse

from advisor.templatetags.berth import gib
from catalog.models import Build, Model
from tests.support.by_hand import ADD, CONFIG, added, fields


def test_a_model_added_by_hand_has_its_builds_and_its_memory_at_once(loaded, admin_client):
    told = admin_client.post(ADD, fields(), follow=True).content.decode()
    assert "Own-Model has 5 builds" in told
    model = Model.objects.get(slug="own-model")
    assert {build.history.first().history_user.username for build in model.builds.all()} == {"admin"}
    address = reverse("admin:catalog_model_memory", args=[model.pk])
    assert address.encode() in admin_client.get(reverse("admin:catalog_model_change", args=[model.pk])).content
    page = admin_client.get(address, {"hardware": "RTX 3060 12GB, 32 GB RAM", "context": 4096, "concurrency": 1})
    rows = {row["build"]["id"]: row for row in page.context["rows"]}
    total = rows["own-model:Q8_0"]["memory"]["devices"][0]["total"]
    assert 145_000_000 < total < 2_000_000_000
    assert f"<td>{gib(total)}</td>" in page.content.decode()


def test_a_model_without_an_architecture_says_that_it_is_in_no_answer_and_gets_builds_later(loaded, admin_client):
    told = admin_client.post(ADD, fields(architecture="null"), follow=True).content.decode()
    assert "Without an architecture no memory is promised of this model" in told
    model = Model.objects.get(slug="own-model")
    address = reverse("admin:catalog_model_memory", args=[model.pk])
    assert "has no build yet" in admin_client.get(address).content.decode()
    Model.objects.filter(pk=model.pk).update(architecture=json.loads(fields()["architecture"]))
    changelist = reverse("admin:catalog_model_changelist")
    told = admin_client.post(changelist, {"action": "compute_builds", "_selected_action": [model.pk]}, follow=True)
    assert "5 builds written" in told.content.decode()


def test_a_pasted_config_json_becomes_the_catalogs_facts(loaded, admin_client):
    added(admin_client, architecture=CONFIG)
    facts = Model.objects.get(slug="own-model").architecture
    assert (facts["arch"], facts["n_layers"], facts["head_dim"], facts["tie"]) == ("llama", 30, 64, True)
    assert Build.objects.filter(model__slug="own-model").count() == 5


def test_no_script_or_style_of_the_form_is_inline(loaded, admin_client):
    page = admin_client.get(ADD).content.decode()
    assert "htmx" in page
    for script in page.split("<script")[1:]:
        opening = script.partition(">")[0]
        assert "src=" in opening or 'type="application/json"' in opening, opening
    assert "<style" not in page
    assert " style=" not in page
