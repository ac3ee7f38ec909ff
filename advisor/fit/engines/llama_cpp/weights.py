"""Assigns blocks to devices (`llama-model.cpp`, load_tensors) and sums the weight bytes of each."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp import prefix_sums
from advisor.fit.engines.llama_cpp.settings import Settings


@dataclass(frozen=True, slots=True)
class Placement:
    """Blocks `bounds[d]:bounds[d + 1]` lie on device d, those before `bounds[0]` on the host."""

    bounds: tuple[int, ...]
    output: int | None  # device of the output layer; None = host
    experts: int  # routed experts of blocks below this number stay on the host


def place_weights(sizes: BuildSizes, settings: Settings) -> Placement:
    """The last `gpu_layers` of blocks + 1 go to the devices, split by `tensor_split` (default: evenly)."""
    blocks = len(sizes.layers)
    on_device = min(settings.gpu_layers, blocks + 1) if settings.devices else 0
    experts = min(settings.experts_on_cpu, blocks)
    if on_device <= 0:
        return Placement((blocks,) * (settings.devices + 1), None, blocks)
    start = blocks + 1 - on_device
    split = (settings.tensor_split or (1.0,) * settings.devices)[: settings.devices]
    total = sum(split)
    bounds, reached = [start], 0.0
    for part in split[:-1]:
        reached += part
        # A layer whose position among the offloaded ones is not below the cumulative share belongs to the next device.
        bounds.append(start + next((i for i in range(on_device) if i / on_device >= reached / total), on_device))
    last = next(d for d in reversed(range(len(split))) if d == 0 or bounds[d] <= blocks)
    return Placement((*(min(b, blocks) for b in bounds), blocks), last, max(experts, start))


def device_weight_bytes(sizes: BuildSizes, where: Placement, device: int) -> int:
    """Weight bytes in the CUDA buffer of one device."""
    first, last, blocks = where.bounds[device], where.bounds[device + 1], prefix_sums.weights(sizes.layers)
    total = sizes.output_device if where.output == device else 0
    if first < last:
        kept = min(max(first, where.experts), last)
        total += blocks.device[last] - blocks.device[first] + sizes.shared_device
        total += blocks.experts_device[last] - blocks.experts_device[kept]
    return total


def host_weight_bytes(sizes: BuildSizes, where: Placement) -> int:
    """Weight bytes in host memory: inputs, blocks without a device, experts kept there."""
    first, blocks = where.bounds[0], prefix_sums.weights(sizes.layers)
    total = sizes.embedding_host + blocks.host[first] + blocks.experts_host[where.experts]
    if first:
        total += sizes.shared_host
    return total + (sizes.output_host if where.output is None else 0)
