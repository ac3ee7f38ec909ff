"""Device groups, and tensor splits in whole layers in proportion to free memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.layer_groups import distinct
from advisor.fit.spec import HostSpec

REPAIRS = 6  # corrections of a tensor split after sizing it
KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32}


def singles(host: HostSpec) -> list[int]:
    """Device indices by single-stream speed, fastest first."""
    return sorted(
        range(len(host.devices)),
        key=lambda i: (-(host.devices[i].memory_bandwidth or 0), -host.devices[i].available_bytes, i),
    )


def device_groups(host: HostSpec) -> list[tuple[int, ...]]:
    """Sets of devices that one engine build can use together: discrete, of one vendor, largest first."""
    vendors = sorted({device.vendor for device in host.devices if not device.unified})
    found = []
    for vendor in vendors:
        members = [i for i, device in enumerate(host.devices) if device.vendor == vendor and not device.unified]
        members.sort(key=lambda i: (-host.devices[i].available_bytes, -(host.devices[i].memory_bandwidth or 0), i))
        if len(members) > 1:
            found.append(tuple(members))
    return found


def layer_costs(sizes: BuildSizes, settings: Settings) -> list[int]:
    """Approximate bytes of each layer on a device, the output layer last; guides the split only."""
    cells = settings.context // settings.slots
    start = len(sizes.layers) + 1 - settings.gpu_layers
    whole: dict[int, int] = {}
    for layer in distinct(sizes.layers):
        kept = cells if layer.window is None else min(cells, layer.window + settings.ubatch)
        cache = kept * (
            layer.k_elements * KV_BYTES[settings.kv_type_k] + layer.v_elements * KV_BYTES[settings.kv_type_v]
        )
        state = 4 * (layer.state_conv + layer.state_ssm)
        whole[id(layer)] = int(layer.device + layer.experts_device + settings.slots * (cache + state))
    costs = [whole[id(layer)] for layer in sizes.layers]
    for index in range(min(settings.experts_on_cpu, len(costs))):
        costs[index] -= sizes.layers[index].experts_device
    return [*costs[max(0, start) :], sizes.output_device]


def shares(costs: list[int], rooms: list[int]) -> list[int]:
    """Layers per device, in order, so that bytes per device follow free memory."""
    whole, total = sum(costs), max(1, sum(rooms))
    counts, device, filled, boundary = [0] * len(rooms), 0, 0.0, whole * rooms[0] / total
    for cost in costs:
        while device < len(rooms) - 1 and filled + cost / 2 > boundary:
            device += 1
            boundary += whole * rooms[device] / total
        counts[device] += 1
        filled += cost
    return counts


class HasMargins(Protocol):
    @property
    def margins(self) -> tuple[int, ...]: ...


Made = TypeVar("Made", bound=HasMargins)


def divided(costs: list[int], rooms: list[int], weigh: Callable[[tuple[int, ...]], Made]) -> Made:
    """`weigh` of a split in whole layers that follows free memory; moves layers while a device is over capacity."""
    counts = shares(costs, rooms)
    for repair in range(1, REPAIRS + 1):
        made = weigh(tuple(counts))
        worst = min(range(len(rooms)), key=made.margins.__getitem__)
        roomy = max(range(len(rooms)), key=made.margins.__getitem__)
        if made.margins[worst] >= 0 or sum(made.margins) < 0 or counts[worst] < 2 or repair == REPAIRS:
            break
        mean = max(1, sum(costs) // len(costs))
        moved = max(1, min(counts[worst] - 1, -made.margins[worst] // mean))
        counts[worst] -= moved
        counts[roomy] += moved
    return made
