"""Planning figures for what no engine reports: data to read and to change, each with where it comes from."""

from __future__ import annotations

from advisor.fit.spec import Device

MIB = 1 << 20
GIB = 1 << 30

# Bytes a process holds on a device outside llama.cpp's own buffers: driver context, loaded kernels, cuBLAS workspace,
# pools. llama.cpp prints them as "unaccounted"; 749 MiB were seen on an RTX PRO 6000 Blackwell (ggml-org/llama.cpp
# issue 27953), gguf-parser-go assumes 250 MiB.
# Rows: vendor, lowest compute capability, bytes. The first row that applies counts.
DEVICE_OVERHEAD: tuple[tuple[str, float, int], ...] = (
    ("nvidia", 10.0, 768 * MIB),
    ("nvidia", 0.0, 512 * MIB),
    ("amd", 0.0, 512 * MIB),
    ("intel", 0.0, 512 * MIB),
    ("apple", 0.0, 192 * MIB),
)
DEVICE_OVERHEAD_UNKNOWN = 768 * MIB

# Host bytes of the server process beside its buffers: code, tokenizer tables, threads. Measured on one-block models
# with vocabularies of 49,152 to 262,144 tokens on the CPU (PSS less the logged buffers, `launch/engines/base.json`).
HOST_OVERHEAD = 26_500_000
HOST_OVERHEAD_PER_TOKEN = 470  # of the vocabulary
HOST_OVERHEAD_PER_DEVICE = 160 * MIB  # the driver's host side of one device context

# Left free on each device and on the host, for what moves between plan and launch: (least bytes, share of capacity).
DEVICE_MARGIN = (256 * MIB, 0.01)
HOST_MARGIN = (512 * MIB, 0.02)

# Stated hardware has no "available" reading: what an idle operating system keeps of the RAM.
OS_RESERVE = (3 * GIB // 2, 1 / 16)


def device_overhead(device: Device) -> int:
    """Bytes outside the engine's buffers on `device`."""
    capability = float(device.compute_capability or 0)
    for vendor, lowest, size in DEVICE_OVERHEAD:
        if device.vendor == vendor and capability >= lowest:
            return size
    return DEVICE_OVERHEAD_UNKNOWN


def host_overhead(devices: int, n_vocab: int = 0) -> int:
    """Bytes of the server process on the host outside the engine's buffers."""
    return HOST_OVERHEAD + n_vocab * HOST_OVERHEAD_PER_TOKEN + devices * HOST_OVERHEAD_PER_DEVICE


def kept(figure: tuple[int, float], capacity: int) -> int:
    """Bytes that a (least, share) figure keeps of `capacity`."""
    least, share = figure
    return max(least, int(capacity * share))
