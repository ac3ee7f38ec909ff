"""One step of a build on one place, and the seconds that it takes at the rates which hardware achieves.

A decode step reads every resident weight once, of the experts those that its tokens choose, and the cache of every
stream; a fixed time and a time per block go to launching work. Prefill multiplies every active weight with every token,
adds attention, and reads the weights once per micro-batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from advisor.fit.speed.efficiency import Number, Rate


@dataclass(frozen=True, slots=True)
class Step:
    """One decode step or one prompt token on one place. Numbers, or arrays of one shape.

    Bytes of dense weights, of the routed experts that one token takes, and of one stream's cache; blocks; FLOPs of
    dense weights, of experts and of attention for one token; routed experts per block, in all and per token.
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
        """Whether nothing of the build lies here; for numbers only."""
        return not (self.dense or self.experts or self.cache)


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
