"""Adds the words and layout that pages need to the API's documents. No arithmetic on memory or speed happens here."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import orjson

from advisor.answers.shapes import Fix, Rejected
from advisor.fit.units import GIB
from advisor.templatetags.berth import gib
from hardware.shapes import HostDocument

PLACEMENTS = {
    "cpu": "CPU",
    "gpu": "one GPU",
    "gpus": "several GPUs",
    "experts_on_cpu": "experts in main memory",
    "partial": "partly in main memory",
    "unified": "unified memory",
}
REASONS = {
    "gpu_memory": "Needs {needed} of GPU memory; {available} is available.",
    "host_memory": "Needs {needed} of memory; {available} is available.",
    "speed": "Too slow: {needed} tokens/s asked for, about {available} expected.",
    "first_token": "First token too late: about {available} s, at most {needed} s asked for.",
    "licence": "Its licence does not allow this use.",
    "context": "Its context ends at {available} tokens; {needed} asked for.",
    "modality": "It does not read the kind of input asked for.",
    "language": "Not known to speak a language asked for.",
    "engine": "None of the engines asked for runs it.",
    "tool_use": "Not known to call tools.",
    "reasoning": "It thinks step by step when that was not wanted, or does not when it was.",
    "embedding": "It is not made for this task.",
    "no_evidence": "No published result for this use case.",
    "unknown_layout": "Its layout is not known, so its memory is not promised.",
    "superseded": "A newer version by the same maker is listed.",
}
PACES = {False: "tokens/s", True: "tokens/s read"}  # keyed by whether a model embeds: it writes no tokens then
SOURCES = {"nvml": "NVML and the kernel", "engine log": "the engine’s log and the kernel", "rss": "the kernel"}
# What a fix changes, where the API's term needs a plainer one.
CHANGES = {
    "ram_bytes": "main memory",
    "gpu": "GPU",
    "gpus": "GPUs of this kind",
    "concurrency": "requests at once",
    "input_modalities": "input",
    "kv_type": "type of the KV cache",
    "gpu_layers": "layers on the GPU",
}


def page_result(document: Mapping[str, Any], *, launchable: bool, names: list[str]) -> dict[str, Any]:
    """One entry of a decision's `results`, ready for `parts/result.html`."""
    memory = document["memory"]
    devices = [device | {"label": short(names[device["accelerator"]])} for device in memory["devices"]]
    return {
        **document,
        "memory": memory | {"devices": devices},
        "pace": pace_words(document),
        "show_host": not devices or memory["host"]["total"] > 2**31,
        "placement_words": PLACEMENTS.get(document.get("placement", ""), document.get("placement", "")),
        "command_text": shlex.join(document["command"]),
        "settings_json": orjson.dumps(document["settings"]).decode(),
        "launchable": launchable,
        "of_catalog": not document["build"]["id"].startswith("file:"),
        "where": where(document["build"]),
    }


def terms(model: Mapping[str, Any]) -> str:
    """A model's licence in a few words, with what it asks for."""
    name = model["licence_name"] or model["licence"]
    if not name:
        return "Its licence is not known here."
    uses = {"no": " Not for commercial use.", "conditions": " Commercial use under conditions."}
    return f"Licence: {name}.{uses.get(model['commercial'] or '', '')} {model['licence_conditions']}".strip()


def where(build: Mapping[str, Any]) -> str:
    """Where a build that is not on this machine comes from, beside its command."""
    if build["repo"]:
        return f"Not on this machine’s disk. The command fetches it from {build['repo']} first."
    return "No published file of this build is known: the command expects one in the folder where it is typed."


def pace_words(document: Mapping[str, Any]) -> dict[str, Any]:
    """A result's speed, low, mid and high, and the unit of what is counted."""
    reads = document["settings"].get("embedding", False)
    kind = "prefill" if reads else "decode"
    return document["speed"][f"{kind}_tokens_per_second"] | {"words": PACES[reads]}


def headline(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answer in brief: the plans that rank first, are strongest and are fastest, each plan once."""
    if not results:
        return []
    best = (
        ("best match", results[0]),
        ("strongest", max(results, key=lambda r: r["quality"]["score"])),
        ("fastest", max(results, key=lambda r: r["pace"]["mid"])),
    )
    words: dict[int, list[str]] = {}
    for word, result in best:
        words.setdefault(result["rank"], []).append(word)
    plans = {result["rank"]: result for _, result in best}
    return [{"words": ", ".join(said).capitalize(), "result": plans[rank]} for rank, said in words.items()]


def short(name: str) -> str:
    """A device's name without its maker, to fit a narrow column."""
    for maker in ("NVIDIA GeForce ", "NVIDIA ", "AMD Radeon ", "AMD ", "Apple ", "Intel "):
        name = name.removeprefix(maker)
    return name


def page_rejection(document: Rejected, name: str) -> dict[str, Any]:
    """One entry of `rejected` in words, under the model's own name."""
    memory = document["reason"].endswith("_memory")
    figure = gib if memory else number
    words = REASONS[document["reason"]].format(
        needed=figure(document["needed_bytes"] if memory else document.get("needed")),
        available=figure(document["available_bytes"] if memory else document.get("available")),
    )
    fixes = [fix | {"words": fix_words(fix)} for fix in document["fixes"]]
    return {**document, "name": name, "words": words, "fixes": fixes}


def does_not_fit(document: Rejected) -> str:
    """A rejection in one sentence, for a refused launch."""
    model, reason = document["model"], document["reason"].replace("_", " ")
    if document["needed_bytes"] is None:
        return f"{model} cannot run as asked ({reason})."
    needed, available = (document[key] / GIB for key in ("needed_bytes", "available_bytes"))
    return f"{model} does not fit: it needs {needed:.1f} GiB and {available:.1f} GiB is available ({reason})."


def number(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"


def fix_words(fix: Fix) -> str:
    """ "Main memory 64.0 GiB → 256 GiB: fits with 1.2 GiB to spare"."""
    label = CHANGES.get(fix["change"], fix["change"].replace("_", " "))
    before = "" if fix["from"] is None else f"{value(fix['change'], fix['from'])} → "
    return f"{label[0].upper()}{label[1:]} {before}{value(fix['change'], fix['to'])}: {fix['gives']}"


def value(change: str, what: Any) -> str:
    if isinstance(what, list | tuple):
        return ", ".join(map(str, what)) or "any"
    if isinstance(what, bool) or not isinstance(what, int):
        return "any" if what is None else str(what)
    return gib(what) if change.endswith("_bytes") else f"{what:,}"


def page_host(document: HostDocument, name: str) -> dict[str, Any]:
    """A host document with bandwidths in GB/s."""
    return {
        **document,
        "name": name,
        "accelerators": [a | {"bandwidth_gb": gigabytes(a["memory_bandwidth"])} for a in document["accelerators"]],
        "ram_bandwidth_gb": gigabytes(document["ram_bandwidth"]),
    }


def gigabytes(value: int | None) -> str | None:
    return None if value is None else f"{value / 10**9:,.0f}"
