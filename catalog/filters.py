"""Filters of the catalog's lists, shared by the REST API and the pages."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from catalog.models import Benchmark, Build, Evidence, Licence, Model


def holds(queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
    """Rows whose JSON list `name` contains the string; matched as text, because SQLite has no `contains` for JSON."""
    return queryset.annotate(**{f"{name}_text": Cast(name, TextField())}).filter(
        **{f"{name}_text__contains": f'"{value}"'}
    )


class WholeFilter(filters.NumberFilter):
    field_class = forms.IntegerField


class TruthField(forms.CharField):
    """Accepts true or false only. Django's own field takes every other word for "unknown" and filters nothing."""

    def to_python(self, value: Any) -> bool | None:
        text = super().to_python(value).lower()
        if text not in ("", "true", "false"):
            raise ValidationError("This must be true or false.")
        return text == "true" if text else None


class TruthFilter(filters.BooleanFilter):
    field_class = TruthField


class ModelFilter(filters.FilterSet):
    organisation = filters.CharFilter(lookup_expr="iexact")
    family = filters.CharFilter(lookup_expr="iexact")
    commercial = filters.ChoiceFilter(field_name="licence__commercial", choices=Licence.Commercial.choices)
    parameters_min = WholeFilter(field_name="parameters_total", lookup_expr="gte")
    parameters_max = WholeFilter(field_name="parameters_total", lookup_expr="lte")
    context_min = WholeFilter(field_name="context_length", lookup_expr="gte")
    released_after = filters.DateFilter(field_name="released", lookup_expr="gte")
    released_before = filters.DateFilter(field_name="released", lookup_expr="lte")
    modality = filters.CharFilter(field_name="input_modalities", method=holds)
    language = filters.CharFilter(field_name="languages", method=holds)
    flag = filters.CharFilter(field_name="flags", method=holds)
    architecture = filters.CharFilter(field_name="architecture__arch")
    tool_use = TruthFilter()
    reasoning = TruthFilter()

    class Meta:
        model = Model
        fields = ["task", "status", "licence"]


class BuildFilter(filters.FilterSet):
    model = filters.CharFilter(field_name="model__slug")
    quantization = filters.CharFilter(lookup_expr="iexact")
    bytes_max = WholeFilter(field_name="bytes", lookup_expr="lte")

    class Meta:
        model = Build
        fields = ["format", "basis", "repo"]


class EvidenceFilter(filters.FilterSet):
    model = filters.CharFilter(field_name="model__slug")
    benchmark = filters.CharFilter(field_name="benchmark__name")
    version = filters.CharFilter(field_name="benchmark__version")
    metric = filters.CharFilter(field_name="benchmark__metric")
    use_case = filters.CharFilter(field_name="benchmark__use_case")
    date_after = filters.DateFilter(field_name="date", lookup_expr="gte")
    source = filters.CharFilter(lookup_expr="icontains")
    third_party = TruthFilter()

    class Meta:
        model = Evidence
        fields: list[str] = []


class BenchmarkFilter(filters.FilterSet):
    class Meta:
        model = Benchmark
        fields = ["name", "use_case"]


class LicenceFilter(filters.FilterSet):
    class Meta:
        model = Licence
        fields = ["commercial"]
