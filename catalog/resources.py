"""Models and evidence as tables for export, editing in a spreadsheet, and re-import."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from import_export import fields, resources, widgets

from catalog.models import Benchmark, Evidence, Licence, Model


class BenchmarkWidget(widgets.ForeignKeyWidget):  # type: ignore[type-arg]
    """Looks up a benchmark by its name and the row's version, metric and use case."""

    def get_queryset(self, value: Any, row: dict[str, Any], *args: Any, **kwargs: Any) -> QuerySet[Benchmark]:
        named = {name: row.get(name) or "" for name in ("version", "metric", "use_case")}
        return Benchmark.objects.filter(**named)


class ModelResource(resources.ModelResource):
    """One row a model, keyed by slug; lists and the architecture as JSON. Provenance is required, as everywhere."""

    licence = fields.Field("licence", "licence", widgets.ForeignKeyWidget(Licence, "id"))
    superseded_by = fields.Field("superseded_by", "superseded_by", widgets.ForeignKeyWidget(Model, "slug"))

    class Meta:
        model = Model
        fields = (
            *("slug", "name", "hub_id", "organisation", "family", "task", "released", "licence", "parameters_total"),
            *("parameters_active", "context_length", "native_dtype", "input_modalities", "languages", "tool_use"),
            *("reasoning", "status", "superseded_by", "ollama_tag", "gguf_repos", "architecture", "flags"),
            "provenance",
        )
        import_id_fields = ("slug",)
        clean_model_instances = True
        skip_unchanged = True

    def get_queryset(self) -> QuerySet[Model]:
        return super().get_queryset().select_related("licence", "superseded_by")


class EvidenceResource(resources.ModelResource):
    """One row a figure, keyed by model, benchmark, variant, source and date, in the seed's spelling."""

    model = fields.Field("model", "model", widgets.ForeignKeyWidget(Model, "slug"))
    benchmark = fields.Field("benchmark", "benchmark", BenchmarkWidget(Benchmark, "name"))
    version = fields.Field("benchmark__version", "version", readonly=True)
    metric = fields.Field("benchmark__metric", "metric", readonly=True)
    use_case = fields.Field("benchmark__use_case", "use_case", readonly=True)

    class Meta:
        model = Evidence
        fields = (
            *("model", "benchmark", "version", "metric", "use_case", "value", "date", "variant", "third_party"),
            *("source", "source_licence"),
        )
        import_id_fields = ("model", "benchmark", "variant", "source", "date")
        clean_model_instances = True
        skip_unchanged = True
