from __future__ import annotations

import io

import pytest
from django.forms import NullBooleanField
from django.urls import reverse

from catalog import evidence_sources, version
from catalog.models import Build, Evidence, EvidenceSource, Licence, Model, Withheld

SMOL, LLAMA, NEWER = "smollm2-135m-instruct", "llama-3.1-70b-instruct", "llama-3.3-70b-instruct"
TABLES = ("model", "build", "evidence", "benchmark", "licence", "evidencesource", "withheld")


@pytest.fixture
def admin(loaded, admin_client):
    return admin_client


def url(table, page="changelist", *args):
    return reverse(f"admin:catalog_{table}_{page}", args=args)


def form_of(response):
    """What a browser would send back of a change page: every field of the form and of its inlines."""
    context = response.context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    sent = {}
    for form in forms:
        for bound in form:
            value = bound.value()
            if isinstance(bound.field, NullBooleanField):
                sent[bound.html_name] = {True: "true", False: "false", None: "unknown"}[value]
            elif value is not None and value is not False:
                sent[bound.html_name] = "on" if value is True else value
    return sent


@pytest.mark.parametrize("table", TABLES)
def test_every_list_opens_and_searches(admin, table):
    Build.objects.get(key=f"{SMOL}:Q8_0").delete()
    assert admin.get(url(table), {"q": "llama"}).status_code == 200


@pytest.mark.parametrize(("table", "queries"), [("model", 18), ("build", 14), ("evidence", 14)])
def test_a_list_costs_the_same_queries_however_long(admin, table, queries, django_assert_max_num_queries):
    with django_assert_max_num_queries(queries):
        admin.get(url(table))


def test_a_model_is_changed_with_its_builds_and_evidence_on_one_page(admin):
    model, before = Model.objects.get(slug=SMOL), version.current()
    page = admin.get(url("model", "change", model.pk))
    assert b"as shipped" in page.content
    sent = form_of(page) | {"family": "Smol", "evidence-0-value": "12.5"}
    response = admin.post(url("model", "change", model.pk), sent)
    assert response.status_code == 302, response.context["errors"]
    model.refresh_from_db()
    assert model.family == "Smol"
    assert Evidence.objects.filter(model=model, value=12.5).count() == 1
    assert version.current() != before
    assert model.history.first().history_user.is_superuser
    assert b"edited here" in admin.get(url("model", "change", model.pk)).content


def test_saving_an_untouched_page_leaves_the_row_as_shipped(admin):
    model = Model.objects.get(slug=LLAMA)
    admin.post(url("model", "change", model.pk), form_of(admin.get(url("model", "change", model.pk))))
    assert b"as shipped" in admin.get(url("model", "change", model.pk)).content


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("architecture", '{"arch": "llama", "n_layer": 3}', "n_layer"),
        ("architecture", "{", "Enter a valid JSON"),
        ("parameters_active", "999999999999", "Active parameters must not be above the total."),
        ("parameters_total", "0", "Total parameters must be above zero"),
        ("context_length", "99999999", "must not be above max_ctx of the architecture, 8192"),
        ("input_modalities", '["smell"]', "smell"),
        ("slug", "Not A Slug", "Use lower-case letters"),
    ],
)
def test_what_cannot_be_right_is_refused_in_a_sentence(admin, field, value, sentence):
    model = Model.objects.get(slug=SMOL)
    sent = form_of(admin.get(url("model", "change", model.pk))) | {field: value}
    response = admin.post(url("model", "change", model.pk), sent)
    assert response.status_code == 200
    assert sentence in response.content.decode()


def test_models_are_hidden_and_shown_together_with_a_trace(admin):
    pks = list(Model.objects.filter(slug__in=[LLAMA, NEWER]).values_list("pk", flat=True))
    admin.post(url("model"), {"action": "hide", "_selected_action": pks})
    assert set(Model.objects.filter(status="hidden").values_list("pk", flat=True)) == set(pks)
    assert Model.objects.get(slug=LLAMA).history.count() == 1
    admin.post(url("model"), {"action": "show", "_selected_action": pks})
    assert not Model.objects.filter(status="hidden").exists()


def test_the_history_of_a_model_shows_who_and_when(admin):
    model = Model.objects.get(slug=SMOL)
    model.family = "Smol"
    model.save()
    assert b"Changed" in admin.get(reverse("admin:catalog_model_history", args=[model.pk])).content


def test_evidence_goes_out_as_csv_and_comes_back_changed(admin):
    exported = admin.post(url("evidence", "export"), {"format": "0", "evidenceresource_model": "on"} | _all_columns())
    text = exported.content.decode()
    assert text.splitlines()[0].startswith("model,benchmark,version,metric,use_case,value")
    figure = Evidence.objects.select_related("benchmark").get(  # the name alone would leave two versions to choose from
        model__slug=LLAMA, benchmark__name="LiveBench Coding", benchmark__version="2025-04-02"
    )
    line = next(line for line in text.splitlines() if line.startswith(f"{LLAMA},LiveBench Coding,2025-04-02,"))
    changed = "\n".join([text.splitlines()[0], line.replace(f",{figure.value},", ",77.5,")])
    upload = io.BytesIO(changed.encode())
    upload.name = "evidence.csv"
    page = admin.post(url("evidence", "import"), {"format": "0", "import_file": upload})
    confirm = page.context["confirm_form"].initial
    total = Evidence.objects.count()
    assert admin.post(url("evidence", "process_import"), confirm).status_code == 302
    assert Evidence.objects.count() == total
    figure.refresh_from_db()
    assert figure.value == 77.5


def _all_columns():
    names = ("benchmark", "version", "metric", "use_case", "value", "date", "variant", "third_party", "source")
    return {f"evidenceresource_{name}": "on" for name in (*names, "source_licence")}


def test_a_licence_in_use_is_not_deleted(admin):
    page = admin.post(url("licence", "delete", "apache-2.0"), {"post": "yes"})
    assert page.status_code == 200
    assert Licence.objects.filter(pk="apache-2.0").exists()


def test_deleting_a_shipped_row_is_remembered_and_can_be_taken_back(admin):
    build = Build.objects.get(key=f"{SMOL}:Q8_0")
    admin.post(url("build", "delete", build.pk), {"post": "yes"})
    kept = Withheld.objects.get(table="Build")
    admin.post(url("withheld", "delete", kept.pk), {"post": "yes"})
    assert not Withheld.objects.exists()


def test_an_editor_switches_a_source_of_evidence_off_and_on_with_a_history(admin):
    before, name = version.current(), evidence_sources.origins()[0]
    add = url("evidencesource", "add")
    assert name in admin.get(add).content.decode()
    admin.post(add, {"name": name})
    row = EvidenceSource.objects.get()
    assert not row.enabled
    assert version.current() != before
    admin.post(url("evidencesource", "change", name), {"enabled": "on"})
    row.refresh_from_db()
    assert row.enabled
    assert version.current() == before
    assert {record.history_user.username for record in row.history.all()} == {"admin"}
    assert admin.post(add, {"name": "github:nobody/nothing"}).status_code == 200
    assert EvidenceSource.objects.count() == 1
