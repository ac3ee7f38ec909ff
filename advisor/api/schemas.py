"""OpenAPI shapes of answers, written here because the hot path renders plain dicts without a serializer.

A shape with a title is a component of that name (see `rest.schema`).
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter

from advisor.fit.spec import PREFERENCES, REASONS
from advisor.fit.use_cases import USE_CASES
from advisor.models import Launch
from rest.problems import CONTENT_TYPE
from rest.schema import PROBLEM


def text(**more: Any) -> dict[str, Any]:
    return {"type": "string"} | more


def maybe(kind: str) -> dict[str, Any]:
    return {"type": [kind, "null"]}


INTEGER: dict[str, Any] = {"type": "integer"}
NUMBER: dict[str, Any] = {"type": "number"}


def thing(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": sorted(properties)} | more


def many(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


FREE: dict[str, Any] = {"type": "object", "additionalProperties": True}
RANGE = thing({"low": NUMBER, "mid": NUMBER, "high": NUMBER}, title="Range")
OVERHEAD = thing({"low": INTEGER, "high": INTEGER, "source": text()}, title="OverheadRange")
DEVICE = thing(
    dict.fromkeys(("capacity", "available", "weights", "kv", "compute", "overhead", "total", "margin"), INTEGER)
    | {"name": text(), "uuid": maybe("string"), "overhead_range": OVERHEAD},
    title="DeviceMemory",
)
MEMORY = {
    "title": "Memory",
    "type": "object",
    "properties": {
        "devices": many(DEVICE),
        "host": FREE,
        "total": INTEGER,
        "computed_for": text(description="engine and build whose sums these are"),
        "basis": text(),
        "error_bound_percent": maybe("number"),
    },
    "required": ["devices", "host", "total", "computed_for", "basis"],
}
SPEED = thing(
    {
        "decode_tokens_per_second": RANGE,
        "prefill_tokens_per_second": RANGE,
        "first_token_seconds": RANGE,
        "at_context": INTEGER,
        "basis": text(),
    },
    title="Speed",
)
COST = thing(
    {
        "tokens": text(enum=["generated", "read"]),
        "power_watts": maybe("number"),
        "energy_per_million": {"oneOf": [RANGE, {"type": "null"}]},
        "purchase_per_million": {"oneOf": [RANGE, {"type": "null"}]},
        "total_per_million": {"oneOf": [RANGE, {"type": "null"}]},
        "hosted": {"type": ["object", "null"], "additionalProperties": True},
        "break_even": {"type": ["object", "null"], "additionalProperties": True},
        "notes": many(text()),
    },
    title="Cost",
)
RESULT = {
    "title": "Result",
    "type": "object",
    "properties": {
        "rank": INTEGER,
        "score": NUMBER,
        "score_parts": FREE,
        "model": FREE,
        "build": FREE,
        "engine": text(),
        "settings": FREE,
        "memory": MEMORY,
        "speed": SPEED,
        "quality": FREE,
        "command": many(text()),
        "reasons": many(text()),
        "cost": COST,
    },
    "required": [
        "rank",
        "score",
        "model",
        "build",
        "engine",
        "settings",
        "memory",
        "speed",
        "quality",
        "command",
        "reasons",
    ],
}
REJECTED = {
    "title": "Rejected",
    "type": "object",
    "properties": {
        "model": text(),
        "build": maybe("string"),
        "reason": text(enum=list(REASONS)),
        "needed_bytes": maybe("integer"),
        "available_bytes": maybe("integer"),
        "fixes": many(FREE),
    },
    "required": ["model", "build", "reason", "fixes"],
}
DECISION = {
    "title": "Decision",
    "type": "object",
    "properties": {
        "decision": text(pattern="^[0-9a-f]{64}$"),
        "catalog_version": text(),
        "fit_version": text(),
        "hardware": FREE,
        "results": many(RESULT),
        "rejected": many(REJECTED),
        "warnings": many(text()),
    },
    "required": ["decision", "catalog_version", "fit_version", "hardware", "results", "rejected", "warnings"],
}
ESTIMATE = {
    "title": "Estimate",
    "type": "object",
    "properties": {"memory": MEMORY, "speed": SPEED, "fits": {"type": "boolean"}, "settings": FREE, "hardware": FREE},
    "required": ["memory", "speed", "fits"],
}
NEEDED = thing(
    {
        "accelerator": FREE,
        "build": FREE,
        "engine": text(),
        "settings": FREE,
        "memory": MEMORY,
        "speed": SPEED,
        "command": many(text()),
        "reasons": many(text()),
    }
)
REQUIREMENTS = {
    "title": "Requirements",
    "type": "object",
    "properties": {
        "catalog_version": text(),
        "fit_version": text(),
        "model": text(),
        "results": many(NEEDED),
        "rejected": many(REJECTED),
    },
    "required": ["catalog_version", "fit_version", "model", "results", "rejected"],
}
ENDS = thing({"low": INTEGER, "high": INTEGER}, title="Ends")
ENDS_OR_NULL = {"oneOf": [ENDS, {"type": "null"}]}
PAYS = many(thing({"flag": text(), "tokens": INTEGER, "request_bytes": INTEGER}))
ON_CARDS = thing(
    {
        "cards": INTEGER,
        "starts": maybe("boolean"),
        "refused": maybe("string"),
        "weights": maybe("integer"),
        **dict.fromkeys(("cache", "tokens", "requests", "longest_context"), ENDS_OR_NULL),
        "request_bytes": maybe("integer"),
        "pays": PAYS,
    },
    title="OnCards",
)
UNDER_VLLM = thing(
    {
        "catalog_version": text(),
        "hardware": FREE,
        "model": text(),
        "engine": text(),
        "unknown": maybe("string"),
        "card": maybe("string"),
        "context": maybe("integer"),
        "enough_free": maybe("boolean"),
        "rows": {"oneOf": [many(ON_CARDS), {"type": "null"}]},
        "pays": {"oneOf": [PAYS, {"type": "null"}]},
        "command": maybe("string"),
        "cache": {"oneOf": [thing({"vllm": INTEGER, "llama_cpp": INTEGER}), {"type": "null"}]},
    },
    title="UnderVllm",
)
STATUSES = Launch.Status.values
LAUNCH = {
    "title": "Launch",
    "type": "object",
    "properties": {
        "id": text(format="uuid"),
        "status": text(enum=STATUSES),
        "reason": maybe("string"),
        "message": text(),
        "host": text(),
        "model": text(),
        "build": text(),
        "engine": text(),
        "alias": text(),
        "endpoint": maybe("string"),
        "api_key": maybe("string"),
        "settings": FREE,
        "command": many(text()),
        "progress": {
            "type": ["object", "null"],
            "properties": {"step": text(), "done_bytes": maybe("integer"), "total_bytes": maybe("integer")},
            "required": ["step", "done_bytes", "total_bytes"],
        },
        "predicted": FREE,
        "measured": {"type": ["object", "null"], "additionalProperties": True},
        "reservations": many(thing({"accelerator": text(), "bytes": INTEGER})),
        "events": many(thing({"at": text(format="date-time"), "from": text(), "to": text(), "note": text()})),
        "created": text(format="date-time"),
        "updated": text(format="date-time"),
    },
    "required": ["id", "status", "host", "model", "build", "engine", "settings", "predicted", "measured", "created"],
}
LAUNCHES = thing({"next": maybe("string"), "previous": maybe("string"), "results": many(LAUNCH)}, title="LaunchPage")


def answers(good: dict[int, dict[str, Any]], *problems: int) -> dict[Any, Any]:
    """Responses by status: the successful ones, and the problems specific to this operation (see `rest.schema`)."""
    return {(status, "application/json"): shape for status, shape in good.items()} | {
        (status, CONTENT_TYPE): PROBLEM for status in problems
    }


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
