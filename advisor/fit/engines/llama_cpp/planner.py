"""The llama.cpp planner (`advisor.fit.engines.base.Planner`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from advisor.fit.build import BuildSizes
from advisor.fit.engines.base import (
    KINDS,
    BadSetting,
    BuildTable,
    Ints,
    Outline,
    Placed,
    Screened,
    SettingsStep,
    Shortage,
)
from advisor.fit.engines.llama_cpp import placement
from advisor.fit.engines.llama_cpp import screen as screening
from advisor.fit.engines.llama_cpp.catalog_speed import Work, paces
from advisor.fit.engines.llama_cpp.memory import COMPUTED_FOR
from advisor.fit.engines.llama_cpp.settings import SETTINGS, Settings
from advisor.fit.engines.llama_cpp.shortage import shortage as shortage_of
from advisor.fit.engines.llama_cpp.shortage import smaller_settings, whole_on_one
from advisor.fit.engines.llama_cpp.speed import estimate_speed
from advisor.fit.layer_groups import kinds as kinds_of
from advisor.fit.quality.strength import kv_loss
from advisor.fit.spec import BuildSpec, Catalog, HostSpec, Memory, Speed, Workload

__all__ = ["COMPUTED_FOR", "SETTINGS"]

NAME = "llama.cpp"
FORMATS = ("gguf",)
# At most 1.005, 1.009, 1.010, 1.033 and 1.002 in 4,500 pairs (`bench/answers.py`, every second question).
CLOSE = {"gpu": 1.01, "gpus": 1.015, "experts_on_cpu": 1.015, "partial": 1.04, "cpu": 1.005}
KV_LOSS = kv_loss("q8_0")


def tabulate(catalog: Catalog) -> BuildTable:
    found = [
        (m, b, build.sizes)
        for m, model in enumerate(catalog.models)
        for b, build in enumerate(model.builds)
        if build.sizes is not None and build.format in FORMATS
    ]
    sizes = [one for _, _, one in found]
    columns = screening.columns(sizes)
    places = np.array([(m, b) for m, b, _ in found], dtype=np.int64).reshape(len(found), 2)
    return BuildTable(places[:, 0].copy(), places[:, 1].copy(), columns.bits, (columns, Work.of(sizes)))


def screen(table: BuildTable, host: HostSpec, workload: Workload) -> Screened:
    columns, work = table.columns
    fits = screening.screen(columns, host, workload)
    decode, first_token = paces(work, host, workload, fits)
    grows = fits.headroom * fits.need / np.maximum(fits.fill, 1.0)
    return Screened(
        kind=fits.kind,
        headroom=fits.headroom,
        more=np.where(fits.fill > 0, grows, workload.context),
        cache_loss=np.where(fits.packed, KV_LOSS, 0.0),
        decode=decode,
        first_token=first_token,
        sure=fits.sure,
    )


def screen_kinds(table: BuildTable, rows: Ints, questions: Sequence[tuple[HostSpec, Workload]]) -> Ints:
    return screening.screen_all(table.columns[0].take(rows), questions)


def sizes_of(build: BuildSpec) -> BuildSizes:
    assert build.sizes is not None
    return build.sizes


def place(
    build: BuildSpec, host: HostSpec, workload: Workload, *, embedding: bool, kinds: tuple[str, ...] = KINDS
) -> Placed | None:
    return placement.place(sizes_of(build), host, workload, embedding=embedding, kinds=kinds)


def placements(build: BuildSpec, host: HostSpec, workload: Workload, *, embedding: bool) -> Iterator[Placed]:
    return placement.placements(sizes_of(build), host, workload, embedding=embedding)


def stated(build: BuildSpec, host: HostSpec, settings: Settings) -> Placed:
    placed = placement.as_stated(sizes_of(build), host, settings)
    if placed is None:
        message = f"The settings ask for {settings.devices or 1} devices; this machine has {len(host.devices)}."
        raise BadSetting("devices", message)
    return placed


def speed(build: BuildSpec, host: HostSpec, placed: Placed, prompt_tokens: int) -> Speed:
    return estimate_speed(sizes_of(build), placed.settings, host, placed.devices, prompt_tokens=prompt_tokens)


def more_context(build: BuildSpec, settings: Settings, room: int) -> float:
    layers = sizes_of(build).layers
    full = ((x, n) for x, n in kinds_of(layers).between(0, len(layers)) if x.window is None)
    each = settings.slots * 2 * sum((x.k_elements + x.v_elements) * n for x, n in full)
    return room / each if each else float("inf")


def shortage(build: BuildSpec, host: HostSpec, workload: Workload, *, embedding: bool) -> Shortage:
    return shortage_of(sizes_of(build), host, workload, embedding=embedding)


def whole(build: BuildSpec, workload: Workload, *, embedding: bool) -> tuple[int, Workload]:
    return whole_on_one(sizes_of(build), workload, embedding=embedding)


def smaller_steps(build: BuildSpec, settings: Settings, contexts: Sequence[int]) -> Iterator[SettingsStep]:
    return smaller_settings(build, settings, contexts)


def read_settings(given: Mapping[str, Any], build: BuildSpec, host: HostSpec) -> Settings:
    """`gpu_layers` defaults to all layers when the host has a device."""
    stated = dict(given)
    if stated.get("tensor_split") is not None:
        stated["tensor_split"] = tuple(stated["tensor_split"])
        if len(stated["tensor_split"]) > 1:
            stated.setdefault("devices", len(stated["tensor_split"]))
    if host.devices and "gpu_layers" not in stated and stated.get("devices") != 0:
        stated["gpu_layers"] = len(sizes_of(build).layers) + 1
    return Settings(**stated)


def as_planned(settings: Settings, memory: Memory) -> Settings:
    return settings._replace(flash_attention=memory.flash_attention)


def settings_document(settings: Settings, memory: Memory) -> dict[str, Any]:
    return {
        "context": settings.context,
        "slots": settings.slots,
        "kv_type_k": settings.kv_type_k,
        "kv_type_v": settings.kv_type_v,
        "flash_attention": memory.flash_attention,
        "gpu_layers": settings.gpu_layers,
        "experts_on_cpu": settings.experts_on_cpu,
        "tensor_split": list(settings.tensor_split) if settings.tensor_split else None,
        "devices": settings.devices,
        "batch": settings.batch,
        "ubatch": settings.ubatch,
        "embedding": settings.embedding,
    }


def kept_settings(settings: Settings) -> dict[str, Any]:
    return settings._asdict()


def settings_kept(kept: Mapping[str, Any]) -> Settings:
    split = kept.get("tensor_split")
    return Settings(**{**kept, "tensor_split": tuple(split) if split else None})


def outline(build: BuildSpec, settings: Settings) -> Outline:
    blocks = len(sizes_of(build).layers)
    on_devices = settings.gpu_layers if settings.devices else 0
    on_host = settings.experts_on_cpu or max(0, blocks - on_devices)
    return Outline(settings.slots, settings.context, settings.kv_type_k, on_host, on_devices, settings.embedding)
