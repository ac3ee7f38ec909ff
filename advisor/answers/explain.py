"""Explanations in sentences with figures: why a plan was chosen, and what a change would give."""

from __future__ import annotations

from advisor.fit.engines.base import Outline
from advisor.fit.ranking.plans import outline_of
from advisor.fit.spec import Fix, HostSpec, ModelSpec, Pace, Plan, Result, Strength, Workload
from advisor.fit.units import GIB
from advisor.fit.use_cases import USE_CASES

COMMERCIAL = {
    "yes": "Commercial use is allowed.",
    "no": "Not for commercial use.",
    "conditions": "Commercial use is allowed under conditions.",
}
# The outcome of a fix that drops or widens the requirement of this name.
REQUIREMENT_MET = {
    "licence": "its own licence is accepted",
    "modality": "it reads these",
    "language": "these are the languages it is known for",
    "tool_use": "models not known to call tools are considered",
    "reasoning": "it is considered",
    "context": "as long as the model was made for",
    "superseded": "its successor runs here",
}
UNLICENSED = "not known. Read the model's own page before any use."


def gib(size: float) -> str:
    return f"{size / GIB:.1f} GiB"


def figure(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def reasons_for(result: Result, host: HostSpec, workload: Workload) -> list[str]:
    """The reasons for this plan of the model, and its costs."""
    plan, outline = result.plan, outline_of(result.plan)
    return [
        quality(result.strength, workload),
        memory(plan, outline, host),
        speed(plan, workload),
        *choices(plan, outline, result.quantization_loss),
        f"Licence: {licence(plan.model)}",
    ]


def gives(fix: Fix) -> str:
    """A change's outcome: "fits over 2 GPUs with 1.2 GiB to spare"."""
    outcome = fix.gives
    if isinstance(outcome, Pace):
        return f"about {figure(outcome.decode)} tokens/s, first token after {figure(outcome.first_token)} s"
    if isinstance(outcome, str):
        return REQUIREMENT_MET[outcome]
    how = {
        "experts_on_cpu": f", the experts of {counted(outcome.on_host, 'block')} in main memory",
        "partial": f", {counted(outcome.on_devices, 'layer')} on the GPU",
        "cpu": " on the CPU",
        "gpus": f" over {outcome.devices} GPUs",
    }.get(outcome.placement, "")
    packed = f", KV cache {outcome.kv_type}" if outcome.kv_type != "f16" else ""
    return f"fits{how}{packed} with {gib(outcome.spare)} to spare"


def counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def licence(model: ModelSpec) -> str:
    name = model.licence_name or model.licence
    return f"{name}. {terms(model.commercial, model.licence_conditions)}" if name else UNLICENSED


def terms(commercial: str | None, conditions: str) -> str:
    """A licence in plain words: commercial use, and other conditions."""
    said = COMMERCIAL.get(commercial or "", "Whether it allows commercial use is not known.")
    return f"{said} {conditions}".strip()


def quality(strength: Strength, workload: Workload) -> str:
    words = USE_CASES[workload.use_case].words
    if strength.basis == "none":
        return f"No published result speaks of its strength in {words}."
    span = f"{strength.score:.0f} of 100 (80 % interval {strength.low:.0f} to {strength.high:.0f}) for {words}"
    if strength.basis == "inferred":
        return f"{span}, inferred from other models of its family: it has no result of its own."
    own = sum(1 for e in strength.evidence if e.third_party)
    return f"{span}, from {len(strength.evidence)} published results, {own} of them independent."


def memory(plan: Plan, outline: Outline, host: HostSpec) -> str:
    blocks = plan.build.sizes.layers if plan.build.sizes else ()
    used = sum(device.total for device in plan.memory.devices)
    room = sum(host.devices[i].available_bytes for i in plan.devices)
    on_host, ram = plan.memory.host.total, host.ram_available_bytes
    lead = {
        "gpu": f"Runs whole on one device: {gib(used)} of {gib(room)} available",
        "gpus": f"Runs whole on {len(plan.devices)} GPUs, split by free memory: {gib(used)} of {gib(room)} available",
        "experts_on_cpu": f"The routed experts of {outline.on_host} of {len(blocks)} blocks stay in main"
        f" memory ({gib(on_host)}), the rest takes {gib(used)} of {gib(room)} on the GPU",
        "partial": f"{outline.on_devices} of {len(blocks)} blocks fit on the GPU"
        f" ({gib(used)} of {gib(room)}), the others run from main memory ({gib(on_host)})",
        "cpu": f"Runs on the CPU from {gib(on_host)} of main memory" + (f", {gib(ram)} available" if ram else ""),
    }[plan.placement]
    return f"{lead}."


def speed(plan: Plan, workload: Workload) -> str:
    decode, first = plan.speed.decode, plan.speed.first_token
    if workload.use_case == "embedding":
        prefill = plan.speed.prefill
        return f"Reads about {figure(prefill.mid)} tokens/s ({figure(prefill.low)} to {figure(prefill.high)})."
    return (
        f"About {figure(decode.mid)} tokens/s ({figure(decode.low)} to {figure(decode.high)}) with"
        f" {plan.speed.at_context:,} tokens of context; a prompt that fills it waits about {figure(first.mid)} s."
    )


def choices(plan: Plan, outline: Outline, loss: float) -> list[str]:
    said = []
    if loss >= 0.5:
        said.append(f"{plan.build.quantization} costs about {loss:.1f} points of quality against the original weights.")
    if outline.kv_type != "f16":
        said.append(f"The KV cache is packed to {outline.kv_type} so that the asked context fits.")
    if plan.build.basis == "computed":
        said.append("File size computed from the architecture, not read from a published file.")
    return said
