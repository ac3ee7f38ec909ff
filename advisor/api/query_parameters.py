"""The query parameters of questions and of the list of launches, for OpenAPI."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter

from advisor.fit.spec import PREFERENCES
from advisor.fit.use_cases import USE_CASES
from advisor.launch.shapes import STATUSES

LIST_QUERY = [
    OpenApiParameter("limit", int, description="at most 500"),
    OpenApiParameter("cursor", str),
    OpenApiParameter("search", str, description="words of the model, the build or the message"),
    OpenApiParameter("ordering", str, description="created, updated, model or status; - for descending"),
    OpenApiParameter("status", str, description="only launches in this state", enum=STATUSES),
    OpenApiParameter("host", str, description="only launches on this host"),
    OpenApiParameter("model", str, description="only launches of this model"),
    OpenApiParameter("build", str, description="only launches of this build"),
    OpenApiParameter("engine", str, description="only launches under this engine"),
]


def key(name: str, kind: type, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, description=description, **more)


EXPAND = key("expand", str, "plans: every model's other plans too", enum=["plans"])
QUESTION_QUERY = [
    key("host", str, "a known machine, e.g. local; its newest snapshot minus what is reserved"),
    key("hw", str, "hardware in words: 2x RTX 3090, 64 GB RAM"),
    key("gpu", str, "a GPU as people write it"),
    key("gpus", int, "how many of it"),
    key("vram_gb", float, "memory of one, where the name alone does not say"),
    key("bandwidth_gb_s", float, "memory bandwidth of one, for an unknown name"),
    key("ram_gb", float, "main memory"),
    key("cpu_cores", int, "cores"),
    key("use_case", str, "what for", enum=list(USE_CASES)),
    key("context", int, "tokens per request"),
    key("concurrency", int, "requests at once"),
    key("min_decode_tokens_per_second", float, "decode tokens per second of each request, at least"),
    key("max_first_token_seconds", float, "seconds to the first token, at most"),
    key("licence", str, "any, commercial, or ids with commas between"),
    key("input_modalities", str, "input besides text: image, audio"),
    key("languages", str, "codes with commas between"),
    key("tool_use", bool, "must call tools"),
    key("reasoning", bool, "must (or must not) think step by step"),
    key("price_per_kwh", float, "US dollars per kWh: adds the cost of a million tokens to every result"),
    key("power_watts", float, "what the machine draws at load; left out: the limits of the accelerators in use"),
    key("purchase_price", float, "US dollars, spread over years and utilisation"),
    key("years", float, "years of use"),
    key("utilisation", float, "share of the time at work, 0 to 1"),
    key("prefer", str, "what decides", enum=list(PREFERENCES)),
    key("engine", str, "only this engine"),
    key("limit", int, "results, at most 100"),
    key("rejected_limit", int, "rejected models listed"),
    EXPAND,
    key("on_disk", bool, "only builds whose files are on the server's disk"),
]
# A question about one model on one machine takes only the keys for the machine and the context.
MACHINE_KEYS = ("host", "hw", "gpu", "gpus", "vram_gb", "bandwidth_gb_s", "ram_gb", "cpu_cores", "use_case", "context")
MACHINE_QUERY = [parameter for parameter in QUESTION_QUERY if parameter.name in MACHINE_KEYS]
