"""A dense model and a machine whose speed can be computed by hand."""

from __future__ import annotations

from advisor.fit.build import BuildSizes, LayerSizes
from advisor.fit.engines.llama_cpp.settings import Settings
from advisor.fit.spec import Device, HostSpec

GIB = 2**30
LAYER = LayerSizes(device=100 * 2**20, host=100 * 2**20, k_elements=1024, v_elements=1024)
DENSE = BuildSizes(
    arch="llama",
    layers=(LAYER,) * 32,
    embedding_host=300 * 2**20,
    output_device=400 * 2**20,
    output_host=400 * 2**20,
    repack=0,
    n_vocab=128_000,
    hidden=4096,
    context_length=131_072,
    heads=32,
    head_dim=128,
    kv_heads=8,
    ffn=14_336,
    file_bytes=int(3.8 * GIB),
    parameters=7_000_000_000,
    active_bytes=3600 * 2**20,
    active_parameters=6_700_000_000,
)
CARD = Device(
    name="NVIDIA GeForce RTX 4090",
    memory_bytes=24 * GIB,
    available_bytes=24 * GIB,
    memory_bandwidth=1_008_000_000_000,
    flops_fp16=165_000_000_000_000,
    compute_capability="8.9",
)
HOST = HostSpec((CARD, CARD), 64 * GIB, 60 * GIB, cpu_cores=16, ram_bandwidth=80_000_000_000)
WHOLE = Settings(context=8192, gpu_layers=33, devices=1)
