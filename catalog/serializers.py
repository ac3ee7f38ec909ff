from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.models import Benchmark, Build, Evidence, Licence, Model
from catalog.published import file_url
from rest.fields import Text
from rest.strict import StrictModelSerializer


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class WordsField(serializers.JSONField):
    """A list of words; the model's schema says which."""


@extend_schema_field({"type": "array", "items": {"type": "object", "additionalProperties": True}})
class FilesField(serializers.JSONField):
    """What a build is made of. Each file's address is worked out when it is shown, and ignored when it comes back."""

    def get_attribute(self, instance: Build) -> Any:
        return [file | {"url": file_url(instance.repo, file) if instance.repo else None} for file in instance.files]

    def to_internal_value(self, data: Any) -> Any:
        files = super().to_internal_value(data)
        if not isinstance(files, list):
            return files
        return [{k: v for k, v in f.items() if k != "url"} if isinstance(f, dict) else f for f in files]


@extend_schema_field({"type": "object", "additionalProperties": True})
class FactsField(serializers.JSONField):
    """An object that a schema of the catalog describes."""


def help_of(name: str, model: Any = Model) -> str:
    return str(model._meta.get_field(name).help_text)


class LicenceSerializer(StrictModelSerializer):
    class Meta:
        model = Licence
        fields = ("id", "name", "commercial", "conditions", "url")

    def validate_id(self, value: str) -> str:
        if self.instance and value != self.instance.pk:
            raise serializers.ValidationError("The id of a licence cannot be changed; add another licence.")
        return value


class BenchmarkSerializer(StrictModelSerializer):
    class Meta:
        model = Benchmark
        fields = ("id", "name", "version", "metric", "use_case", "higher_is_better", "measures", "url")


class ModelSerializer(StrictModelSerializer):
    """A model without its builds and evidence: what lists show and what writes take."""

    superseded_by = serializers.SlugRelatedField(
        slug_field="slug", queryset=Model.objects.all(), allow_null=True, required=False
    )
    input_modalities = WordsField(default=lambda: ["text"])
    languages = WordsField(required=False)
    gguf_repos = WordsField(required=False, help_text=help_of("gguf_repos"))
    flags = WordsField(required=False)
    provenance = FactsField(help_text='{"sources": ["..."], "confidence": "..."}: whoever adds a model says where from')
    architecture = FactsField(required=False, allow_null=True, help_text=help_of("architecture"))

    class Meta:
        model = Model
        fields = (
            *("slug", "name", "hub_id", "organisation", "family", "task", "status", "released", "licence"),
            *("parameters_total", "parameters_active", "context_length", "native_dtype", "input_modalities"),
            *("languages", "tool_use", "reasoning", "superseded_by", "ollama_tag", "gguf_repos", "architecture"),
            *("flags", "provenance", "updated"),
        )


class BuildSummarySerializer(StrictModelSerializer):
    id = serializers.CharField(source="key", read_only=True)
    files = FilesField(required=False, help_text=help_of("files", Build))

    class Meta:
        model = Build
        fields = ("id", "format", "quantization", "repo", "files", "bytes", "basis", "source")


class BuildSerializer(BuildSummarySerializer):
    id = Text(source="key", help_text="model:quantization[:repository]")
    model = serializers.SlugRelatedField(slug_field="slug", queryset=Model.objects.all())

    class Meta:
        model = Build
        fields = ("id", "model", *BuildSummarySerializer.Meta.fields[1:], "updated")


class BuildDetailSerializer(BuildSerializer):
    sizes = FactsField(read_only=True, allow_null=True, help_text=help_of("sizes", Build))

    class Meta:
        model = Build
        fields = (*BuildSerializer.Meta.fields, "sizes")


class FigureSerializer(StrictModelSerializer):
    """A figure with its benchmark spelled out."""

    benchmark = serializers.CharField(source="benchmark.name", read_only=True)
    version = serializers.CharField(source="benchmark.version", read_only=True)
    metric = serializers.CharField(source="benchmark.metric", read_only=True)
    use_case = serializers.CharField(source="benchmark.use_case", read_only=True)
    higher_is_better = serializers.BooleanField(source="benchmark.higher_is_better", read_only=True)

    class Meta:
        model = Evidence
        fields = (
            *("id", "benchmark", "version", "metric", "use_case", "higher_is_better", "value", "date", "variant"),
            *("third_party", "source", "source_licence"),
        )


class EvidenceSerializer(FigureSerializer):
    model = serializers.SlugRelatedField(slug_field="slug", read_only=True)

    class Meta:
        model = Evidence
        fields = ("id", "model", *FigureSerializer.Meta.fields[1:])


class EvidenceWriteSerializer(StrictModelSerializer):
    """`benchmark` is the id of a row of benchmarks/."""

    model = serializers.SlugRelatedField(slug_field="slug", queryset=Model.objects.all())

    class Meta:
        model = Evidence
        fields = ("model", "benchmark", "value", "date", "variant", "third_party", "source", "source_licence")


class ModelDetailSerializer(ModelSerializer):
    builds = BuildSummarySerializer(many=True, read_only=True)
    evidence = FigureSerializer(many=True, read_only=True)

    class Meta:
        model = Model
        fields = (*ModelSerializer.Meta.fields, "builds", "evidence")
