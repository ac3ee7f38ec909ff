"""Why not, and what would: the binding constraint of a rejected model and the cheapest changes that lift it.

Fixes are found by search. Each variation of the question (less context, fewer slots, more RAM, one more GPU, another
GPU) is screened for all rejected models in one pass; what looks possible is planned exactly before it is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from advisor.fit.allowances import DEVICE_MARGIN, GIB, HOST_MARGIN, OS_RESERVE, device_overhead, kept
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.placement import (
    KINDS,
    Placed,
    as_stated,
    grid,
    kv_types,
    on_grid,
    place,
    scores_all,
    settings_for,
)
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.tensor_split import device_groups
from advisor.fit.ranking.catalog_arrays import NOBODY, Index
from advisor.fit.ranking.explain import figure, gib
from advisor.fit.ranking.filters import context_limit
from advisor.fit.ranking.plans import LEAST_BITS, bits, embeds, plan, too_slow
from advisor.fit.ranking.rank import Ranking
from advisor.fit.ranking.screen import NEVER, screen_all
from advisor.fit.spec import REASONS, BuildSpec, Device, Fix, HostSpec, ModelSpec, Plan, Rejection, Workload

CONTEXTS = tuple(1 << n for n in range(20, 10, -1))  # tried from the longest below what was asked
RAM_STEPS = tuple(n * GIB for n in (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024))
COUNTS = (1, 2, 4, 8)
MOST_FIXES = 4
# What no change of the question would help comes last; by place of the reason, and 0 for models that meet all of them.
LAST = {"superseded": 1, "no_evidence": 2, "engine": 3, "unknown_layout": 3, "embedding": 4}
HOPELESS = np.array([*(LAST.get(reason, 0) for reason in REASONS), 0])
LEAST_CAPABILITY = 7.5  # CUDA 13 dropped what came before


Card = tuple[Device, int]  # and its bytes after the overhead


@dataclass(frozen=True, slots=True)
class Variation:
    """One change of the question: what it is called, and the question it makes."""

    change: str
    before: Any
    after: Any
    host: HostSpec
    workload: Workload


def reference_device(gpu: Device) -> Device:
    """A card that nobody has yet: all its memory, less the margin, is available."""
    return replace(gpu, available_bytes=gpu.memory_bytes - kept(DEVICE_MARGIN, gpu.memory_bytes))


def variations(host: HostSpec, workload: Workload) -> list[Variation]:
    """Changes worth trying on this host, grouped by kind, the smallest step of a kind first."""
    found = [
        Variation("context", workload.context, c, host, replace(workload, context=c))
        for c in CONTEXTS
        if c < workload.context
    ]
    slots = workload.concurrency
    while slots > 1:
        slots //= 2
        found.append(Variation("concurrency", workload.concurrency, slots, host, replace(workload, concurrency=slots)))
    if host.ram_bytes is not None and not any(d.unified for d in host.devices):
        for ram in RAM_STEPS:
            if ram > host.ram_bytes:
                room = ram - kept(OS_RESERVE, ram) - kept(HOST_MARGIN, ram)
                more = replace(host, ram_bytes=ram, ram_available_bytes=room)
                found.append(Variation("ram_bytes", host.ram_bytes, ram, more, workload))
    discrete = [d for d in host.devices if not d.unified]
    if discrete:
        best = reference_device(max(discrete, key=lambda d: d.memory_bytes))
        count = sum(d.name == best.name for d in discrete)
        more = replace(host, devices=(*host.devices, best))
        found.append(Variation("gpus", count, count + 1, more, workload))
    return found


def rejections(
    index: Index, host: HostSpec, workload: Workload, ranking: Ranking, *, gpus: Sequence[Device] = (), limit: int = 20
) -> list[Rejection]:
    """The `limit` strongest models that were left out, each with its reason and at most four fixes."""
    models, everyone = index.catalog.models, ranking.left_out
    chosen = index.strongest(everyone, workload, HOPELESS[ranking.barred[everyone]])[:limit].tolist()
    unfit = [i for i in chosen if ranking.reason(i) is None and i not in ranking.slow]
    search = Search.over(index, unfit, host, workload, gpus)
    said = []
    for i in chosen:
        reason = ranking.reason(i)
        if reason:
            said.append(barred(models[i], reason, workload))
        elif i in ranking.slow:
            said.append(slow(ranking.slow[i], host, workload, gpus))
        else:
            said.append(search.rejection(i))
    return said


# ---------------------------------------------------------------- requirements and speed


def barred(model: ModelSpec, reason: str, workload: Workload) -> Rejection:
    limit = context_limit(model)
    dropped: dict[str, tuple[Any, Any, str]] = {
        "licence": (workload.licence, model.licence or "any", "its own licence is accepted"),
        "modality": (list(workload.input_modalities), list(model.input_modalities), "it reads these"),
        "language": (list(workload.languages), list(model.languages), "these are the languages it is known for"),
        "tool_use": (True, None, "models not known to call tools are considered"),
        "reasoning": (workload.reasoning, model.reasoning, "it is considered"),
        "context": (workload.context, limit, "as long as the model was made for"),
        "superseded": (model.slug, model.superseded_by, "its successor runs here"),
    }
    fixes: tuple[Fix, ...] = ()
    if reason in dropped:
        before, after, gives = dropped[reason]
        change = {"modality": "input_modalities", "language": "languages", "superseded": "model"}.get(reason, reason)
        fixes = (Fix(change, before, after, gives),)
    needed, available = (workload.context, limit) if reason == "context" else (None, None)
    return Rejection(model.slug, None, reason, needed, available, fixes)


def slow(best: Plan, host: HostSpec, workload: Workload, gpus: Sequence[Device]) -> Rejection:
    reason = too_slow(best, workload) or "speed"
    if reason == "speed":
        needed, available = workload.min_decode_tokens_per_second, round(best.speed.decode.mid, 1)
    else:
        needed, available = workload.max_first_token_seconds, round(best.speed.first_token.mid, 1)
    fixes = list(faster(best, host, workload, gpus))
    return Rejection(best.model.slug, best.build.id, reason, needed, available, tuple(fixes[:MOST_FIXES]))


def faster(best: Plan, host: HostSpec, workload: Workload, gpus: Sequence[Device]) -> Iterator[Fix]:
    """Less context on the same hardware, then the smallest GPU that is fast enough."""

    def told(made: Plan | None, asked: Workload) -> str | None:
        if made is None or too_slow(made, asked):
            return None
        return (
            f"about {figure(made.speed.decode.mid)} tokens/s, first token after {figure(made.speed.first_token.mid)} s"
        )

    for context in [c for c in CONTEXTS if c < workload.context][:5]:
        asked = replace(workload, context=context)
        gives = told(plan(best.model, best.build, host, asked, KINDS[KINDS.index(best.placement) :]), asked)
        if gives:
            yield Fix("context", workload.context, context, gives)
            break
    # Whole on one card already: only a card with that much more bandwidth can be fast enough.
    asked_rate = (workload.min_decode_tokens_per_second or 0) / best.speed.decode.mid
    floor = host.devices[best.devices[0]].memory_bandwidth or 0 if best.placement == "gpu" else 0
    floor = int(floor * max(1.0, 0.9 * asked_rate))
    need = sum(d.total for d in best.memory.devices) if best.placement == "gpu" else best.build.bytes
    able = [g for g in sorted(gpus, key=by_size) if g.memory_bytes > need and (g.memory_bandwidth or 0) > floor]
    for gpu in able[:6]:
        gives = told(
            plan(best.model, best.build, replace(host, devices=(reference_device(gpu),)), workload, ("gpu",)), workload
        )
        if gives:
            yield Fix("gpu", named(host), gpu.name, gives)
            break


def by_size(gpu: Device) -> tuple[int, int, str]:
    return gpu.memory_bytes, gpu.memory_bandwidth or 0, gpu.name


def usable(host: HostSpec, gpus: Sequence[Device]) -> list[Card]:
    """Cards that a fix may name, smallest first: of the maker at hand, and not too old for current drivers."""
    vendors = {d.vendor for d in host.devices if not d.unified}
    able = (gpu for gpu in gpus if not vendors or gpu.vendor in vendors)
    new = (gpu for gpu in able if float(gpu.compute_capability or LEAST_CAPABILITY) >= LEAST_CAPABILITY)
    return [(gpu, gpu.available_bytes - device_overhead(gpu)) for gpu in sorted(new, key=by_size)]


def named(host: HostSpec) -> str | None:
    names = [d.name for d in host.devices]
    return ", ".join(f"{names.count(n)}x {n}" if names.count(n) > 1 else n for n in dict.fromkeys(names)) or None


# ---------------------------------------------------------------- memory


Found = tuple[tuple[int, int, str], tuple[Fix, ...]]  # what binds, and what would help


@dataclass(slots=True)
class Search:
    """All variations screened at once for the models that do not fit."""

    index: Index
    host: HostSpec
    workload: Workload
    gpus: list[Card]  # that a fix may name
    tried: list[Variation]
    kinds: dict[int, list[int]]  # by model: what each variation was screened to
    known: dict[int, Found] = field(default_factory=dict)  # by layout

    @classmethod
    def over(cls, index: Index, unfit: list[int], host: HostSpec, workload: Workload, gpus: Sequence[Device]) -> Search:
        tried = variations(host, workload) if unfit else []
        models = [i for i in unfit if index.smallest[i] != NOBODY]
        table = index.table.take(index.smallest[models])
        kinds = screen_all(table, [(v.host, v.workload) for v in tried]).T.tolist() if tried and models else []
        return cls(index, host, workload, usable(host, gpus), tried, dict(zip(models, kinds, strict=bool(kinds))))

    def rejection(self, i: int) -> Rejection:
        row = int(self.index.smallest[i])
        if row == NOBODY:
            return Rejection(self.index.catalog.models[i].slug, None, "unknown_layout", None, None)
        model, build = self.index.build(row)
        assert build.sizes is not None
        # Versions of one model share a layout: what was searched for one of them holds for all.
        layout, embedding = self.index.layout[i], embeds(model)
        if layout not in self.known:
            bound = binding(build, self.host, self.workload, embedding=embedding)
            self.known[layout] = bound, self.fixes(i, build, embedding=embedding)
        (needed, available, reason), fixes = self.known[layout]
        return Rejection(model.slug, build.id, reason, needed, available, fixes)

    def fixes(self, i: int, build: BuildSpec, *, embedding: bool) -> tuple[Fix, ...]:
        assert build.sizes is not None
        found: dict[str, Fix] = {}
        for variation, kind in zip(self.tried, self.kinds.get(i, []), strict=False):
            if len(found) == MOST_FIXES - 1:
                break
            if kind != NEVER and variation.change not in found:
                kinds = KINDS[kind : kind + 2]
                placed = place(build.sizes, variation.host, variation.workload, embedding=embedding, kinds=kinds)
                if placed:
                    fix = Fix(variation.change, variation.before, variation.after, spare(placed))
                    found[variation.change] = fix
        smallest = smallest_gpu(build, self.host, self.workload, self.gpus, embedding=embedding)
        return (*found.values(), smallest) if smallest else tuple(found.values())


def smallest_gpu(
    build: BuildSpec, host: HostSpec, workload: Workload, gpus: Sequence[Card], *, embedding: bool
) -> Fix | None:
    """The smallest card of `gpus`, or the fewest of the smallest that work together, that hold the whole build."""
    assert build.sizes is not None
    if scores_all(build.sizes):  # what holds a longer context on the grid holds this one
        workload = replace(workload, context=grid(workload.context))
    base = settings_for(build.sizes, workload, embedding=embedding)
    whole = (
        estimate_memory(build.sizes, base._replace(devices=1, gpu_layers=len(build.sizes.layers) + 1)).devices[0].total
    )
    owned = Counter(device.name for device in host.devices)
    for count in COUNTS:
        # The first that has the room nearly always does; the next few cover uneven layers.
        able = (card for card, room in gpus if count * room >= whole and count > owned[card.name])
        for card in islice(able, 3):
            # The machine around a card that one would buy has room for the host's part.
            machine = HostSpec((card,) * count, None, None)
            placed = place(build.sizes, machine, workload, embedding=embedding, kinds=("gpu", "gpus"))
            if placed:
                name = card.name if count == 1 else f"{count}x {card.name}"
                return Fix("gpu", named(host), name, spare(placed))
    return None


def stated_rejection(made: Plan, host: HostSpec, gpus: Sequence[Device] = ()) -> Rejection:
    """Why a build with stated settings has no room, and which single change of them would give it some."""
    build, settings = made.build, made.settings
    assert build.sizes is not None
    short = [i for i, margin in enumerate(made.margins) if margin < 0]
    if short:
        worst = min(short, key=lambda i: made.margins[i])
        needed, reason = made.memory.devices[worst].total, "gpu_memory"
        available = needed + made.margins[worst]
    else:
        needed, reason = made.memory.host.total, "host_memory"
        available = needed + (made.host_margin or 0)
    fixes: list[Fix] = []
    for change, before, after, other, changed in smaller_steps(made):
        placed = as_stated(other.sizes, host, changed) if other.sizes else None
        if placed and placed.fits and change not in {fix.change for fix in fixes}:
            fixes.append(Fix(change, before, after, spare(placed)))
    workload = Workload(context=max(1, settings.context // settings.slots), concurrency=settings.slots)
    placed = place(build.sizes, host, workload, embedding=settings.embedding)
    if placed:
        fixes.append(Fix("placement", made.placement, placed.placement, spare(placed)))
    if not fixes:
        smallest = smallest_gpu(build, host, workload, usable(host, gpus), embedding=settings.embedding)
        fixes += [smallest] if smallest else []
    return Rejection(made.model.slug, build.id, reason, needed, available, tuple(fixes[:MOST_FIXES]))


def smaller_steps(made: Plan) -> Iterator[tuple[str, Any, Any, BuildSpec, Settings]]:
    """Single changes of stated settings that take less memory: (change, from, to, build, settings), gentlest first."""
    build, settings = made.build, made.settings
    if settings.kv_type_k == "f16" and build.sizes and "q8_0" in kv_types(build.sizes):
        yield "kv_type", "f16", "q8_0", build, settings._replace(kv_type_k="q8_0", kv_type_v="q8_0")
    for context in CONTEXTS:
        if context * settings.slots < settings.context:
            total = context * settings.slots
            yield "context", settings.context, total, build, settings._replace(context=total)
    for other in sorted(made.model.builds, key=lambda b: (-b.bytes, b.id)):
        if other.bytes < build.bytes and other.format == "gguf" and bits(other) >= LEAST_BITS:
            yield "quantization", build.quantization, other.quantization, other, settings


def binding(build: BuildSpec, host: HostSpec, workload: Workload, *, embedding: bool = False) -> tuple[int, int, str]:
    """Bytes needed and available at the constraint that binds, and its reason code."""
    assert build.sizes is not None
    base = settings_for(build.sizes, workload, embedding=embedding)
    if not host.devices:
        memory = estimate_memory(build.sizes, base)
        return memory.host.total, host.ram_available_bytes or 0, "host_memory"
    whole = base._replace(devices=1, gpu_layers=len(build.sizes.layers) + 1)
    memory = estimate_memory(build.sizes, whole, on_grid(build.sizes, whole) if scores_all(build.sizes) else None)
    sets = device_groups(host) or [(max(range(len(host.devices)), key=lambda i: host.devices[i].available_bytes),)]
    rooms = [(sum(host.devices[i].available_bytes for i in used), used) for used in sets]
    available, used = max(rooms)
    overhead = sum(device_overhead(host.devices[i]) for i in used)
    needed = memory.devices[0].total + overhead
    if needed <= available and host.ram_available_bytes is not None:
        return memory.host.total, host.ram_available_bytes, "host_memory"
    return needed, available, "gpu_memory"


def spare(placed: Placed) -> str:
    rooms = [*placed.margins, *([placed.host_margin] if placed.host_margin is not None and not placed.devices else [])]
    how = {
        "experts_on_cpu": f", the experts of {counted(placed.settings.experts_on_cpu, 'block')} in main memory",
        "partial": f", {counted(placed.settings.gpu_layers, 'layer')} on the GPU",
        "cpu": " on the CPU",
        "gpus": f" over {len(placed.devices)} GPUs",
    }.get(placed.placement, "")
    packed = f", KV cache {placed.settings.kv_type_k}" if placed.settings.kv_type_k != "f16" else ""
    return f"fits{how}{packed} with {gib(min(rooms))} to spare"


def counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
