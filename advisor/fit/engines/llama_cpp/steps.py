"""Bytes read and FLOPs of one step of a placed build, per device and on the host."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import accumulate

from advisor.fit.build import BuildSizes, LayerSizes
from advisor.fit.engines.llama_cpp.ggml_types import row_bytes
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.layer_groups import kinds
from advisor.fit.speed.roofline import Step


def steps(sizes: BuildSizes, settings: Settings, devices: int, depth: int) -> list[Step]:
    """One step per device in order, then the host's, with `depth` tokens cached per stream.

    Blocks go to devices from the last one backwards, as `-ngl` counts; over several devices by `tensor_split`, else
    evenly; routed experts of the first `experts_on_cpu` blocks stay on the host.
    """
    host, blocks = devices, kinds(sizes.layers)
    dense, experts, cache, count, attention = ([0.0] * (devices + 1) for _ in range(5))
    chosen = sizes.experts_used / sizes.experts if sizes.experts else 0.0
    per_byte = 2 * sizes.active_parameters / sizes.active_bytes if sizes.active_bytes else 1.0
    kept = {id(x): (cache_bytes(x, settings, depth), attention_flops(sizes, x, depth)) for x in blocks.distinct}
    for place, first, last in ranges(len(sizes.layers), settings, devices):
        cache_place = place if settings.kv_offload else host
        for layer, number in blocks.between(first, last):
            dense[place] += number * layer.device
            cache[cache_place] += number * kept[id(layer)][0]
            attention[cache_place] += number * kept[id(layer)][1]
        if sizes.experts:
            middle = min(max(first, settings.experts_on_cpu), last)
            experts[host] += chosen * sum(n * x.experts_device for x, n in blocks.between(first, middle))
            experts[place] += chosen * sum(n * x.experts_device for x, n in blocks.between(middle, last))
        count[place] += last - first
    last = devices - 1 if devices and settings.gpu_layers > len(sizes.layers) else host
    dense[last] += sizes.output_device
    return [
        Step(
            dense=dense[i],
            experts=experts[i],
            cache=cache[i],
            blocks=count[i],
            flops=per_byte * dense[i],
            expert_flops=per_byte * experts[i],
            attention_flops=attention[i],
            experts_total=float(max(sizes.experts, 1)),
            experts_used=float(max(sizes.experts_used, 1)),
        )
        for i in range(devices + 1)
    ]


def ranges(blocks: int, settings: Settings, devices: int) -> list[tuple[int, int, int]]:
    """(place, first block, end) for every place with blocks: a device's position, or `devices` for the host."""
    offloaded = min(settings.gpu_layers, blocks) if devices else 0
    weights = (settings.tensor_split or (1.0,) * devices)[:devices]
    ends = [blocks - offloaded + end for end in (0, *(_ends(offloaded, weights) if offloaded else ()))]
    places = (devices, *range(devices))
    return [(place, a, b) for place, a, b in zip(places, (0, *ends), ends, strict=False) if a < b]


@lru_cache(4096)
def _ends(blocks: int, weights: tuple[float, ...]) -> tuple[int, ...]:
    """End of each device's share of the offloaded blocks."""
    total, bounds = sum(weights), list(accumulate(weights))
    chosen = [min(bisect_left(bounds, total * (i + 0.5) / blocks), len(weights) - 1) for i in range(blocks)]
    return tuple(bisect_right(chosen, device) for device in range(len(weights)))


def seen(layer: LayerSizes, depth: int) -> int:
    """Cached tokens that a block attends to."""
    return depth if layer.window is None else min(depth, layer.window)


def cache_bytes(layer: LayerSizes, settings: Settings, depth: int) -> float:
    """Bytes of cache and recurrent state that one stream reads of a block; a state is read and written back."""
    row = row_bytes(layer.k_elements, settings.kv_type_k) if layer.k_elements else 0
    row += row_bytes(layer.v_elements, settings.kv_type_v) if layer.v_elements else 0
    return float(seen(layer, depth) * row + 8 * (layer.state_conv + layer.state_ssm))


def attention_flops(sizes: BuildSizes, layer: LayerSizes, depth: int) -> float:
    """FLOPs of one token's attention: queries x cached keys, and weights x values."""
    return 4.0 * sizes.heads * sizes.head_dim * seen(layer, depth) if layer.k_elements else 0.0
