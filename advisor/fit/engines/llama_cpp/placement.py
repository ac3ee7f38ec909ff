"""Places a build: on one GPU, over several, with experts or layers on the CPU, or on the CPU alone.

Every placement is checked with the engine's own memory sum; one that does not fit the available memory is never
returned, except by `as_stated`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from advisor.fit.allowances import device_overhead, host_overhead
from advisor.fit.build import BuildSizes
from advisor.fit.engines.base import KINDS, Placed
from advisor.fit.engines.llama_cpp.memory import estimate_memory
from advisor.fit.engines.llama_cpp.offload import Offload
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.engines.llama_cpp.tensor_split import device_groups, divided, layer_costs, singles
from advisor.fit.layer_groups import distinct
from advisor.fit.memo import remembered
from advisor.fit.spec import DeviceMemory, HostSpec, Memory, Workload

# Order of attempts, best first. f16 over several GPUs comes before q8_0 on one: it keeps the cache's precision.
ATTEMPTS: tuple[tuple[str, str], ...] = (
    ("gpu", "f16"),
    ("gpus", "f16"),
    ("gpu", "q8_0"),
    ("gpus", "q8_0"),
    ("experts_on_cpu", "f16"),
    ("experts_on_cpu", "q8_0"),
    ("partial", "f16"),
    ("partial", "q8_0"),
    ("cpu", "f16"),
    ("cpu", "q8_0"),
)
UBATCH = 512


def padded(tokens: int) -> int:
    """KV cache cells that llama.cpp allocates for one sequence (`src/llama-context.cpp`, b11434: multiples of 256)."""
    return -(-tokens // 256) * 256


def settings_for(sizes: BuildSizes, workload: Workload, kv: str = "f16", *, embedding: bool = False) -> Settings:
    """Settings before placement. `-c` is the context of one request times the slots: split between them, not shared."""
    cells = padded(workload.context)
    settings = Settings(
        context=cells * workload.concurrency, slots=workload.concurrency, kv_type_k=kv, kv_type_v=kv, ubatch=UBATCH
    )
    if not (embedding or not sizes.causal):
        return settings
    # A bidirectional encoder needs its whole input in one micro-batch: there is no cache to continue from.
    micro = UBATCH if sizes.causal else cells
    return settings._replace(embedding=True, batch=max(settings.batch, micro), ubatch=micro)


def weigh(
    sizes: BuildSizes,
    host: HostSpec,
    settings: Settings,
    used: tuple[int, ...],
    placement: str,
    *,
    like: Memory | None = None,
) -> Placed:
    """Memory of the settings plus overheads, against available memory. Unified memory is one pool, counted once.

    `like`: reuse compute buffers from this result during a search.
    """
    memory = estimate_memory(sizes, settings, like)
    devices = tuple(
        with_overhead(part, device_overhead(host.devices[index]))
        for part, index in zip(memory.devices, used, strict=True)
    )
    on_host = with_overhead(memory.host, host_overhead(len(used), sizes.n_vocab))
    memory = Memory(devices, on_host, memory.flash_attention)
    margins = [host.devices[index].available_bytes - part.total for part, index in zip(devices, used, strict=True)]
    if host.ram_available_bytes is None:
        return Placed(placement, settings, memory, used, tuple(margins), None)
    pooled = sum(part.total for part, index in zip(devices, used, strict=True) if host.devices[index].unified)
    host_margin = host.ram_available_bytes - on_host.total - pooled
    margins = [
        min(margin, host_margin) if host.devices[index].unified else margin
        for margin, index in zip(margins, used, strict=True)
    ]
    return Placed(placement, settings, memory, used, tuple(margins), host_margin)


def with_overhead(part: DeviceMemory, size: int) -> DeviceMemory:
    return DeviceMemory(part.weights, part.kv, part.compute, part.overhead + size)


# ---------------------------------------------------------------- the placements


def on_gpu(sizes: BuildSizes, host: HostSpec, base: Settings) -> Placed | None:
    """Everything on one device, the fastest that holds it."""
    whole = base._replace(devices=1, gpu_layers=len(sizes.layers) + 1)
    for index in singles(host):
        placed = weigh(sizes, host, whole, (index,), "gpu")
        if placed.fits:
            return placed
    return None


def on_gpus(sizes: BuildSizes, host: HostSpec, base: Settings) -> Placed | None:
    """Everything on the fewest devices that hold it: more devices do not speed up a single stream."""
    whole = base._replace(devices=1, gpu_layers=len(sizes.layers) + 1)
    for members in device_groups(host):
        least = estimate_memory(sizes, whole).devices[0]
        room = 0
        for count, index in enumerate(members, start=1):
            room += host.devices[index].available_bytes - device_overhead(host.devices[index])
            if count < 2 or room < least.weights + least.kv:
                continue
            if Offload(sizes, host, base, members[:count], experts=False).at(0).least < 0:
                continue  # no split in whole layers holds even weights and caches
            placed = spread(sizes, host, whole._replace(devices=count), members[:count], "gpus")
            if placed.fits:
                return placed
    return None


def with_experts_on_cpu(sizes: BuildSizes, host: HostSpec, base: Settings) -> Placed | None:
    """Attention and shared weights on the devices, routed experts of as few leading blocks as possible on the host."""
    return offloaded(sizes, host, base, "experts_on_cpu") if sizes.experts else None


def partly(sizes: BuildSizes, host: HostSpec, base: Settings) -> Placed | None:
    """As many layers as fit on the devices, the rest on the host."""
    return offloaded(sizes, host, base, "partial")


def offloaded(sizes: BuildSizes, host: HostSpec, base: Settings, placement: str) -> Placed | None:
    if host.ram_available_bytes is None:
        return None
    for used in device_groups(host) or [(index,) for index in singles(host)[:1]]:
        search = Offload(sizes, host, base, used, experts=placement == "experts_on_cpu")
        found = search.least(lambda settings: on_grid(sizes, settings))
        placed = weigh(sizes, host, found[0], used, placement, like=found[1]) if found else None
        if placed and placed.fits:
            return placed
    return None


def on_grid(sizes: BuildSizes, settings: Settings) -> Memory:
    """Memory at the next context of the grid, whose compute buffers bound those of a shorter context.

    Tracing a graph with a part on the host takes milliseconds; on a grid most traces are memoised.
    """
    cells = grid(settings.context // settings.slots)
    return estimate_memory(sizes, settings._replace(context=cells * settings.slots), rough=True)


def grid(context: int) -> int:
    """Context rounded up to a grid of four steps per octave, in cells."""
    cells = padded(context)
    step = max(256, (1 << cells.bit_length()) >> 3)
    return -(-cells // step) * step


def scores_all(sizes: BuildSizes) -> bool:
    """Whether an indexer scores every cell: each context then needs its own trace, even entirely on one device."""
    return bool(sizes.graph["traced"] and sizes.graph["facts"]["top_k"])


def on_cpu(sizes: BuildSizes, host: HostSpec, base: Settings) -> Placed | None:
    if host.ram_available_bytes is None:
        return None
    placed = weigh(sizes, host, base._replace(devices=0, gpu_layers=0), (), "cpu")
    return placed if placed.fits else None


PLACEMENTS: dict[str, Callable[[BuildSizes, HostSpec, Settings], Placed | None]] = {
    "gpu": on_gpu,
    "gpus": on_gpus,
    "experts_on_cpu": with_experts_on_cpu,
    "partial": partly,
    "cpu": on_cpu,
}


def as_stated(sizes: BuildSizes, host: HostSpec, settings: Settings) -> Placed | None:
    """Exactly these settings on the devices with most free memory; None when the host has fewer devices."""
    count = max(settings.devices, len(settings.tensor_split or ()), 1 if settings.gpu_layers else 0)
    if count > len(host.devices):
        return None
    settings = settings._replace(devices=count)
    sets = [members[:count] for members in device_groups(host) if len(members) >= count] if count > 1 else []
    if count == 1:
        sets = [(index,) for index in singles(host)]
    sets = sets or [tuple(range(count))]
    split_here = count > 1 and settings.tensor_split is None
    tried = [
        spread(sizes, host, settings, used, stated_kind(sizes, settings))
        if split_here
        else weigh(sizes, host, settings, used, stated_kind(sizes, settings))
        for used in sets
    ]
    return max(tried, key=lambda placed: (placed.fits, min(placed.margins, default=0)), default=None)


def stated_kind(sizes: BuildSizes, settings: Settings) -> str:
    if not settings.gpu_layers or not settings.devices:
        return "cpu"
    if settings.gpu_layers <= len(sizes.layers):
        return "partial"
    if settings.experts_on_cpu:
        return "experts_on_cpu"
    return "gpu" if settings.devices == 1 else "gpus"


# ---------------------------------------------------------------- dividing layers between devices


def spread(sizes: BuildSizes, host: HostSpec, settings: Settings, used: tuple[int, ...], placement: str) -> Placed:
    """Placement over `used`; several devices get a tensor split in whole layers in proportion to free memory."""
    if len(used) == 1:
        return weigh(sizes, host, settings, used, placement)

    def by(counts: tuple[int, ...]) -> Placed:
        return weigh(sizes, host, settings._replace(tensor_split=tuple(map(float, counts))), used, placement)

    rooms = [host.devices[i].available_bytes - device_overhead(host.devices[i]) for i in used]
    return divided(layer_costs(sizes, settings), rooms, by)


# ---------------------------------------------------------------- entry points


def kv_types(sizes: BuildSizes) -> tuple[str, ...]:
    """Cache types that the build supports: q8_0 packs 32 values, so row sizes must be a multiple of 32."""
    rows = [n for layer in distinct(sizes.layers) for n in (layer.k_elements, layer.v_elements) if n]
    return ("f16", "q8_0") if rows and all(n % 32 == 0 for n in rows) and sizes.causal else ("f16",)


def placements(
    sizes: BuildSizes, host: HostSpec, workload: Workload, *, embedding: bool = False, kinds: tuple[str, ...] = KINDS
) -> Iterator[Placed]:
    """Yields each kind of placement that fits, best first, with the best cache type that fits."""
    allowed, seen = kv_types(sizes), set()
    for kind, kv in ATTEMPTS:
        if kind not in kinds or kind in seen or kv not in allowed or (kind != "cpu" and not host.devices):
            continue
        placed = PLACEMENTS[kind](sizes, host, settings_for(sizes, workload, kv, embedding=embedding))
        if placed:
            seen.add(kind)
            yield placed


def place(
    sizes: BuildSizes, host: HostSpec, workload: Workload, *, embedding: bool = False, kinds: tuple[str, ...] = KINDS
) -> Placed | None:
    """The best placement that fits, or None."""
    return _place(sizes, host, (workload.context, workload.concurrency), embedding, kinds)


@remembered(512)  # a kilobyte each
def _place(
    sizes: BuildSizes, host: HostSpec, asked: tuple[int, int], embedding: bool, kinds: tuple[str, ...]
) -> Placed | None:
    """Memoised: one machine is planned for many use cases, and for fixes at the same few contexts."""
    workload = Workload(context=asked[0], concurrency=asked[1])
    return next(placements(sizes, host, workload, embedding=embedding, kinds=kinds), None)
