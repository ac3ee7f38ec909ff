"""A model under vLLM on one machine: figures by number of cards, settings worth changing, the command."""

from __future__ import annotations

from typing import Any

from advisor.answers import documents
from advisor.answers.vllm_shapes import CacheOfRequest, Ends, OnCards, Pays, UnderVllm, VllmFigures
from advisor.fit.architectures.dimensions import UnknownLayout as Unsettled
from advisor.fit.architectures.parameter_check import settled
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.vllm.catalog_config import config_of
from advisor.fit.engines.vllm.config import ConfigReading, UnknownConfig, read_config
from advisor.fit.engines.vllm.device import Card
from advisor.fit.engines.vllm.serving import SIZES, Served, served
from advisor.fit.engines.vllm.version import COMPUTED_FOR
from advisor.fit.spec import Device, HostSpec, ModelSpec
from advisor.question.parse import Question
from advisor.selectors.catalog import catalog_index, find_model, model_row

FLAGS = {
    "kv_cache_dtype": "--kv-cache-dtype",
    "max_num_batched_tokens": "--max-num-batched-tokens",
    "prefix_caching": "--no-enable-prefix-caching",
    "hybrid_manager": "--disable-hybrid-kv-cache-manager",
}


def model_under_vllm(slug: str, question: Question) -> UnderVllm | None:
    """The document of `GET models/{slug}/vllm/`; None for an unknown model."""
    row, spec = model_row(slug), find_model(slug)
    if row is None or spec is None:
        return None
    return {
        "catalog_version": catalog_index().catalog.version,
        "hardware": documents.hardware_document(question.reading),
        "model": slug,
        "engine": COMPUTED_FOR,
        **shown(row, spec, question.host, question.workload.context),
    }


def shown(row: Any, spec: ModelSpec, host: HostSpec, context: int) -> VllmFigures:
    """The fields of `schemas.UNDER_VLLM` from `unknown` on, all null where `unknown` states why."""
    try:
        cards = equal(host)
        card = card_of(cards[0])
        architecture = settled(row.architecture or {}, row.parameters_total)
        reading = read_config(config_of(architecture, row.native_dtype, row.context_length))
        length = min(context, reading.longest)
        rows = [line(reading, card, tp, length) for tp in SIZES if tp <= len(cards)]
    except (UnknownConfig, Unsettled) as error:
        return {
            "card": None,
            "context": None,
            "enough_free": None,
            "rows": None,
            "pays": None,
            "command": None,
            "cache": None,
            "unknown": str(error),
        }
    # one that certainly starts, else one that may
    best = next((r for wanted in (True, None) for r in rows if r["starts"] is wanted), None)
    return {
        "unknown": None,
        "card": card.name,
        "context": length,
        "enough_free": all(device.available_bytes >= card.requested_bytes for device in cards),
        "rows": rows,
        "pays": best["pays"] if best else [],
        "command": command(row.hub_id, best["cards"], length) if best else None,
        "cache": beside(spec, rows, length),
    }


def equal(host: HostSpec) -> list[Device]:
    """The machine's largest set of equal NVIDIA cards. Raises UnknownConfig where there is none."""
    able = [d for d in host.devices if d.vendor == "nvidia" and d.compute_capability and not d.unified]
    sets = [[d for d in able if (d.name, d.memory_bytes) == kind] for kind in {(d.name, d.memory_bytes) for d in able}]
    if not sets:
        raise UnknownConfig("vLLM's memory is known here for NVIDIA cards with memory of their own.")
    return max(sets, key=lambda s: (sum(d.memory_bytes for d in s), s[0].name))


def card_of(device: Device) -> Card:
    major, minor = str(device.compute_capability).split(".")
    return Card(device.name, device.memory_bytes, (int(major), int(minor)))


def line(reading: ConfigReading, card: Card, tp: int, context: int) -> OnCards:
    """The figures for `tp` cards, in bytes per card.

    Ranges go from the most to the least that vLLM's profiling run may take.
    """
    found = served(reading, card, tp, context)
    if isinstance(found, str):
        return {
            "cards": tp,
            "starts": False,
            "refused": found,
            "weights": None,
            "cache": None,
            "tokens": None,
            "requests": None,
            "longest_context": None,
            "request_bytes": None,
            "pays": [],
        }
    least, most = found.least, found.most
    return {
        "cards": tp,
        "starts": found.starts,
        "refused": None,
        "weights": found.weights,
        "cache": ends(found.budget.low, found.budget.high),
        "tokens": ends(least.capacity_tokens, most.capacity_tokens),
        "requests": ends(int(least.max_concurrency), int(most.max_concurrency)),
        "longest_context": ends(least.largest_max_model_len, most.largest_max_model_len),
        "request_bytes": most.needed_bytes,
        "pays": pays(found),
    }


def ends(low: int, high: int) -> Ends:
    return {"low": low, "high": high}


def pays(found: Served) -> Pays:
    """Settings that let the same memory hold more, the best first; gains below 1 % are left out."""
    worth = [knob for knob in found.pays if knob.gained_tokens * 100 >= max(1, found.least.capacity_tokens)]
    return [
        {"flag": flag(knob.setting, knob.value), "tokens": knob.gained_tokens, "request_bytes": -knob.saved_bytes}
        for knob in worth
    ]


def flag(setting: str, value: Any) -> str:
    return FLAGS[setting] if isinstance(value, bool) else f"{FLAGS[setting]} {value}"


def command(hub_id: str, tp: int, length: int) -> str:
    words = f"vllm serve {hub_id} --max-model-len {length}"
    return f"{words} --tensor-parallel-size {tp}" if tp > 1 else words


def beside(spec: ModelSpec, rows: list[OnCards], length: int) -> CacheOfRequest:
    """KV cache bytes of one full-length request in both engines, at 16 bits, on one card."""
    one = next((r for r in rows if r["cards"] == 1 and not r["refused"]), None)
    sizes = next((build.sizes for build in spec.builds if build.format == "gguf" and build.sizes), None)
    if one is None or sizes is None:
        return None
    all_on_one = Settings(context=length, gpu_layers=len(sizes.layers) + 1, devices=1)
    return {"vllm": one["request_bytes"], "llama_cpp": estimate_memory(sizes, all_on_one).devices[0].kv}
