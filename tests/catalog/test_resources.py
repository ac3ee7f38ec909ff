"""Bulk export and import through the admin: what goes out comes back, and runs in nobody's spreadsheet."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.urls import reverse

from catalog.formats import CSV
from catalog.models import Evidence, Model
from tests.support.formulas import HOSTILE

SMOL = "smollm2-135m-instruct"
FORMATS = {"csv": "0", "json": "1"}


@pytest.fixture
def admin(loaded, admin_client):
    return admin_client


def export(admin, table, resource, columns, kind):
    chosen = {f"{resource}_{name}": "on" for name in columns}
    answer = admin.post(reverse(f"admin:catalog_{table}_export"), {"format": FORMATS[kind], **chosen})
    assert answer.status_code == 200
    return answer.content.decode()


def bring_in(admin, table, content, kind):
    """The preview, and the confirmation where the preview has no error."""
    upload = io.BytesIO(content.encode())
    upload.name = f"table.{kind}"
    page = admin.post(reverse(f"admin:catalog_{table}_import"), {"format": FORMATS[kind], "import_file": upload})
    if "confirm_form" in page.context:
        admin.post(reverse(f"admin:catalog_{table}_process_import"), page.context["confirm_form"].initial)
    return page


MODEL_COLUMNS = (
    *("slug", "name", "hub_id", "organisation", "family", "task", "released", "licence", "parameters_total"),
    *("parameters_active", "context_length", "native_dtype", "input_modalities", "languages", "tool_use", "reasoning"),
    *("status", "superseded_by", "ollama_tag", "gguf_repos", "architecture", "flags", "provenance"),
)
EVIDENCE_COLUMNS = (
    *("model", "benchmark", "version", "metric", "use_case", "value", "date", "variant", "third_party", "source"),
    "source_licence",
)


@pytest.mark.parametrize("kind", FORMATS)
def test_models_go_out_and_come_back_unchanged(admin, kind):
    before = list(Model.objects.order_by("slug").values(*(f for f in MODEL_COLUMNS)))
    content = export(admin, "model", "modelresource", MODEL_COLUMNS, kind)
    bring_in(admin, "model", content, kind)
    assert list(Model.objects.order_by("slug").values(*(f for f in MODEL_COLUMNS))) == before
    assert not Model.history.exists()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_model_edited_in_a_table_is_changed_with_a_trace(admin, admin_user, kind):
    content = export(admin, "model", "modelresource", MODEL_COLUMNS, kind)
    bring_in(admin, "model", content.replace("SmolLM2-135M-Instruct", "SmolLM2 135M"), kind)
    model = Model.objects.get(slug=SMOL)
    assert model.name == "SmolLM2 135M"
    assert model.history.first().history_user == admin_user


def test_a_table_that_would_break_the_catalog_is_refused_in_the_preview(admin):
    content = export(admin, "model", "modelresource", MODEL_COLUMNS, "json")
    rows = json.loads(content)
    rows[0]["provenance"] = "{}"
    rows[1]["context_length"] = 10**9
    page = bring_in(admin, "model", json.dumps(rows), "json").content.decode()
    assert "is a required property" in page
    assert "must not be above max_ctx" in page
    assert not Model.objects.filter(context_length=10**9).exists()


def test_no_cell_of_a_csv_export_is_a_formula_and_each_comes_back_as_it_was(admin):
    figures = dict(zip(HOSTILE, Evidence.objects.order_by("pk"), strict=False))
    assert len(figures) == len(HOSTILE)
    for text, figure in figures.items():
        Evidence.objects.filter(pk=figure.pk).update(source_licence=text)
    content = export(admin, "evidence", "evidenceresource", EVIDENCE_COLUMNS, "csv")
    cells = [cell for row in csv.reader(io.StringIO(content)) for cell in row]
    assert [text for text in HOSTILE if not any(text.strip("\r\n\t ") in cell for cell in cells)] == []
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "@", "＝")) or cell.startswith("-1")]
    Evidence.objects.filter(pk__in=[figure.pk for figure in figures.values()]).update(source_licence="something else")
    bring_in(admin, "evidence", content, "csv")
    for text, figure in figures.items():
        figure.refresh_from_db()
        assert figure.source_licence.strip() == text.strip()


@pytest.mark.parametrize("text", HOSTILE)
def test_json_says_what_the_catalog_says(admin, text):
    Model.objects.filter(slug=SMOL).update(family=text)
    content = export(admin, "model", "modelresource", MODEL_COLUMNS, "json")
    assert text in [row["family"] for row in json.loads(content)]


def test_every_table_that_is_exported_uses_the_safe_format(admin):
    from django.contrib import admin as site
    from import_export.admin import ExportMixin

    exported = [a for a in site.site._registry.values() if isinstance(a, ExportMixin)]
    assert len(exported) >= 2
    for table in exported:
        assert {f.__name__ for f in table.get_export_formats()} == {"CSV", "JSON"}
        assert CSV in table.get_export_formats()
        assert CSV in table.get_import_formats()
