from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from import_export.admin import ImportExportModelAdmin
from import_export.formats.base_formats import JSON
from simple_history.admin import SimpleHistoryAdmin

from catalog import evidence_sources, importer
from catalog.formats import CSV
from catalog.live_validation import LiveAdmin
from catalog.models import Benchmark, Build, Evidence, EvidenceSource, Licence, Model, Withheld
from catalog.resources import EvidenceResource, ModelResource


class Readable(json.JSONEncoder):
    """Indents JSON for editing by hand."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**(options | {"indent": 2, "ensure_ascii": False}))


class CatalogAdmin(LiveAdmin, SimpleHistoryAdmin):
    """Shows for each row whether it is as shipped, imported, edited here or added here."""

    formfield_overrides = {
        **LiveAdmin.formfield_overrides,
        models.JSONField: {"widget": forms.Textarea(attrs={"rows": 6, "cols": 90}), "encoder": Readable},
    }
    readonly_fields = ("origin",)
    list_per_page = 50

    @admin.display(description="origin")
    def origin(self, row: models.Model) -> str:
        return importer.row_origin(row) if row.pk else "new"


def number_of(related: type[models.Model]) -> Coalesce:
    counted = related._default_manager.filter(model=OuterRef("pk")).order_by().values("model").annotate(n=Count("pk"))
    return Coalesce(Subquery(counted.values("n")), 0)


class BuildInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Build
    extra = 0
    fields = ("key", "format", "quantization", "repo", "bytes", "basis", "source")
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Build]:
        return super().get_queryset(request).defer("sizes")


class EvidenceInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Evidence
    extra = 0
    fields = ("benchmark", "value", "date", "variant", "third_party", "source", "source_licence")
    autocomplete_fields = ("benchmark",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Evidence]:
        return super().get_queryset(request).select_related("benchmark", "model")


def billions(parameters: int) -> str:
    return f"{parameters / 1e9:,.0f}B" if parameters >= 1e11 else f"{parameters / 1e9:.3g}B"


@admin.register(Model)
class ModelAdmin(ImportExportModelAdmin, CatalogAdmin):  # type: ignore[type-arg]
    resource_classes = (ModelResource,)
    formats = (CSV, JSON)
    list_display = (
        "name",
        "organisation",
        "released",
        "licence",
        "size",
        "context_length",
        "status",
        "builds",
        "figures",
    )
    list_filter = (
        *("status", "task", "licence__commercial", "tool_use", "reasoning", "organisation"),
        ("superseded_by", admin.EmptyFieldListFilter),
        ("architecture", admin.EmptyFieldListFilter),
    )
    list_select_related = ("licence",)
    search_fields = ("name", "hub_id", "organisation", "family")
    autocomplete_fields = ("licence", "superseded_by")
    date_hierarchy = "released"
    inlines = (BuildInline, EvidenceInline)
    actions = ("hide", "show")
    fieldsets = (
        (None, {"fields": ("slug", "name", "hub_id", "organisation", "family", "task", "released", "licence")}),
        ("State", {"fields": ("status", "superseded_by", "origin")}),
        (
            "Size",
            {"fields": ("parameters_total", "parameters_active", "context_length", "native_dtype", "architecture")},
        ),
        ("Abilities", {"fields": ("input_modalities", "languages", "tool_use", "reasoning")}),
        ("Where to get it", {"fields": ("gguf_repos", "ollama_tag")}),
        ("Provenance", {"fields": ("provenance", "flags")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        return super().get_queryset(request).annotate(builds_n=number_of(Build), figures_n=number_of(Evidence))

    @admin.display(description="parameters", ordering="parameters_total")
    def size(self, row: Model) -> str:
        total, active = row.parameters_total, row.parameters_active
        if not total:
            return "-"
        return billions(total) + (f", {billions(active)} active" if active and active != total else "")

    @admin.display(description="builds", ordering="builds_n")
    def builds(self, row: Any) -> int:
        return int(row.builds_n)

    @admin.display(description="evidence", ordering="figures_n")
    def figures(self, row: Any) -> int:
        return int(row.figures_n)

    @admin.action(description="Hide the selected models")
    def hide(self, request: HttpRequest, rows: QuerySet[Model]) -> None:
        self._set_status(request, rows, Model.Status.HIDDEN)

    @admin.action(description="Make the selected models active")
    def show(self, request: HttpRequest, rows: QuerySet[Model]) -> None:
        self._set_status(request, rows, Model.Status.ACTIVE)

    def _set_status(self, request: HttpRequest, rows: QuerySet[Model], status: Model.Status) -> None:
        changed = list(rows.exclude(status=status))
        for row in changed:  # one by one: a bulk update would leave no history and no new catalog version
            row.status = status
            row.save(update_fields=["status", "updated"])
        self.message_user(request, f"{len(changed)} models are now {status.label}.", messages.SUCCESS)


@admin.register(Build)
class BuildAdmin(CatalogAdmin):
    list_display = ("key", "format", "quantization", "repo", "gib", "basis", "source")
    list_filter = ("format", "basis", "quantization", ("sizes", admin.EmptyFieldListFilter))
    search_fields = ("key", "repo", "model__name")
    autocomplete_fields = ("model",)
    readonly_fields = ("origin", "sizes")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Build]:
        rows = super().get_queryset(request)
        return rows if request.resolver_match and "object_id" in request.resolver_match.kwargs else rows.defer("sizes")

    @admin.display(description="GiB", ordering="bytes")
    def gib(self, row: Build) -> str:
        return f"{row.bytes / 2**30:.2f}"


@admin.register(Evidence)
class EvidenceAdmin(ImportExportModelAdmin, CatalogAdmin):  # type: ignore[type-arg]
    resource_classes = (EvidenceResource,)
    formats = (CSV, JSON)
    list_display = ("model", "benchmark", "value", "date", "third_party", "source")
    list_filter = ("third_party", "benchmark__use_case", "source_licence")
    list_select_related = ("model", "benchmark")
    search_fields = ("model__name", "benchmark__name", "variant", "source")
    autocomplete_fields = ("model", "benchmark")
    date_hierarchy = "date"


@admin.register(Benchmark)
class BenchmarkAdmin(LiveAdmin):
    list_display = ("name", "version", "metric", "use_case", "higher_is_better", "measures")
    list_filter = ("use_case", "higher_is_better")
    search_fields = ("name", "version", "metric")


@admin.register(Licence)
class LicenceAdmin(CatalogAdmin):
    list_display = ("id", "name", "commercial", "conditions")
    list_filter = ("commercial",)
    search_fields = ("id", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Licence | None = None) -> tuple[str, ...]:
        return ("origin", "id") if obj else ("origin",)


@admin.register(EvidenceSource)
class EvidenceSourceAdmin(LiveAdmin, SimpleHistoryAdmin):
    """A row switches one source of evidence off or on again; a source without a row is on."""

    list_display = ("name", "enabled")
    list_filter = ("enabled",)
    search_fields = ("name",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name != "name":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        return forms.ChoiceField(
            choices=[(name, name) for name in evidence_sources.origins()], help_text=db_field.help_text
        )

    def get_readonly_fields(self, request: HttpRequest, obj: EvidenceSource | None = None) -> tuple[str, ...]:
        return ("name",) if obj else ()


@admin.register(Withheld)
class WithheldAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Deleting a row here lets the next changed seed, or --overwrite, restore the row that it withholds."""

    list_display = ("table", "key", "deleted")
    list_filter = ("table",)
    search_fields = ("key",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Withheld | None = None) -> bool:
        return False
