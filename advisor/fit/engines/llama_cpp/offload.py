"""Searches the smallest CPU offload with which the devices hold the rest of a build.

Only weights and caches move during the search, and prefix sums give their bytes for any count. Compute buffers hardly
depend on the count, so one result is reused: on one device that of the largest count, which is an upper bound for
smaller ones, on several devices that of the first guess.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import NamedTuple

from advisor.fit.allowances import device_overhead, host_overhead
from advisor.fit.build import BuildSizes
from advisor.fit.engines.llama_cpp import prefix_sums
from advisor.fit.engines.llama_cpp.kv_cache import cells, widest_v
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.tensor_split import divided, layer_costs
from advisor.fit.spec import DeviceMemory, HostSpec, Memory

GUESSES = 3  # interpolation steps before bisection takes over


class Weighed(NamedTuple):
    """Bytes left on each device and on the host, layers per device, and total bytes of weights and caches."""

    margins: tuple[int, ...]
    host_margin: int
    counts: tuple[int, ...]
    held: int

    @property
    def least(self) -> int:
        return min(self.margins)


class Offload:
    """A build over the devices `used`, with its first blocks, or only their routed experts, on the host.

    `base` holds settings for one request without devices; the host's memory must be known.
    """

    def __init__(
        self, sizes: BuildSizes, host: HostSpec, base: Settings, used: tuple[int, ...], *, experts: bool
    ) -> None:
        self.sizes, self.experts, self.most = sizes, experts, len(sizes.layers)
        self.whole = base._replace(devices=len(used), gpu_layers=self.most + 1)
        self.devices = [host.devices[i] for i in used]
        self.rooms = [device.available_bytes - device_overhead(device) for device in self.devices]
        self.pooled = any(device.unified for device in self.devices)
        self.ram = (host.ram_available_bytes or 0) - host_overhead(len(used), sizes.n_vocab)
        self.weights, self.costs = prefix_sums.weights(sizes.layers), layer_costs(sizes, self.whole)
        self.assume(Memory((DeviceMemory(0, 0, 0),) * len(used), DeviceMemory(0, 0, 0)))

    def assume(self, memory: Memory) -> None:
        """Adopts the compute buffers and the flash attention setting of `memory`."""
        self.works, self.beside = [part.compute for part in memory.devices], memory.host.compute
        size, layers = cells(self.whole, self.sizes.causal), self.sizes.layers
        wide = 0 if memory.flash_attention else widest_v(self.sizes)
        self.near = prefix_sums.caches(layers, size, self.whole, wide, on_device=True)
        self.far = prefix_sums.caches(layers, size, self.whole, wide, on_device=False)

    def settings(self, count: int, counts: tuple[int, ...] = ()) -> Settings:
        """Settings with `count` blocks on the host and the rest split by `counts`, or evenly."""
        split = tuple(map(float, counts)) if len(counts) > 1 else None
        if self.experts:
            return self.whole._replace(experts_on_cpu=count, tensor_split=split)
        return self.whole._replace(gpu_layers=self.most + 1 - count, tensor_split=split)

    def at(self, count: int) -> Weighed:
        if len(self.rooms) == 1:
            return self.weigh(count, (self.most + 1 if self.experts else self.most + 1 - count,))
        costs = self.costs[count:]
        if self.experts:
            layers = self.sizes.layers[:count]
            costs = [cost - x.experts_device for cost, x in zip(self.costs, layers, strict=False)] + costs
        return divided(costs, self.rooms, lambda counts: self.weigh(count, counts))

    def weigh(self, count: int, counts: tuple[int, ...]) -> Weighed:
        """The sums of `memory.estimate_memory` with the assumed compute buffers."""
        sizes, weights, start = self.sizes, self.weights, 0 if self.experts else count
        output = max((d for d, number in enumerate(counts) if number), default=0)
        bounds = [min(bound, self.most) for bound in accumulate(counts, initial=start)]
        host = sizes.embedding_host + weights.host[start] + weights.experts_host[count] + self.far[start]
        host += sizes.shared_host if start else 0
        held, margins = host, []
        for d, (first, last) in enumerate(pairwise(bounds)):
            kept = min(max(first, count), last)
            part = weights.device[last] - weights.device[first] + self.near[last] - self.near[first]
            part += weights.experts_device[last] - weights.experts_device[kept]
            part += (sizes.shared_device if first < last else 0) + (sizes.output_device if d == output else 0)
            held += part
            margins.append(self.rooms[d] - part - self.works[d])
        left = self.ram - host - self.beside
        if self.pooled:  # what unified devices hold comes out of the host's memory
            shared = [device.unified for device in self.devices]
            left -= sum(x.available_bytes - m for x, m, pool in zip(self.devices, margins, shared, strict=True) if pool)
            margins = [min(margin, left) if pool else margin for margin, pool in zip(margins, shared, strict=True)]
        return Weighed(tuple(margins), left, counts, held)

    def least(self, traced: Callable[[Settings], Memory]) -> tuple[Settings, Memory] | None:
        """Settings with the fewest blocks on the host such that the devices hold the rest, and the buffers assumed.

        None when no count suffices, or devices and host together are too small. `traced` returns the memory of given
        settings.
        """
        bare = self.at(self.most)
        room = sum(device.available_bytes for device in self.devices if not device.unified)
        if bare.least < 0 or bare.held > room + self.ram + host_overhead(len(self.devices), self.sizes.n_vocab):
            return None
        several = len(self.rooms) > 1
        memory = traced(self.settings(self.guess(bare) if several else self.most))
        self.assume(memory)
        end = self.at(self.most)
        if end.least < 0:
            return None
        count = searched(self.most, self.guess(end), lambda count: self.at(count).least >= 0)
        found = self.at(count)
        return (self.settings(count, found.counts), memory) if found.host_margin >= 0 else None

    def guess(self, end: Weighed) -> int:
        """First guess of the count, from the device memory left with everything movable on the host."""
        layers = self.sizes.layers
        saved = (
            sum(x.experts_device for x in layers) / len(layers) if self.experts else sum(self.costs) / len(self.costs)
        )
        return min(max(1, self.most - int(sum(end.margins) / max(1.0, saved))), self.most)


def searched(most: int, guess: int | None, enough: Callable[[int], bool]) -> int:
    """The smallest count for which `enough` holds. `enough` must be monotonic and hold for `most`."""
    low, high = 0, most
    for step in range(most):
        if high - low <= 1:
            break
        middle = (low + high) // 2 if guess is None else min(max(guess, low + 1), high - 1)
        if enough(middle):
            high, guess = middle, middle - 1
        else:
            low, guess = middle, middle + 1
        if step >= GUESSES:
            guess = None
    return high
