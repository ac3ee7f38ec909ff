"""Which device holds which block (`llama-model.cpp`, load_tensors) and what the weights take there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from advisor.fit.memory.cache import runs
from advisor.fit.spec import BuildSizes, LayerSizes, Settings


@dataclass(frozen=True, slots=True)
class Placement:
    """Blocks `bounds[d]:bounds[d + 1]` lie on device d, those before `bounds[0]` on the host."""

    bounds: tuple[int, ...]
    output: int | None  # device of the output layer; None = host
    experts_host: int  # routed experts of blocks below this number stay on the host

    def blocks(self, device: int) -> range:
        return range(self.bounds[device], self.bounds[device + 1])


def place(sizes: BuildSizes, settings: Settings) -> Placement:
    """The last `gpu_layers` of blocks + 1 go to the devices, shared out by `tensor_split` (default: evenly)."""
    blocks = len(sizes.layers)
    on_device = min(settings.gpu_layers, blocks + 1) if settings.devices else 0
    start = blocks + 1 - on_device
    experts = min(settings.experts_on_cpu, blocks) if settings.devices else blocks
    if on_device == 0:
        return Placement((blocks,) * (settings.devices + 1), None, experts)
    split = settings.tensor_split or (1.0,) * settings.devices
    total = sum(split[: settings.devices]) or 1.0
    limits, reached = [], 0.0
    for part in split[: settings.devices]:
        reached += part
        limits.append(reached / total)
    owner = [next(i for i, x in enumerate(limits) if x > (il - start) / on_device) for il in range(start, blocks + 1)]
    bounds = [start + sum(o < d for o in owner[:-1]) for d in range(settings.devices + 1)]
    return Placement(tuple(bounds), owner[-1], experts)


def device_bytes(sizes: BuildSizes, layers: Sequence[LayerSizes], kept: Sequence[LayerSizes], output: bool) -> int:
    """Weights in a CUDA buffer: `layers` whole, `kept` without their routed experts."""
    total = sum(n * (layer.device + layer.experts_device) for layer, n in runs(layers))
    total += sum(n * layer.device for layer, n in runs(kept))
    return total + (sizes.output_device if output else 0)


def host_bytes(sizes: BuildSizes, layers: Sequence[LayerSizes], experts: Sequence[LayerSizes], output: bool) -> int:
    """Weights on the host: `layers` whole, of `experts` the routed experts only."""
    total = sizes.embedding_host + sum(n * (layer.host + layer.experts_host) for layer, n in runs(layers))
    total += sum(n * layer.experts_host for layer, n in runs(experts))
    return total + (sizes.output_host if output else 0)
