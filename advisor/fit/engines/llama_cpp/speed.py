"""Decode and prefill speed of a placed build: roofline of one step at the achieved rates of the hardware.

Blocks on several devices run one after the other (layer split).
"""

from __future__ import annotations

from dataclasses import replace

from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.steps import steps
from advisor.fit.spec import HostSpec, Range, Speed
from advisor.fit.speed.efficiency import Rate, basis, device_rate, fitted, host_rate, width_class
from advisor.fit.speed.roofline import Step, decode_seconds, prefill_seconds

RATES = ("dense", "experts", "cache", "flops", "expert_flops", "attention_flops")


def estimate_speed(
    sizes: BuildSizes,
    settings: Settings,
    host: HostSpec,
    device_indices: tuple[int, ...],
    *,
    prompt_tokens: int | None = None,
    engine: str = "llama.cpp",
    parallel: bool = False,
) -> Speed:
    """Decode rate of one stream with its context full and all slots busy; prefill rate and seconds of a prompt.

    `prompt_tokens` defaults to the context of one slot. With `parallel` every block is split over all devices, which
    must be identical (tensor parallelism), instead of the blocks among them. Low and high are the 8th and 92nd
    percentile of measured / predicted; mid of decode minimises the mean relative error. Tokens per second and seconds.
    """
    depth = settings.context if settings.unified else max(1, settings.context // settings.slots)
    tokens = max(1, min(prompt_tokens or depth, depth))
    devices = [host.devices[i] for i in device_indices]
    width = width_class(sizes)
    rates = [*(device_rate(device, width, engine) for device in devices), host_rate(host, width)]
    if parallel:
        settings, rates = settings._replace(devices=1), [together(rates[0], len(devices)), rates[-1]]
    full = steps(sizes, settings, settings.devices if parallel else len(devices), depth)
    half = steps(sizes, settings, settings.devices if parallel else len(devices), tokens // 2)
    decode = sum(float(decode_seconds(s, r, settings.slots)) for s, r in _busy(full, rates))
    prompt = sum(float(prefill_seconds(s, r, tokens, settings.ubatch)) for s, r in _busy(half, rates))
    kind = basis(devices, not full[-1].idle)
    low, mid, high = fitted()["spread"][kind]["decode"]
    slow, middle, fast = fitted()["spread"][kind]["prefill"]
    return Speed(
        decode=Range(low / decode, mid / decode, high / decode),
        prefill=Range(*(share * tokens / prompt for share in (slow, middle, fast))),
        first_token=Range(prompt / fast, prompt / middle, prompt / slow),
        at_context=depth,
        basis=kind,
    )


def together(rate: Rate, devices: int) -> Rate:
    """Rate of identical devices under tensor parallelism, with an all-reduce after attention and feed-forward."""
    shared = fitted()["tensor_parallel"]
    gain = devices ** shared["exponent"]
    whole = {name: getattr(rate, name) * gain for name in RATES}
    return replace(rate, **whole, block=rate.block + shared["block_us"] * 1e-6)


def _busy(every: list[Step], rates: list[Rate]) -> list[tuple[Step, Rate]]:
    return [(step, rate) for step, rate in zip(every, rates, strict=True) if not step.idle]
