"""Planning allowances for memory that no engine reports, as a table with the source of each figure."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.fit.spec import Device
from advisor.fit.units import GIB

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Overhead:
    """Bytes that a process holds on a device outside the engine's buffers: driver context, kernels, cuBLAS, pools.

    `planned` is the figure that plans use, `low` and `high` the observed range, `source` where it comes from. A display
    on the device is not included: the driver already reports that memory as in use.
    """

    low: int
    planned: int
    high: int
    source: str


# Rows: vendor, lowest compute capability, figures. The first row that applies counts. `bench/measured_memory.py` prints
# the differences that the figures come from.
DEVICE_OVERHEAD: tuple[tuple[str, float, Overhead], ...] = (
    (
        "nvidia",
        10.0,
        Overhead(
            250 * MIB,
            768 * MIB,
            768 * MIB,
            "749 MiB printed as unaccounted on an RTX PRO 6000 Blackwell (ggml-org/llama.cpp issue 27953); "
            "gguf-parser-go takes 250 MiB",
        ),
    ),
    (
        "nvidia",
        0.0,
        Overhead(
            250 * MIB,
            512 * MIB,
            700 * MIB,
            "689 MiB a device on four RTX 3090 beyond the sum of buffers (LottoLottoLotto/4x3090-llm-benchmarks, "
            "Gemma 4 12B); gguf-parser-go takes 250 MiB",
        ),
    ),
    (
        "amd",
        0.0,
        Overhead(
            114 * MIB,
            512 * MIB,
            934 * MIB,
            "114 to 934 MiB beyond the sum of buffers on a Radeon 8060S (lhl/strix-halo-testing)",
        ),
    ),
    ("intel", 0.0, Overhead(250 * MIB, 512 * MIB, 768 * MIB, "not measured; as wide as the other makers' figures")),
    ("apple", 0.0, Overhead(64 * MIB, 192 * MIB, 512 * MIB, "not measured; Metal loads less than CUDA")),
)
DEVICE_OVERHEAD_UNKNOWN = Overhead(114 * MIB, 768 * MIB, 934 * MIB, "not measured; the span of the known makers")

# Host bytes of the server process beside its buffers: code, tokenizer tables, threads. Measured 2026-11-25 the way
# launches measure it (`launch/process.py`, held_bytes), less the logged buffers; data in
# `engines/llama_cpp/host_memory.json`. SmolLM2 itself (49,152 tokens) held 55.6 to 59.9 MB once prompts had filled
# contexts of 512 to 4,096 tokens, where this line gives 55.4; freshly started it held 39.7 to 43.5 MB, because its
# compute buffer is not touched before the first prompt.
HOST_OVERHEAD = 34_200_000
HOST_OVERHEAD_PER_TOKEN = 432  # per token of the vocabulary
HOST_OVERHEAD_PER_DEVICE = 160 * MIB  # the driver's host side of one device context

# Left free on each device and on the host for changes between plan and launch: (least bytes, share of capacity).
DEVICE_MARGIN = (256 * MIB, 0.01)
HOST_MARGIN = (512 * MIB, 0.02)

# Stated hardware has no "available" reading: RAM that an idle operating system uses.
OS_RESERVE = (3 * GIB // 2, 1 / 16)


def overhead_of(device: Device) -> Overhead:
    """Overhead row for `device`: the first whose vendor and compute capability match, else the widest range."""
    capability = float(device.compute_capability or 0)
    for vendor, lowest, figures in DEVICE_OVERHEAD:
        if device.vendor == vendor and capability >= lowest:
            return figures
    return DEVICE_OVERHEAD_UNKNOWN


def device_overhead(device: Device) -> int:
    """Planned bytes outside the engine's buffers on `device`."""
    return overhead_of(device).planned


def host_overhead(devices: int, n_vocab: int = 0) -> int:
    """Planned bytes of the server process on the host outside the engine's buffers."""
    return HOST_OVERHEAD + n_vocab * HOST_OVERHEAD_PER_TOKEN + devices * HOST_OVERHEAD_PER_DEVICE


def kept(figure: tuple[int, float], capacity: int) -> int:
    """Bytes of `capacity` reserved by a (least bytes, share) figure."""
    least, share = figure
    return max(least, int(capacity * share))
