"""Memory layout of a build: GGUF tensors, and per block the bytes by buffer type and the cache elements."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Tensor(NamedTuple):
    """One tensor of a GGUF file: `shape` in ggml order (row length first), `type` a ggml type name such as "q4_K"."""

    name: str
    shape: tuple[int, ...]
    type: str


@dataclass(frozen=True, slots=True)
class Header:
    """A GGUF header without its tokenizer arrays: metadata by key, and the tensor table.

    Read from a file (`catalog.gguf`) or computed from a model's configuration
    (`advisor.fit.architectures.computed_header`). Both take the same path afterwards, so a catalog model and a file on
    disk are sized by the same code.
    """

    kv: dict[str, Any]
    tensors: tuple[Tensor, ...]
    n_vocab: int
    exact: bool = True  # read from a file; False when computed from a configuration


@dataclass(frozen=True, slots=True)
class LayerSizes:
    """One block: tensor bytes by buffer type, cache elements per token and recurrent state per slot."""

    device: int  # bytes in a CUDA buffer without routed experts (rows padded, tensors aligned to 128)
    host: int  # the same tensors in a host buffer (aligned to 32)
    experts_device: int = 0  # routed expert tensors (ffn_*_exps) in a CUDA buffer
    experts_host: int = 0
    k_elements: int = 0  # K cache elements per token; 0 = no cache of its own
    v_elements: int = 0  # V cache elements per token; 0 for MLA
    window: int | None = None  # sliding or chunked window in tokens; None = full attention
    state_conv: int = 0  # f32 elements of convolution state per slot
    state_ssm: int = 0  # f32 elements of recurrent state per slot
    block: int = 0  # index into the build's distinct blocks (`BuildSizes.graph["blocks"]`)
    matrices: tuple[int, ...] = ()  # bytes of each weight on a device, in the order of that block's tensor names
    moved: tuple[int, ...] = ()  # indices of the matrices that stay on the host when experts do


@dataclass(frozen=True, slots=True)
class BuildSizes:
    """Everything that memory and speed need about one build; small enough to store for every build of the catalog."""

    arch: str
    layers: tuple[LayerSizes, ...]
    embedding_host: int  # token_embd and other input tensors: always host memory
    output_device: int  # output_norm and output on a device (a second copy of the embedding when tied)
    output_host: int
    repack: int  # bytes that a CPU-only run holds in repacked buffers instead of file pages
    n_vocab: int
    hidden: int
    context_length: int
    heads: int
    head_dim: int
    kv_heads: int
    ffn: int
    shared_device: int = 0  # tensors that every device with blocks holds once (rotary factors)
    shared_host: int = 0
    experts: int = 0
    experts_used: int = 0
    expert_ffn: int = 0
    causal: bool = True
    tied: bool = False
    exact: bool = True
    file_bytes: int = 0
    parameters: int = 0
    active_bytes: int = 0  # read for one generated token at batch 1: experts_used of experts, output matrix
    active_parameters: int = 0
    graph: dict[str, Any] = field(default_factory=dict)  # inputs of this architecture's compute buffer rule
