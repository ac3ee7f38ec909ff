"""Tensor layouts by `arch`: the pieces of each block, and llama.cpp's name of the architecture.

Each row was written against the tensor requests of llama.cpp b11434 (`load_arch_tensors` of `src/models/*.cpp`). An
architecture that is missing here, or that needs a fact its configuration does not give, is an unknown layout.
"""

from __future__ import annotations

from advisor.fit.architectures.dense import DENSE_DECODERS
from advisor.fit.architectures.encoders import ENCODERS
from advisor.fit.architectures.experts import EXPERTS
from advisor.fit.architectures.family import Family
from advisor.fit.architectures.hybrids import HYBRIDS

# Vision and embedding models that share the text model of another architecture.
SAME_AS = {
    "mixtral": "llama",
    "llava": "llama",
    "smolvlm": "llama",
    "jina_embeddings_v5": "qwen3",
    "minicpmv": "qwen3",
    "interns1": "qwen3moe",
    "phi4-siglip": "phi3",
    "glm4v": "glm4",
    "exaone4_5": "exaone4",
    "lfm2_vl": "lfm2",
    "step3p7": "step3p5",
}

FAMILIES: dict[str, Family] = DENSE_DECODERS | EXPERTS | HYBRIDS | ENCODERS
