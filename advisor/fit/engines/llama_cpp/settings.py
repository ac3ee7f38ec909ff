"""How llama.cpp is asked to run a build."""

from __future__ import annotations

from typing import NamedTuple


class Settings(NamedTuple):
    """How llama.cpp is asked to run a build. Defaults are what Berth plans with, not llama-server's own."""

    context: int = 4096  # total cells asked for (-c): context per slot x slots unless unified
    slots: int = 1
    unified: bool = False
    kv_type_k: str = "f16"
    kv_type_v: str = "f16"
    flash_attention: bool | None = None  # None = auto
    gpu_layers: int = 0  # as -ngl: blocks + 1 puts everything on the devices
    experts_on_cpu: int = 0  # number of first blocks whose routed experts stay on the host (--n-cpu-moe)
    tensor_split: tuple[float, ...] | None = None
    devices: int = 0
    batch: int = 2048
    ubatch: int = 512
    kv_offload: bool = True
    outputs: str = "server"  # "server" reserves one logits row per slot, "lib" one per batch token
    embedding: bool = False
    swa_full: bool = False
    override: str = ""  # raw --override-tensor expression, only for `estimate`
