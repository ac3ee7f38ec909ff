"""Fields and limits of hardware in a request, shared by every entry point."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from hardware.parse_text import LONGEST
from rest.fields import Text, Whole
from rest.serializers import Strict

MAX_BYTES = 1 << 50
MAX_GPUS = 64
SYSTEMS = ("linux", "windows", "macos")
EXCLUSIVE = {
    "host": ("text", "accelerators", "ram_bytes", "ram_bandwidth", "cpu_cores", "os"),
    "text": ("accelerators",),
}


def memory(**more: Any) -> Whole:
    return Whole(min_value=1 << 20, max_value=MAX_BYTES, required=False, allow_null=True, **more)


class AcceleratorSerializer(Strict):
    name = Text(max_length=160, help_text="as people write it, or as NVML does")
    count = Whole(min_value=1, max_value=MAX_GPUS, default=1)
    memory_bytes = memory(help_text="of one; needed when the name has several sizes or is not known")
    free_bytes = Whole(min_value=0, max_value=MAX_BYTES, required=False, allow_null=True)
    memory_bandwidth = Whole(
        min_value=10**9,
        max_value=10**14,
        required=False,
        allow_null=True,
        help_text="bytes per second; for unknown names",
    )


class HardwareSerializer(Strict):
    host = Text(max_length=80, required=False, help_text="a known machine, by id")
    text = Text(max_length=LONGEST, required=False, help_text="2x RTX 3090, 64 GB RAM")
    accelerators = AcceleratorSerializer(many=True, required=False, max_length=MAX_GPUS)  # type: ignore[call-arg]
    ram_bytes = memory()
    ram_bandwidth = Whole(
        min_value=10**9,
        max_value=10**13,
        required=False,
        allow_null=True,
        help_text="bytes per second, of all channels",
    )
    cpu_cores = Whole(min_value=1, max_value=4096, required=False, allow_null=True)
    os = serializers.ChoiceField(SYSTEMS, required=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        for key, others in EXCLUSIVE.items():
            other = next((name for name in others if key in data and name in data), None)
            if other:
                raise serializers.ValidationError(
                    {other: [f"This does not go together with {key}: state the hardware in one way."]}
                )
        if sum(entry["count"] for entry in data.get("accelerators", [])) > MAX_GPUS:
            raise serializers.ValidationError({"accelerators": [f"At most {MAX_GPUS} accelerators in all."]})
        if not data:
            raise serializers.ValidationError(
                "State accelerators or ram_bytes, or name a host, or describe it as text."
            )
        return data


HARDWARE = HardwareSerializer()
