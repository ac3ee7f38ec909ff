"""Builds a complete plan for one build on one host from placement, speed and quality."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from advisor.fit.engines.base import KINDS, Outline, Placed, Planner
from advisor.fit.engines.registry import planners
from advisor.fit.quality.strength import kv_loss, quantization_loss
from advisor.fit.ranking import utility
from advisor.fit.ranking.filters import context_limit, strength
from advisor.fit.spec import BuildSpec, HostSpec, ModelSpec, Plan, Range, Result, Workload

LEAST_BITS = 3.4  # per weight: below about Q3_K_M the losses grow fast, so nothing smaller is recommended
USUAL_BITS = 4.2  # builds below Q4_K_M and MXFP4 are used only when nothing above fits
OTHERS = 6  # further plans that one result carries


def embeds(model: ModelSpec) -> bool:
    return model.task == "embedding"


def pace(plan: Plan) -> Range:
    """Tokens per second of one request: decode rate, or prefill rate for an embedding model."""
    return plan.speed.prefill if embeds(plan.model) else plan.speed.decode


def best_plan_of(
    planner: Planner,
    model: ModelSpec,
    build: BuildSpec,
    host: HostSpec,
    workload: Workload,
    *,
    kinds: tuple[str, ...] = KINDS,
) -> Plan | None:
    """The best plan of a build under one engine, or None when no placement of `kinds` fits."""
    if build.sizes is None:
        return None
    placed = planner.place(build, host, workload, embedding=embeds(model), kinds=kinds)
    return planned(planner, model, build, host, placed, prompt_tokens=workload.context) if placed else None


def all_plans(model: ModelSpec, build: BuildSpec, host: HostSpec, workload: Workload) -> list[Plan]:
    """One plan per placement kind that fits, for every engine that serves the build."""
    if build.sizes is None:
        return []
    return [
        planned(planner, model, build, host, placed, prompt_tokens=workload.context)
        for planner in planners().values()
        if build.format in planner.FORMATS
        for placed in planner.placements(build, host, workload, embedding=embeds(model))
    ]


def planned(
    planner: Planner, model: ModelSpec, build: BuildSpec, host: HostSpec, placed: Placed, *, prompt_tokens: int
) -> Plan:
    return Plan(
        model=model,
        build=build,
        engine=planner.NAME,
        settings=placed.settings,
        memory=placed.memory,
        margins=placed.margins,
        host_margin=placed.host_margin,
        speed=planner.speed(build, host, placed, prompt_tokens),
        placement=placed.placement,
        devices=placed.devices,
    )


def loss(model: ModelSpec, build: BuildSpec, kv_type: str = "f16") -> float:
    """Points of quality lost to weight quantization plus KV cache quantization.

    An unknown quantization name is estimated from its bits per weight.
    """
    try:
        weights = quantization_loss(build.quantization, model.parameters_total, model.native)
    except KeyError:
        weights = max(0.0, 6.0 - bits(build))
    return weights + (kv_loss(kv_type) if kv_type != "f16" else 0.0)


def outline_of(plan: Plan) -> Outline:
    return planners()[plan.engine].outline(plan.build, plan.settings)


def plan_loss(plan: Plan) -> float:
    """Points of quality that a plan loses against the model as published."""
    return loss(plan.model, plan.build, outline_of(plan).kv_type)


def bits(build: BuildSpec) -> float:
    """Bits per weight; 16 when the layout is unknown."""
    sizes = build.sizes
    return 8 * sizes.file_bytes / sizes.parameters if sizes and sizes.parameters else 16.0


def too_slow(plan: Plan, workload: Workload) -> str | None:
    """Reason code of the speed requirement that the plan misses at the middle of its predicted range, or None."""
    least, most = workload.min_decode_tokens_per_second, workload.max_first_token_seconds
    if least is not None and not embeds(plan.model) and plan.speed.decode.mid < least:
        return "speed"
    if most is not None and plan.speed.first_token.mid > most:
        return "first_token"
    return None


def parts(plan: Plan, host: HostSpec, workload: Workload, prefer: str) -> tuple[float, float, float, float]:
    """Quality, speed, headroom and context of a plan, each 0..1."""
    judged = strength(plan.model, workload)
    # A plan that spills to the host fills the devices on purpose, so headroom is measured on the host there.
    spilled = plan.placement not in ("gpu", "gpus")
    capacity = [host.ram_available_bytes or 1] if spilled else [host.devices[i].available_bytes for i in plan.devices]
    rooms = [plan.host_margin or 0] if spilled else list(plan.margins)
    left = min(room / max(1, whole) for room, whole in zip(rooms, capacity, strict=True))
    return (
        float(utility.quality_part(judged.score, judged.low, plan_loss(plan))),
        float(utility.speed_part(workload, prefer, plan.speed.decode.mid, plan.speed.first_token.mid)),
        float(utility.headroom_part(left)),
        float(utility.context_part(tokens_more(plan, min(rooms)), workload.context)),
    )


def tokens_more(plan: Plan, room: int) -> float:
    """Tokens per request by which the context could still grow, limited by memory and by the trained context."""
    planner, outline = planners()[plan.engine], outline_of(plan)
    limit = context_limit(plan.model) or outline.context
    growth = limit - outline.context // outline.slots
    return max(0.0, min(growth, planner.more_context(plan.build, plan.settings, room)))


def other_plans(host: HostSpec, workload: Workload, best: Plan) -> Iterator[Plan]:
    """Up to OTHERS further plans of the model: other builds, and other placements of the same build."""
    made = 0
    for build in best.model.builds:
        for other in all_plans(best.model, build, host, workload):
            same = (other.engine, other.build.id, other.placement) == (best.engine, best.build.id, best.placement)
            if not same and made < OTHERS:
                made += 1
                yield other


def with_plan(result: Result, other: Plan) -> Result:
    """The result with another plan of the same model; rank and score are left as they are."""
    return replace(
        result,
        plan=other,
        quantization_loss=plan_loss(other),
        pareto=False,
        others=(),
    )
