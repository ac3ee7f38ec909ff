"""Explains rejected models: the binding constraint, and the cheapest changes that would make the model run.

Fixes are found by search. Each variation of the question (less context, fewer slots, more RAM, one more GPU, another
GPU) is screened for all rejected models in one pass. A fix that looks possible is planned exactly before it is
returned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from advisor.fit.allowances import DEVICE_MARGIN, HOST_MARGIN, OS_RESERVE, device_overhead, kept
from advisor.fit.engines.base import KINDS, NEVER, BadSetting, Placed, Planner, SettingsStep, Shortage
from advisor.fit.engines.registry import planners
from advisor.fit.ranking.catalog_arrays import NOBODY, Index, Rows
from advisor.fit.ranking.filters import context_limit
from advisor.fit.ranking.plans import LEAST_BITS, best_plan_of, bits, embeds, too_slow
from advisor.fit.ranking.rank import Ranking
from advisor.fit.spec import REASONS, BuildSpec, Device, Fix, HostSpec, ModelSpec, Pace, Plan, Rejection, Room, Workload
from advisor.fit.units import GIB

CONTEXTS = tuple(1 << n for n in range(20, 10, -1))  # tried from the longest below the requested context
RAM_STEPS = tuple(n * GIB for n in (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024))
COUNTS = (1, 2, 4, 8)
MOST_FIXES = 4
# Sort order of rejections by reason index: models that no change of the question would help come last. The extra entry
# (index -1, MEETS) is 0.
LAST = {"superseded": 1, "no_evidence": 2, "engine": 3, "unknown_layout": 3, "embedding": 4}
HOPELESS = np.array([*(LAST.get(reason, 0) for reason in REASONS), 0])
LEAST_CAPABILITY = 7.5  # CUDA 13 dropped older compute capabilities


Card = tuple[Device, int]  # the card, and its bytes after the overhead


@dataclass(frozen=True, slots=True)
class Variation:
    """One change of the question and the host and workload that result."""

    change: str
    before: Any
    after: Any
    host: HostSpec
    workload: Workload


def reference_device(gpu: Device) -> Device:
    """A card that is not installed yet: all of its memory is available, less the margin."""
    return replace(gpu, available_bytes=gpu.memory_bytes - kept(DEVICE_MARGIN, gpu.memory_bytes))


def variations(host: HostSpec, workload: Workload) -> list[Variation]:
    """Changes worth trying on this host, grouped by kind, the smallest step of each kind first."""
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
    """Rejections of the `limit` strongest models left out, each with its reason and at most MOST_FIXES fixes."""
    models, everyone = index.catalog.models, ranking.left_out
    chosen = index.strongest(everyone, workload, HOPELESS[ranking.barred[everyone]])[:limit].tolist()
    unfit = [i for i in chosen if ranking.reason(i) is None and i not in ranking.slow]
    search = Search.over(ranking.rows, unfit, host, workload, gpus)
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
    dropped: dict[str, tuple[Any, Any]] = {
        "licence": (workload.licence, model.licence or "any"),
        "modality": (list(workload.input_modalities), list(model.input_modalities)),
        "language": (list(workload.languages), list(model.languages)),
        "tool_use": (True, None),
        "reasoning": (workload.reasoning, model.reasoning),
        "context": (workload.context, limit),
        "superseded": (model.slug, model.superseded_by),
    }
    fixes: tuple[Fix, ...] = ()
    if reason in dropped:
        change = {"modality": "input_modalities", "language": "languages", "superseded": "model"}.get(reason, reason)
        fixes = (Fix(change, *dropped[reason], reason),)
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
    """Yields less context on the same hardware, then the smallest GPU that is fast enough."""
    planner = planners()[best.engine]

    def fast(on: HostSpec, asked: Workload, kinds: tuple[str, ...]) -> Pace | None:
        made = best_plan_of(planner, best.model, best.build, on, asked, kinds=kinds)
        if made is None or too_slow(made, asked):
            return None
        return Pace(made.speed.decode.mid, made.speed.first_token.mid)

    for context in [c for c in CONTEXTS if c < workload.context][:5]:
        asked = replace(workload, context=context)
        if gives := fast(host, asked, KINDS[KINDS.index(best.placement) :]):
            yield Fix("context", workload.context, context, gives)
            break
    # When the build already runs entirely on one card, only a card with proportionally more bandwidth can be fast
    # enough.
    asked_rate = (workload.min_decode_tokens_per_second or 0) / best.speed.decode.mid
    floor = host.devices[best.devices[0]].memory_bandwidth or 0 if best.placement == "gpu" else 0
    floor = int(floor * max(1.0, 0.9 * asked_rate))
    need = sum(d.total for d in best.memory.devices) if best.placement == "gpu" else best.build.bytes
    able = [g for g in sorted(gpus, key=by_size) if g.memory_bytes > need and (g.memory_bandwidth or 0) > floor]
    for gpu in able[:6]:
        if gives := fast(replace(host, devices=(reference_device(gpu),)), workload, ("gpu",)):
            yield Fix("gpu", named(host), gpu.name, gives)
            break


def by_size(gpu: Device) -> tuple[int, int, str]:
    return gpu.memory_bytes, gpu.memory_bandwidth or 0, gpu.name


def usable(host: HostSpec, gpus: Sequence[Device]) -> list[Card]:
    """Cards that a fix may name, smallest first: of the installed vendor, and supported by current drivers."""
    vendors = {d.vendor for d in host.devices if not d.unified}
    able = (gpu for gpu in gpus if not vendors or gpu.vendor in vendors)
    new = (gpu for gpu in able if float(gpu.compute_capability or LEAST_CAPABILITY) >= LEAST_CAPABILITY)
    return [(gpu, gpu.available_bytes - device_overhead(gpu)) for gpu in sorted(new, key=by_size)]


def named(host: HostSpec) -> str | None:
    names = [d.name for d in host.devices]
    return ", ".join(f"{names.count(n)}x {n}" if names.count(n) > 1 else n for n in dict.fromkeys(names)) or None


# ---------------------------------------------------------------- memory


@dataclass(slots=True)
class Search:
    """All variations, screened in one pass for the models that do not fit."""

    rows: Rows
    host: HostSpec
    workload: Workload
    gpus: list[Card]  # cards that a fix may name
    tried: list[Variation]
    kinds: dict[int, list[int]]  # per model: placement kind under each variation, from the screen
    known: dict[int, tuple[Shortage, tuple[Fix, ...]]] = field(default_factory=dict)  # by layout

    @classmethod
    def over(cls, rows: Rows, unfit: list[int], host: HostSpec, workload: Workload, gpus: Sequence[Device]) -> Search:
        tried = variations(host, workload) if unfit else []
        models = [i for i in unfit if rows.smallest[i] != NOBODY]
        asked = [(v.host, v.workload) for v in tried]
        kinds = rows.screened_kinds(rows.smallest[models], asked).T.tolist() if tried and models else []
        return cls(rows, host, workload, usable(host, gpus), tried, dict(zip(models, kinds, strict=bool(kinds))))

    def rejection(self, i: int) -> Rejection:
        row = int(self.rows.smallest[i])
        if row == NOBODY:
            return Rejection(self.rows.catalog.models[i].slug, None, "unknown_layout", None, None)
        planner, model, build = self.rows.at(row)
        # Versions of one model share a layout, so the search runs once per layout.
        layout, embedding = self.rows.layout[i], embeds(model)
        if layout not in self.known:
            short = planner.shortage(build, self.host, self.workload, embedding=embedding)
            self.known[layout] = short, self.fixes(i, planner, build, embedding=embedding)
        (needed, available, reason), fixes = self.known[layout]
        return Rejection(model.slug, build.id, reason, needed, available, fixes)

    def fixes(self, i: int, planner: Planner, build: BuildSpec, *, embedding: bool) -> tuple[Fix, ...]:
        found: dict[str, Fix] = {}
        for variation, kind in zip(self.tried, self.kinds.get(i, []), strict=False):
            if len(found) == MOST_FIXES - 1:
                break
            if kind != NEVER and variation.change not in found:
                kinds = KINDS[kind : kind + 2]
                placed = planner.place(build, variation.host, variation.workload, embedding=embedding, kinds=kinds)
                if placed:
                    room = room_of(planner, build, placed)
                    found[variation.change] = Fix(variation.change, variation.before, variation.after, room)
        smallest = smallest_gpu(planner, build, self.host, self.workload, self.gpus, embedding=embedding)
        return (*found.values(), smallest) if smallest else tuple(found.values())


def smallest_gpu(
    planner: Planner, build: BuildSpec, host: HostSpec, workload: Workload, gpus: Sequence[Card], *, embedding: bool
) -> Fix | None:
    """The smallest card of `gpus`, or the smallest number of equal cards, that holds the whole build."""
    whole, workload = planner.whole(build, workload, embedding=embedding)
    owned = Counter(device.name for device in host.devices)
    for count in COUNTS:
        # The first card with enough memory nearly always works; the next few cover uneven layers.
        able = (card for card, room in gpus if count * room >= whole and count > owned[card.name])
        for card in islice(able, 3):
            # Host memory is left unstated: a machine that gets this card is assumed to have room for the host's part.
            machine = HostSpec((card,) * count, None, None)
            placed = planner.place(build, machine, workload, embedding=embedding, kinds=("gpu", "gpus"))
            if placed:
                name = card.name if count == 1 else f"{count}x {card.name}"
                return Fix("gpu", named(host), name, room_of(planner, build, placed))
    return None


def stated_rejection(made: Plan, host: HostSpec, gpus: Sequence[Device] = ()) -> Rejection:
    """Why a build with stated settings does not fit, and the single changes that would make it fit."""
    build, planner = made.build, planners()[made.engine]
    outline = planner.outline(build, made.settings)
    short = [i for i, margin in enumerate(made.margins) if margin < 0]
    if short:
        worst = min(short, key=lambda i: made.margins[i])
        needed, reason = made.memory.devices[worst].total, "gpu_memory"
        available = needed + made.margins[worst]
    else:
        needed, reason = made.memory.host.total, "host_memory"
        available = needed + (made.host_margin or 0)
    fixes: list[Fix] = []
    for step in smaller_steps(planner, made):
        placed = placed_as_stated(planner, step, host)
        if placed and placed.fits and step.change not in {fix.change for fix in fixes}:
            fixes.append(Fix(step.change, step.before, step.after, room_of(planner, step.build, placed)))
    workload = Workload(context=max(1, outline.context // outline.slots), concurrency=outline.slots)
    placed = planner.place(build, host, workload, embedding=outline.embeds)
    if placed:
        fixes.append(Fix("placement", made.placement, placed.placement, room_of(planner, build, placed)))
    if not fixes:
        smallest = smallest_gpu(planner, build, host, workload, usable(host, gpus), embedding=outline.embeds)
        fixes += [smallest] if smallest else []
    return Rejection(made.model.slug, build.id, reason, needed, available, tuple(fixes[:MOST_FIXES]))


def smaller_steps(planner: Planner, made: Plan) -> Iterator[SettingsStep]:
    """Single changes that need less memory: settings first, gentlest first, then smaller builds."""
    yield from planner.smaller_steps(made.build, made.settings, CONTEXTS)
    for other in sorted(made.model.builds, key=lambda b: (-b.bytes, b.id)):
        smaller = other.bytes < made.build.bytes and other.format in planner.FORMATS and bits(other) >= LEAST_BITS
        if smaller and other.sizes:
            yield SettingsStep("quantization", made.build.quantization, other.quantization, other, made.settings)


def placed_as_stated(planner: Planner, step: SettingsStep, host: HostSpec) -> Placed | None:
    try:
        return planner.stated(step.build, host, step.settings)
    except BadSetting:
        return None


def room_of(planner: Planner, build: BuildSpec, placed: Placed) -> Room:
    on_host = placed.host_margin is not None and not placed.devices
    spare = min([*placed.margins, *([placed.host_margin or 0] if on_host else [])])
    outline = planner.outline(build, placed.settings)
    return Room(placed.placement, len(placed.devices), outline.on_host, outline.on_devices, outline.kv_type, spare)
