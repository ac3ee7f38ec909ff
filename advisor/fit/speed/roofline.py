"""Roofline model of decode and prefill: seconds of one step of a build at the achieved rates of the hardware.

A decode step reads every resident weight once, the experts that its tokens are routed to, and the cache of every
stream; launching work adds a fixed time and a time per block. Prefill multiplies every active weight with every token,
adds attention, and reads the weights once per micro-batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from advisor.fit.speed.efficiency import Number, Rate


@dataclass(frozen=True, slots=True)
class Step:
    """Work of one decode step or one prompt token on one device or the host. Numbers, or arrays of one shape.

    Bytes of dense weights, of the routed experts of one token, and of one stream's cache; blocks; FLOPs per token of
    dense weights, experts and attention; routed experts per block, in total and per token.
    """

    dense: Number
    experts: Number
    cache: Number
    blocks: Number
    flops: Number
    expert_flops: Number
    attention_flops: Number
    experts_total: Number = 1.0
    experts_used: Number = 1.0

    @property
    def idle(self) -> bool:
        """Whether nothing of the build is placed here; for numbers only."""
        return not (self.dense or self.experts or self.cache)


def experts_touched(step: Step, tokens: Number) -> Number:
    """Distinct experts read by `tokens` routed independently, as a multiple of those read by one token."""
    share = step.experts_used / step.experts_total
    return (1.0 - (1.0 - share) ** tokens) / share


def computing_seconds(step: Step, rate: Rate) -> Number:
    """Seconds of arithmetic per token."""
    weights = step.flops / rate.flops + step.expert_flops / rate.expert_flops
    return weights + step.attention_flops / rate.attention_flops


def decode_seconds(step: Step, rate: Rate, streams: Number = 1.0) -> Number:
    """Seconds of one decode step that generates one token for each of `streams` requests."""
    reading = step.dense / rate.dense + step.experts * experts_touched(step, streams) / rate.experts
    computing = computing_seconds(step, rate) * (streams - 1.0)
    return rate.fixed + rate.block * step.blocks + reading + streams * step.cache / rate.cache + computing


def prefill_seconds(step: Step, rate: Rate, tokens: Number, ubatch: Number) -> Number:
    """Seconds to prefill a prompt of `tokens`; the step's attention is that of the middle token."""
    batch = min(tokens, ubatch) if isinstance(tokens, float | int) else np.minimum(tokens, ubatch)
    read = step.dense / rate.dense + step.experts * experts_touched(step, batch) / rate.experts
    each = read + rate.fixed + rate.block * step.blocks
    return -(-tokens // ubatch) * each + tokens * computing_seconds(step, rate)
