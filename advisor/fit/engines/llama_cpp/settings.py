"""llama.cpp's settings: the validation table for requests, and the resolved `Settings`."""

from __future__ import annotations

from typing import NamedTuple

from advisor.fit.engines.base import Setting

KV_TYPES = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")
MOST_DEVICES = 64
# Settings that a request may state; the others keep their default in `Settings`.
SETTINGS = (
    Setting("context", "whole", 128, 1 << 26, required=True, help="of all slots together"),
    Setting("slots", "whole", 1, 1024),
    Setting("unified", "truth"),
    Setting("kv_type_k", "choice", choices=KV_TYPES),
    Setting("kv_type_v", "choice", choices=KV_TYPES),
    Setting("flash_attention", "truth", nullable=True),
    Setting("gpu_layers", "whole", 0, 10_000, help="left out: all, where the machine has a device"),
    Setting("experts_on_cpu", "whole", 0, 10_000),
    Setting("tensor_split", "shares", 0, 1e9, nullable=True),
    Setting("devices", "whole", 0, MOST_DEVICES),
    Setting("batch", "whole", 1, 1 << 20),
    Setting("ubatch", "whole", 1, 1 << 20),
    Setting("kv_offload", "truth"),
    Setting("embedding", "truth"),
    Setting("swa_full", "truth"),
)


class Settings(NamedTuple):
    """Settings of one llama-server run. Defaults are those Berth plans with, not llama-server's own."""

    context: int = 4096  # total cells requested (-c): context per slot x slots unless unified
    slots: int = 1
    unified: bool = False
    kv_type_k: str = "f16"
    kv_type_v: str = "f16"
    flash_attention: bool | None = None  # None = auto
    gpu_layers: int = 0  # as -ngl: blocks + 1 puts everything on the devices
    experts_on_cpu: int = 0  # number of leading blocks whose routed experts stay on the host (--n-cpu-moe)
    tensor_split: tuple[float, ...] | None = None
    devices: int = 0
    batch: int = 2048
    ubatch: int = 512
    kv_offload: bool = True
    outputs: str = "server"  # "server" reserves one logits row per slot, "lib" one per batch token
    embedding: bool = False
    swa_full: bool = False
    override: str = ""  # raw --override-tensor expression, only for `estimate`
