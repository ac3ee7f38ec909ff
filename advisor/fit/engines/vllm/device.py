"""Device properties that vLLM's rules depend on, and the defaults derived from them (`engine/arg_utils.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from advisor.fit.units import GIB

GPU_MEMORY_UTILIZATION = 0.92
LARGE, MIDDLE = 160 * GIB, 70 * GIB
FP8_SINCE = (8, 9)  # native fp8 arithmetic; below it the Triton kernels refuse an fp8 cache


@dataclass(frozen=True, slots=True)
class Card:
    """`compute_capability` is (major, minor), or None for vLLM's CPU platform. Bytes are what the driver reports."""

    name: str
    memory_bytes: int
    compute_capability: tuple[int, int] | None

    @property
    def is_cpu(self) -> bool:
        return self.compute_capability is None

    @property
    def major(self) -> int:
        return self.compute_capability[0] if self.compute_capability else 0

    @property
    def batched_tokens(self) -> int:
        """Default `max_num_batched_tokens` of `vllm serve` (`get_batch_defaults`)."""
        if self.memory_bytes >= LARGE:
            return 16384
        return 8192 if self._is_large_hopper else 2048

    @property
    def sequences(self) -> int:
        """Default `max_num_seqs` of `vllm serve`."""
        if self.is_cpu:
            return 128
        return 1024 if self.memory_bytes >= LARGE or self._is_large_hopper else 256

    @property
    def _is_large_hopper(self) -> bool:
        return not self.is_cpu and self.memory_bytes >= MIDDLE and "a100" not in self.name.lower()

    @property
    def requested_bytes(self) -> int:
        """Bytes that vLLM requests at its default utilization (`v1/worker/utils.request_memory`)."""
        return ceil(self.memory_bytes * GPU_MEMORY_UTILIZATION)
