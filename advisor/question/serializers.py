"""The only validator of the question, shared by all entry points: JSON body, query string, page and command line."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from advisor.fit.engines.registry import planners
from advisor.fit.spec import PREFERENCES
from advisor.fit.use_cases import USE_CASES
from advisor.question.engine_fields import (
    ENGINES,
    EngineField,
    documented_settings,
    engine_names,
    settings_serializer,
)
from hardware.stated_serializers import HardwareSerializer
from rest.fields import Finite, Text, Truth, Whole
from rest.serializers import Strict

MODALITIES = ("text", "image", "audio", "video")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")


@extend_schema_field(
    {"oneOf": [{"type": "string", "enum": ["any", "commercial"]}, {"type": "array", "items": {"type": "string"}}]}
)
class LicenceField(serializers.Field):  # type: ignore[type-arg]
    """`any`, `commercial`, or a list of licence ids."""

    def to_internal_value(self, data: Any) -> Any:
        if data in ("any", "commercial"):
            return data
        if (
            isinstance(data, list)
            and data
            and all(isinstance(x, str) and 0 < len(x) <= 80 for x in data)
            and len(data) <= 100
        ):
            return sorted(set(data))
        raise serializers.ValidationError('This must be "any", "commercial" or a list of licence ids.')

    def to_representation(self, value: Any) -> Any:
        return value


class LanguageField(Text):
    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        if not LANGUAGE.fullmatch(value):
            raise serializers.ValidationError(f"{value!r} is not a language code such as en or de.")
        return value


class WorkloadSerializer(Strict):
    use_case = serializers.ChoiceField(list(USE_CASES), default="general")
    context = Whole(min_value=128, max_value=1 << 24, required=False, help_text="tokens per request")
    concurrency = Whole(min_value=1, max_value=1024, default=1, help_text="requests at once")
    min_decode_tokens_per_second = Finite(min_value=0, max_value=100_000, default=None, allow_null=True)
    max_first_token_seconds = Finite(min_value=0.001, max_value=86_400, default=None, allow_null=True)
    licence = LicenceField(default="any")
    input_modalities = serializers.ListField(
        child=serializers.ChoiceField(MODALITIES), default=lambda: ["text"], max_length=4
    )
    languages = serializers.ListField(child=LanguageField(max_length=12), default=list, max_length=50)
    tool_use = Truth(default=None, allow_null=True)
    reasoning = Truth(default=None, allow_null=True)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        data.setdefault("context", USE_CASES[data["use_case"]].context)
        data["input_modalities"] = sorted({"text", *data["input_modalities"]})
        data["languages"] = sorted(set(data["languages"]))
        return data


class CostSerializer(Strict):
    """In US dollars, as hosted prices are. A purchase price needs the time it is spread over."""

    price_per_kwh = Finite(min_value=0, max_value=100, required=False, allow_null=True)
    power_watts = Finite(
        min_value=1, max_value=1_000_000, required=False, allow_null=True, help_text="of the machine at load"
    )
    purchase_price = Finite(min_value=0, max_value=100_000_000, required=False, allow_null=True)
    years = Finite(min_value=0.1, max_value=30, required=False, allow_null=True)
    utilisation = Finite(
        min_value=0.001, max_value=1, required=False, allow_null=True, help_text="share of the time at work"
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        needed = {"years": "the years it is spread over", "utilisation": "the share of them at work"}
        missing = {name: words for name, words in needed.items() if data.get(name) is None}
        if data.get("purchase_price") is not None and missing:
            raise serializers.ValidationError({name: f"purchase_price needs {w}." for name, w in missing.items()})
        return data


class QuestionSerializer(Strict):
    hardware = HardwareSerializer(required=False, help_text="left out: the machine that serves this API")
    workload = WorkloadSerializer(required=False)
    engines = serializers.ListField(child=EngineField(), default=engine_names, allow_empty=False)
    prefer = serializers.ChoiceField(PREFERENCES, default="balanced")
    limit = Whole(min_value=1, max_value=100, default=10)
    rejected_limit = Whole(min_value=0, max_value=500, default=20)
    expand = serializers.ChoiceField(["plans"], default=None, allow_null=True)
    on_disk = Truth(default=False, help_text="only builds whose files are on the server's disk")
    cost = CostSerializer(required=False, help_text="adds the cost of a million tokens to every result")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        data.setdefault("hardware", {"host": "local"})
        if "workload" not in data:
            data["workload"] = self.fields["workload"].run_validation({})
        data["engines"] = sorted(set(data["engines"]))
        return data


@extend_schema_field(documented_settings())
class SettingsField(serializers.Field):  # type: ignore[type-arg]
    """Settings of whichever engine is meant, which alone can judge them."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class EstimateSerializer(Strict):
    build = Text(max_length=300, required=False, help_text="by id, as an answer gives it")
    model = Text(max_length=200, required=False, help_text="slug, with quantization, instead of build")
    quantization = Text(max_length=40, required=False, help_text="such as Q4_K_M")
    engine = EngineField(default=next(iter(ENGINES), None))
    hardware = HardwareSerializer(required=False)
    settings = SettingsField()

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if "build" in data:
            other = next((name for name in ("model", "quantization") if name in data), None)
            if other:
                raise serializers.ValidationError({other: ["This does not go together with build: name one of them."]})
        elif "model" not in data:
            raise serializers.ValidationError({"build": ["Name a build, or a model and its quantization."]})
        elif "quantization" not in data:
            raise serializers.ValidationError({"quantization": ["Name the quantization of the model's build."]})
        planner = planners().get(data["engine"])
        if planner is None:
            raise serializers.ValidationError({"engine": ["No engine of this name is known here."]})
        try:
            data["settings"] = settings_serializer(planner.SETTINGS).run_validation(data["settings"])
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"settings": error.detail}) from error
        return data


class RequirementsSerializer(Strict):
    model = Text(max_length=120, help_text="a slug of the catalog")
    workload = WorkloadSerializer(required=False)
    prefer = serializers.ChoiceField(PREFERENCES, default="balanced")
    limit = Whole(min_value=1, max_value=100, default=20)


QUESTION, WORKLOAD = QuestionSerializer(), WorkloadSerializer()
ESTIMATE, REQUIREMENTS = EstimateSerializer(), RequirementsSerializer()
