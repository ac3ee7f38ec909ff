"""The admin's own way in: import from the hub with a preview, computed builds, and a card that does not hold them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from catalog import version
from catalog.models import Build, Model
from tests.support import hub as fake
from tests.support import hub_files
from tests.support.hub_files import GGUF, NAME, SLUG, TOTAL

SMOL = "smollm2-135m-instruct"
FORM = reverse("admin:catalog_model_from_hub")


@pytest.fixture
def hub(tmp_path, settings, loaded):
    with fake.running(fake.Hub()) as running:
        hub_files.publish(running, tmp_path)
        hub_files.publish_gguf(running, tmp_path)
        settings.HF_ENDPOINT, settings.HF_CDN_HOSTS = running.url, []
        yield running


def look(client, **fields):
    return client.post(FORM, {"hub_id": NAME, "gguf": "", **fields})


def test_the_difference_is_shown_before_anything_is_written_and_then_written_as_shown(hub, admin_client, admin_user):
    assert b"Show the difference" in admin_client.get(FORM).content
    before = version.current()
    page = look(admin_client, gguf=GGUF)
    shown = page.content.decode()
    assert f"<td>{TOTAL}</td>" in shown
    assert f"hub {NAME}@0123456789:*.safetensors" in shown
    assert "verified: recomputed total equals safetensors total" in shown
    assert version.current() == before
    asked = len(hub.asked)
    done = admin_client.post(FORM, {"confirmed": page.context["content"]})
    model = Model.objects.get(slug=SLUG)
    assert done.url == reverse("admin:catalog_model_change", args=[model.pk])
    assert len(hub.asked) == asked
    assert model.history.first().history_user == admin_user
    assert Build.objects.filter(key=f"{SLUG}:Q4_K_M:{GGUF}", basis="exact").exists()


def test_a_catalog_that_changed_since_the_preview_is_shown_again(hub, admin_client):
    page = look(admin_client)
    admin_client.post(FORM, {"confirmed": page.context["content"]})
    again = admin_client.post(FORM, {"confirmed": page.context["content"]})
    assert "has changed since the preview" in again.content.decode()
    assert "nothing to change" in again.content.decode()


def test_a_preview_that_was_touched_is_not_written(hub, admin_client):
    page = look(admin_client)
    touched = "x" + page.context["content"][1:]
    done = admin_client.post(FORM, {"confirmed": touched}, follow=True)
    assert "look again" in done.content.decode()
    assert not Model.objects.filter(slug=SLUG).exists()


def test_what_goes_wrong_is_a_sentence_beside_the_form(hub, admin_client, settings):
    assert "organisation/name" in look(admin_client, hub_id="tiny").content.decode()
    settings.HF_ENDPOINT = "http://127.0.0.1:1"
    page = look(admin_client)
    assert page.status_code == 200
    assert "Is this machine offline?" in page.content.decode()


def test_an_editor_without_the_right_to_add_models_may_not_import(hub, client):
    editor = User.objects.create_user("editor", is_staff=True)
    editor.user_permissions.set(Permission.objects.filter(codename__in=["view_model", "change_model"]))
    client.force_login(editor)
    assert client.get(FORM).status_code == 403
    assert look(client).status_code == 403
    assert hub.asked == []
    assert b"Import from the hub" not in client.get(reverse("admin:catalog_model_changelist")).content


def test_a_stranger_is_asked_to_sign_in(hub, client):
    assert client.post(FORM, {"hub_id": NAME}).status_code == 302
    assert hub.asked == []


def test_provenance_is_required_of_a_model_added_by_hand(loaded, admin_client):
    page = admin_client.post(
        reverse("admin:catalog_model_add"), {"slug": "x", "provenance": "{}", "input_modalities": '["text"]'}
    )
    assert "&#x27;sources&#x27; is a required property" in page.content.decode()


def test_computing_builds_leaves_exact_and_edited_ones_alone(loaded, admin_client):
    Build.objects.filter(key=f"{SMOL}:Q8_0").update(source="mine", bytes=7)
    Build.objects.filter(key=f"{SMOL}:Q4_K_M").update(basis="exact", bytes=8)
    pk = Model.objects.get(slug=SMOL).pk
    admin_client.post(reverse("admin:catalog_model_changelist"), {"action": "compute_builds", "_selected_action": [pk]})
    assert dict(Build.objects.filter(model=pk, bytes__lt=9).values_list("quantization", "bytes")) == {
        "Q8_0": 7,
        "Q4_K_M": 8,
    }
    assert Build.objects.filter(model=pk).count() == 5


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"hardware": "RTX 9999 Ultra"}, "RTX 9999"),
        ({"hardware": ""}, "This field is required"),
        ({"context": "1"}, "greater than or equal to 128"),
    ],
)
def test_a_card_that_cannot_be_is_a_sentence(loaded, admin_client, fields, words):
    address = reverse("admin:catalog_model_memory", args=[Model.objects.get(slug=SMOL).pk])
    page = admin_client.get(address, {"hardware": "RTX 4090, 64 GB RAM", "context": 8192, "concurrency": 1} | fields)
    assert page.status_code == 200
    assert words in page.content.decode()


def test_a_build_that_does_not_fit_says_by_how_much(loaded, admin_client):
    pk = Model.objects.get(slug="llama-3.1-70b-instruct").pk
    admin_client.post(reverse("admin:catalog_model_changelist"), {"action": "compute_builds", "_selected_action": [pk]})
    page = admin_client.get(
        reverse("admin:catalog_model_memory", args=[pk]),
        {"hardware": "RTX 3060 12GB, 8 GB RAM", "context": 8192, "concurrency": 1},
    )
    assert "of GPU memory; " in page.content.decode() or "of memory; " in page.content.decode()
