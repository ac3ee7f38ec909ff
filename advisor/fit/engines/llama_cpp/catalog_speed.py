"""Vectorised roofline speed of every build, at the placement that the screen expects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from advisor.fit.build import BuildSizes
from advisor.fit.engines.base import KINDS, Floats, Ints
from advisor.fit.engines.llama_cpp.placement import UBATCH, padded
from advisor.fit.engines.llama_cpp.screen import Fits
from advisor.fit.engines.llama_cpp.tensor_split import singles
from advisor.fit.spec import HostSpec, Workload
from advisor.fit.speed.efficiency import Number, Rate, basis, device_rate, fitted, host_rate, width_class
from advisor.fit.speed.roofline import Step, decode_seconds, prefill_seconds

F16, Q8 = 2.0, 34 / 32  # bytes per cached value
RATES = tuple(Rate.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Work:
    """Work of one token for each build as parallel arrays: bytes, cached values and FLOPs as in `steps`."""

    dense: Floats
    output: Floats  # of these, the output layer
    chosen: Floats  # bytes of the routed experts that one token uses
    full: Floats  # cached values per token of full-attention blocks; `windowed` of blocks with a window
    windowed: Floats
    window: Floats
    state: Floats  # bytes of recurrent state, read and written
    attention: Floats  # FLOPs per attended token and block
    attending: Floats  # number of full-attention blocks; `looking` of blocks with a window
    looking: Floats
    per_byte: Floats  # FLOPs per byte of weights
    blocks: Floats
    experts: Floats
    experts_used: Floats
    width: Ints  # index into `widths`
    widths: tuple[str, ...]

    @classmethod
    def of(cls, builds: Sequence[BuildSizes]) -> Work:
        names = [width_class(sizes) for sizes in builds]
        widths = tuple(sorted(set(names)))
        values = chain.from_iterable(map(_row, builds))  # streamed: row objects would take a megabyte
        rows = np.fromiter(values, np.float64, len(builds) * len(FLOATS)).reshape(len(builds), len(FLOATS))
        width = np.array([widths.index(name) for name in names], dtype=np.int64)
        columns: dict[str, Any] = {name: rows[:, i].copy() for i, name in enumerate(FLOATS)}
        return cls(**columns, width=width, widths=widths)

    def rate(self, rates: Sequence[Rate]) -> Rate:
        """Per-build rates from one rate per width class."""
        return Rate(*(np.array([getattr(rate, name) for rate in rates])[self.width] for name in RATES))

    def step(self, depth: int, word: Floats, blocks: Floats, experts: Floats, output: Floats) -> Step:
        """The step at `depth` cached tokens for the given shares of the blocks, their experts and the output layer.

        `word` is bytes per cached value.
        """
        seen = np.minimum(depth, self.window)
        dense = blocks * (self.dense - self.output) + output * self.output
        chosen = experts * self.chosen
        return Step(
            dense=dense,
            experts=chosen,
            cache=blocks * (word * (self.full * depth + self.windowed * seen) + self.state),
            blocks=blocks * self.blocks,
            flops=self.per_byte * dense,
            expert_flops=self.per_byte * chosen,
            attention_flops=blocks * self.attention * (self.attending * depth + self.looking * seen),
            experts_total=self.experts,
            experts_used=self.experts_used,
        )


FLOATS = tuple(Work.__dataclass_fields__)[:-2]


def _row(sizes: BuildSizes) -> tuple[float, ...]:
    layers = sizes.layers
    elements = [(x.k_elements + x.v_elements, x.window) for x in layers]
    experts = sum(x.experts_device for x in layers)
    return (
        sum(x.device for x in layers) + sizes.output_device,
        sizes.output_device,
        experts * sizes.experts_used / sizes.experts if sizes.experts else 0.0,
        sum(n for n, window in elements if window is None),
        sum(n for n, window in elements if window is not None),
        max((window for _, window in elements if window is not None), default=0),
        8 * sum(x.state_conv + x.state_ssm for x in layers),
        4.0 * sizes.heads * sizes.head_dim,
        sum(x.k_elements > 0 and x.window is None for x in layers),
        sum(x.k_elements > 0 and x.window is not None for x in layers),
        2 * sizes.active_parameters / sizes.active_bytes if sizes.active_bytes else 1.0,
        len(layers),
        max(sizes.experts, 1),
        max(sizes.experts_used, 1),
    )


def paces(work: Work, host: HostSpec, workload: Workload, found: Fits) -> tuple[Floats, Floats]:
    """Decode tokens per second of one stream, and seconds to the first token of a prompt that fills the context.

    Everything on devices runs at the rates of the fastest one, so a mix of devices is predicted slightly too fast.
    """
    of_host = [host_rate(host, width) for width in work.widths]
    of_devices = [device_rate(host.devices[i], width) for i in singles(host)[:1] for width in work.widths]
    far, near = work.rate(of_host), work.rate(of_devices or of_host)
    alone, word = (found.kind == KINDS.index("cpu")).astype(np.float64), np.where(found.packed, Q8, F16)
    slots, tokens = float(workload.concurrency), workload.context

    def seconds(depth: int, one: Callable[[Step, Rate], Number]) -> Floats:
        here = one(work.step(depth, word, 1 - found.host_blocks, 1 - found.host_experts, 1 - alone), near)
        there = one(work.step(depth, word, found.host_blocks, found.host_experts, alone), far)
        total: Floats = here * (alone == 0) + there * (found.host_blocks + found.host_experts > 0)
        return total

    decode = seconds(padded(tokens), lambda step, rate: decode_seconds(step, rate, slots))
    prompt = seconds(tokens // 2, lambda step, rate: prefill_seconds(step, rate, float(tokens), float(UBATCH)))
    spread, on_devices = fitted()["spread"], found.kind < KINDS.index("experts_on_cpu")
    kind, other = basis(list(host.devices), host_works=False), "roofline"
    shares = [np.where(on_devices, spread[kind][part][1], spread[other][part][1]) for part in ("decode", "prefill")]
    return shares[0] / decode, prompt / shares[1]
