"""Predicts the speed of published measurements: one answer per row, with the names that the row uses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from advisor.estimates import benchmark_names
from advisor.fit.architectures.computed_header import header
from advisor.fit.architectures.dimensions import UnknownLayout
from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp.placement import place
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.speed import estimate_speed
from advisor.fit.engines.llama_cpp.tensor_sizes import summarise
from advisor.fit.spec import Device, HostSpec, Range, Speed, Workload
from hardware.reference import GpuSpec

GENERATED = 64  # decode is judged this many tokens past the starting depth: benchmarks average over 128 or so
USUAL_PROMPT = 512
LARGEST_SHARE = 0.97  # largest share of a device's memory that weights may take
LONGEST_DEPTH = 65_536  # deepest start of llama-bench rows; a longer context was merely reserved
PARALLEL = ("vllm", "sglang", "exllama")  # engines that split every block over all devices
LOGICAL_BATCHES = (512, 2048, 4096)  # llama.cpp's -b, which some rows state as their batch although they run one stream
MOST_TOKENS, MOST_STREAMS, MOST_DEVICES = 100_000_000, 65_536, 1024
RAM = 64 << 30  # of a machine that no row describes
CORES = 8


class Unknown(LookupError):
    """The row cannot be predicted; the message is one sentence for a person."""


def speed_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """`{"id", "decode": {"low", "mid", "high"}, "prefill": {...}}` in tokens per second, or `{"id", "unknown": why}`.

    Keys of a row: id, gpu, gpu_count, model, quant, engine, context, prompt_tokens, batch; all but id, gpu, model and
    engine may be absent or null. Decode is that of all requests of the batch together. Raises KeyError without an id.
    """
    try:
        speed, streams = predicted(row)
    except Unknown as error:
        return {"id": row["id"], "unknown": str(error)}
    together = Range(*(streams * getattr(speed.decode, part) for part in ("low", "mid", "high")))
    return {"id": row["id"], "decode": _rounded(together), "prefill": _rounded(speed.prefill)}


def _rounded(span: Range) -> dict[str, float]:
    return {part: float(f"{getattr(span, part):.4g}") for part in ("low", "mid", "high")}


def predicted(row: Mapping[str, Any]) -> tuple[Speed, int]:
    """Speed of one stream, and the number of streams. Raises Unknown."""
    name = str(row.get("model") or "")
    entry = benchmark_names.model_named(name)
    if entry is None:
        raise Unknown(f"The model {name!r} is not in the catalog, or is served with speculation.")
    engine = benchmark_names.engine_named(str(row.get("engine") or ""), name)
    if engine is None:
        raise Unknown(f"The engine {row.get('engine')!r} is not known.")
    quant = str(row.get("quant") or "")
    mix = benchmark_names.quantization(quant, name, entry if benchmark_names.as_published(engine) else None)
    if mix is None:
        raise Unknown(f"The quantization {quant!r} is not known." if quant else "The row names no quantization.")
    sizes = sizes_of(entry["slug"], mix)
    streams = streams_of(row, engine)
    depth, prompt = tokens(row, engine)
    host, count = machine(row)
    settings = placement(sizes, host, engine, Workload(context=depth + GENERATED, concurrency=streams))
    if settings is None:
        raise Unknown(f"{entry['name']} at {mix} does not fit into the memory of {row['gpu']}.")
    used = tuple(range(count))

    def at(context: int) -> Speed:
        held = settings._replace(context=context * streams, slots=streams)
        return estimate_speed(
            sizes, held, host, used, prompt_tokens=context, engine=engine, parallel=engine in PARALLEL and count > 1
        )

    decode, prefill = at(depth + GENERATED), at(prompt)
    return Speed(decode.decode, prefill.prefill, prefill.first_token, depth, decode.basis), streams


def placement(sizes: BuildSizes, host: HostSpec, engine: str, workload: Workload) -> Settings | None:
    """Everything on the devices if the weights fit; else llama.cpp keeps experts or layers on the host."""
    count = len(host.devices)
    if not count or sizes.file_bytes <= LARGEST_SHARE * sum(d.memory_bytes for d in host.devices):
        return Settings(gpu_layers=len(sizes.layers) + 1 if count else 0, devices=count)
    if engine != "llama.cpp":
        return None
    placed = place(sizes, host, workload, kinds=("experts_on_cpu", "partial"))
    return placed.settings if placed else None


@lru_cache(maxsize=1024)
def sizes_of(slug: str, mix: str) -> BuildSizes:
    entry = next(e for e in benchmark_names.known_models().values() if e["slug"] == slug)
    try:
        facts = entry["architecture"] or {}
        # Tied or separate embeddings make no difference to speed, as the output matrix is read once either way.
        return summarise(header(facts | {"tie": bool(facts.get("tie"))}, mix))
    except (UnknownLayout, ValueError) as error:
        raise Unknown(str(error)) from error


def number(row: Mapping[str, Any], key: str, most: int = MOST_TOKENS) -> int | None:
    """The whole number in a field, which may be written as text or as 100.0; None if absent. Raises Unknown."""
    value = row.get(key)
    if value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not (0 <= found <= most and found.is_integer()):
        raise Unknown(f"{key} must be a whole number from 0 to {most:,}, not {value!r}.")
    return int(found)


def streams_of(row: Mapping[str, Any], engine: str) -> int:
    batch = number(row, "batch", MOST_STREAMS) or 1
    return 1 if engine == "llama.cpp" and batch in LOGICAL_BATCHES else max(1, batch)


def tokens(row: Mapping[str, Any], engine: str) -> tuple[int, int]:
    """Tokens in the cache when decoding starts, and tokens of the prompt.

    In a llama-bench row that generates without a prompt, the context is the depth it starts from; elsewhere the context
    was merely reserved, and the prompt fills it.
    """
    context, prompt = number(row, "context") or 0, number(row, "prompt_tokens") or 0
    if 0 < context < prompt:
        raise Unknown(f"prompt_tokens must be at most the context, {context}, not {prompt}.")
    depth = prompt or (context if engine == "llama.cpp" and context <= LONGEST_DEPTH else 0)
    return depth, prompt or USUAL_PROMPT


def machine(row: Mapping[str, Any]) -> tuple[HostSpec, int]:
    """The hardware of a row and its number of devices; 0 when the CPU does the work."""
    name, count = str(row.get("gpu") or ""), number(row, "gpu_count", MOST_DEVICES)
    if name and benchmark_names.is_processor(name):
        facts = benchmark_names.processor(name)
        if facts is None:
            raise Unknown(f"The memory bandwidth of {name!r} is not known.")
        return HostSpec((), RAM, RAM, cpu_cores=facts[0], ram_bandwidth=facts[1]), 0
    cards = benchmark_names.accelerators(name) if name else []
    if not cards:
        raise Unknown(f"The accelerator {name!r} is not known.")
    if benchmark_names.BOARD.match(name):
        raise Unknown(f"{name!r} is a card on a single-board computer, whose part of the speed is not known.")
    count = max(1, count or 1)
    # Of several versions of a card take the middle one, of two the faster: people buy those to run benchmarks on.
    return HostSpec((device(cards[len(cards) // 2]),) * count, RAM, RAM, cpu_cores=CORES), count


def device(card: GpuSpec) -> Device:
    capacity = card.nominal_bytes if card.unified else card.memory_bytes  # the limits of unified devices can be raised
    return Device(
        name=card.name,
        memory_bytes=capacity,
        available_bytes=capacity,
        memory_bandwidth=card.memory_bandwidth,
        flops_fp16=card.flops_fp16,
        vendor=card.vendor,
        compute_capability=card.compute_capability,
        unified=card.unified,
    )
