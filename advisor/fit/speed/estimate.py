"""Decode and prefill speed of a build as placed, from the bytes and operations of one step and what hardware achieves.

A decode step reads every resident weight once, of the experts those that its tokens choose, and the cache of every
stream; a fixed time and a time per block go to launching work. Prefill multiplies every active weight with every token,
adds attention, and reads the weights once per micro-batch. Blocks on several places run one after the other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.spec import HostSpec, Range, Speed
from advisor.fit.speed.efficiency import Number, Rate, basis, device_rate, fitted, host_rate, width_class
from advisor.fit.speed.roofline import Step, steps

RATES = ("dense", "experts", "cache", "flops", "expert_flops", "attention_flops")


def experts_touched(step: Step, tokens: Number) -> Number:
    """By how much the experts read grow from one token to `tokens` that choose independently."""
    share = step.experts_used / step.experts_total
    return (1.0 - (1.0 - share) ** tokens) / share


def computing_seconds(step: Step, rate: Rate) -> Number:
    """Seconds of arithmetic per token."""
    weights = step.flops / rate.flops + step.expert_flops / rate.expert_flops
    return weights + step.attention_flops / rate.attention_flops


def decode_seconds(step: Step, rate: Rate, streams: Number = 1.0) -> Number:
    """Seconds of one decode step that gives each of `streams` requests one token."""
    reading = step.dense / rate.dense + step.experts * experts_touched(step, streams) / rate.experts
    computing = computing_seconds(step, rate) * (streams - 1.0)
    return rate.fixed + rate.block * step.blocks + reading + streams * step.cache / rate.cache + computing


def prefill_seconds(step: Step, rate: Rate, tokens: Number, ubatch: Number) -> Number:
    """Seconds to read a prompt of `tokens`; the step's attention is that of the token in the middle."""
    batch = min(tokens, ubatch) if isinstance(tokens, float | int) else np.minimum(tokens, ubatch)
    read = step.dense / rate.dense + step.experts * experts_touched(step, batch) / rate.experts
    each = read + rate.fixed + rate.block * step.blocks
    return -(-tokens // ubatch) * each + tokens * computing_seconds(step, rate)


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
    """Decode of one stream with its context full and all slots busy; prefill rate and seconds of a prompt.

    `prompt_tokens` defaults to the context of one slot. With `parallel` every block is split over all devices, which
    must be alike, instead of the blocks among them. Low and high are the 8th and 92nd percentile of what was
    measured over what is predicted; mid of decode is where the mean relative error is least. Tokens per second and
    seconds.
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
    kind, notes = basis(host, devices, not full[-1].idle)
    low, mid, high = fitted()["spread"][kind]["decode"]
    slow, middle, fast = fitted()["spread"][kind]["prefill"]
    return Speed(
        decode=Range(low / decode, mid / decode, high / decode),
        prefill=Range(*(share * tokens / prompt for share in (slow, middle, fast))),
        first_token=Range(prompt / fast, prompt / middle, prompt / slow),
        at_context=depth,
        basis=kind,
        notes=notes,
    )


def together(rate: Rate, devices: int) -> Rate:
    """The rate of `devices` alike that share every block: their sums are exchanged after attention and feed-forward."""
    shared = fitted()["tensor_parallel"]
    gain = devices ** shared["exponent"]
    whole = {name: getattr(rate, name) * gain for name in RATES}
    return replace(rate, **whole, block=rate.block + shared["block_us"] * 1e-6)


def _busy(every: list[Step], rates: list[Rate]) -> list[tuple[Step, Rate]]:
    return [(step, rate) for step, rate in zip(every, rates, strict=True) if not step.idle]
