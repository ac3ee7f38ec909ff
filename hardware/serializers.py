"""Serializers of the hardware endpoints."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from hardware import probe_child
from hardware.models import Host
from hardware.shapes import Freshness
from hardware.snapshots import snapshot_of


class SnapshotSerializer(serializers.Serializer[Any]):
    """The newest good reading; `ok`, `error` and `message` are of the newest attempt."""

    id = serializers.IntegerField(allow_null=True)
    taken = serializers.DateTimeField()
    age_seconds = serializers.FloatField()
    stale = serializers.BooleanField()
    ok = serializers.BooleanField()
    error = serializers.CharField(allow_null=True)
    message = serializers.CharField(allow_null=True)


class HostSerializer(serializers.ModelSerializer[Host]):
    snapshot = serializers.SerializerMethodField()

    class Meta:
        model = Host
        fields = ("id", "name", "created", "snapshot")

    @extend_schema_field(SnapshotSerializer(allow_null=True))
    def get_snapshot(self, host: Host) -> Freshness | None:
        return snapshot_of(host)


class HostAcceleratorSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    uuid = serializers.CharField()
    memory_bytes = serializers.IntegerField()
    free_bytes = serializers.IntegerField(help_text="what the driver says is free, at most capacity minus reservations")
    reserved_bytes = serializers.IntegerField()
    memory_bandwidth = serializers.IntegerField(allow_null=True, help_text="bytes per second")
    flops_fp16 = serializers.IntegerField(allow_null=True)
    compute_capability = serializers.CharField(allow_null=True)
    unified = serializers.BooleanField()
    vendor = serializers.CharField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment] # a fact's source, not the field's


class HostDetailSerializer(serializers.Serializer[Any]):
    """The host document; null is what was not read."""

    id = serializers.CharField()
    name = serializers.CharField()
    created = serializers.DateTimeField()
    accelerators = HostAcceleratorSerializer(many=True)
    ram_bytes = serializers.IntegerField(allow_null=True)
    ram_available_bytes = serializers.IntegerField(allow_null=True)
    ram_reserved_bytes = serializers.IntegerField()
    ram_bandwidth = serializers.IntegerField(allow_null=True)
    cpu_cores = serializers.IntegerField(allow_null=True)
    cpu_name = serializers.CharField(allow_null=True)
    os = serializers.CharField(allow_null=True)
    snapshot = SnapshotSerializer(allow_null=True, help_text="null before the first")
    warnings = serializers.ListField(child=serializers.CharField())


def reading() -> dict[str, Any]:
    """The probe's schema for the OpenAPI document, as a component of its own with its definitions inlined."""
    whole = probe_child.document()

    def placed(value: Any) -> Any:
        if isinstance(value, list):
            return [placed(item) for item in value]
        if not isinstance(value, dict):
            return value
        named = placed(whole["$defs"][value["$ref"].rpartition("/")[2]]) if "$ref" in value else {}
        return named | {key: placed(item) for key, item in value.items() if key != "$ref"}

    described = {key: value for key, value in whole.items() if key not in ("$schema", "$defs")}
    return {**placed(described), "title": "Reading", "description": whole["title"]}


class ProbeSerializer(serializers.BaseSerializer[Any]):
    """What `python -m hardware.probe` prints, as it is."""

    def to_internal_value(self, data: Any) -> Any:
        try:
            probe_child.check(data)
        except probe_child.ProbeFailure as failure:
            raise serializers.ValidationError({failure.place: [str(failure)]}) from failure
        return data


class ReferenceSerializer(serializers.Serializer[Any]):
    """One card at one of its sizes."""

    name = serializers.CharField()
    vendor = serializers.CharField()
    memory_bytes = serializers.IntegerField(help_text="what an engine can use")
    nominal_bytes = serializers.IntegerField(help_text="what the box says; of a unified device the host's RAM")
    memory_bandwidth = serializers.IntegerField(help_text="bytes per second")
    flops_fp16 = serializers.IntegerField(allow_null=True, help_text="dense, with fp32 accumulate")
    compute_capability = serializers.CharField(allow_null=True)
    unified = serializers.BooleanField()
    nvml_names = serializers.ListField(child=serializers.CharField())
    source = serializers.CharField()  # type: ignore[assignment] # a fact's source, not the field's
    confidence = serializers.CharField()
