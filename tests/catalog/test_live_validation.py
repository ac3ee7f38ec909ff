"""What is wrong with a row is said while it is typed, and nothing is written."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from catalog import version
from catalog.models import Benchmark, Evidence, Model
from tests.support.by_hand import ADD, fields

SMOL = "smollm2-135m-instruct"
CHECK = reverse("admin:catalog_model_add_check")
EVIDENCE = ("benchmark", "value", "date", "variant", "third_party", "source", "source_licence")


def check(client, address=CHECK, *, htmx=True, **changed):
    headers = {"HX-Request": "true"} if htmx else {}
    answer = client.post(address, fields(**changed), headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("changed", "sentences"),
    [
        ({"slug": "Not A Slug"}, ["Use lower-case letters"]),
        ({"slug": SMOL}, ["Model with this Slug already exists."]),
        ({"architecture": '{"arch": "llama"}'}, ["is a required property"]),
        ({"architecture": '{"model_type": "llama"}'}, ["The configuration does not say hidden_size."]),
        ({"context_length": "9000"}, ["must not be above max_ctx of the architecture, 8192"]),
        ({"provenance": '{"sources": [""], "confidence": ""}'}, ["sources[0]", "confidence"]),
        ({"parameters_active": "999999999999"}, ["Active parameters must not be above the total."]),
        ({"parameters_total": "90000000000"}, ["134,515,008 parameters only, but 90,000,000,000 are published."]),
        ({"name": "", "family": ""}, ["Still needed: Name, Family."]),
        ({}, ["This can be saved.", "adds up to 134,515,008 parameters (135M)"]),
    ],
)
def test_what_is_wrong_is_said_while_it_is_typed_and_nothing_is_written(loaded, admin_client, changed, sentences):
    before = version.current()
    said = check(admin_client, **changed).replace("&#x27;", "'")
    for sentence in sentences:
        assert sentence in said
    assert ("This can be saved." in said) == ({*changed} <= {"parameters_total"})
    assert version.current() == before
    assert not Model.objects.filter(slug="own-model").exists()


def test_a_sentence_goes_beside_its_own_field_and_a_mended_field_is_cleared(loaded, admin_client):
    assert '<span id="live-slug" hx-swap-oob="innerHTML">Use lower-case' in check(admin_client, slug="A B")
    assert '<span id="live-slug" hx-swap-oob="innerHTML"></span>' in check(admin_client)
    assert 'id="live-slug"' in admin_client.get(ADD).content.decode()
    assert "hx-swap-oob" not in check(admin_client, htmx=False)


def test_a_row_that_exists_is_checked_with_its_inlines(loaded, admin_client):
    model = Model.objects.get(slug=SMOL)
    address = reverse("admin:catalog_model_change_check", args=[model.pk])
    benchmark = Benchmark.objects.first().pk
    figure = {
        **{"evidence-TOTAL_FORMS": "1", "evidence-0-model": str(model.pk), "evidence-0-benchmark": str(benchmark)},
        **{"evidence-0-value": "high", "evidence-0-third_party": "on"},
    }
    said = check(admin_client, address, slug=SMOL, **figure)
    assert "evidence 1: value: Enter a number." in said
    assert "Still needed: evidence 1: Source" in said


@pytest.mark.parametrize("table", ["build", "evidence", "benchmark", "licence"])
def test_every_table_of_the_catalog_is_checked(loaded, admin_client, table):
    page = admin_client.get(reverse(f"admin:catalog_{table}_add")).content.decode()
    address = reverse(f"admin:catalog_{table}_add_check")
    assert f'hx-post="{address}"' in page
    assert "Still needed" in admin_client.post(address, {}).content.decode()


def test_only_who_may_write_is_answered(loaded, client):
    assert "/login/" in client.post(CHECK, fields())["Location"]
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename__in=["view_model"]))
    client.force_login(reader)
    assert client.post(CHECK, fields()).status_code == 403
    model = Model.objects.get(slug=SMOL)
    page = client.get(reverse("admin:catalog_model_change", args=[model.pk]))
    assert b"hx-post" not in page.content


@pytest.mark.parametrize(("table", "field"), [("build", "Source"), ("evidence", "Source")])
def test_nothing_is_saved_without_its_source(loaded, admin_client, table, field):
    page = admin_client.post(reverse(f"admin:catalog_{table}_add"), {})
    assert field.lower() in page.context["adminform"].form.errors


def test_a_model_with_very_many_results_can_be_saved(loaded, admin_client):
    model = Model.objects.get(slug=SMOL)
    benchmark = Benchmark.objects.first()
    Evidence.objects.bulk_create(
        Evidence(model=model, benchmark=benchmark, value=n, variant=str(n), third_party=True, source="a")
        for n in range(130)
    )
    sent = {f"evidence-{n}-{part}": "" for n in range(140) for part in ("id", "model", *EVIDENCE)}
    address = reverse("admin:catalog_model_change", args=[model.pk])
    assert admin_client.post(address, fields(slug=SMOL, family="Smol") | sent).status_code == 302
    assert Model.objects.get(pk=model.pk).family == "Smol"
