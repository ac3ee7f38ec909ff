"""Architecture facts that llama.cpp hard-codes instead of reading them from the GGUF header. Data only.

Attention windows, rotary and norm variants, tensor placement. Source: `src/llama-model.cpp` (`load_hparams`) and
`src/llama-arch.cpp` (`LLM_TENSOR_INFOS`) of build b11434.
"""

from __future__ import annotations

# Every n-th layer uses full attention, the others a sliding window, unless the file states a pattern.
WINDOW_PERIOD = {
    "afmoe": 4,
    "cohere2": 4,
    "exaone-moe": 4,
    "exaone4": 4,
    "gemma-embedding": 6,
    "gemma2": 2,
    "gemma3": 6,
    "gemma3n": 5,
    "gpt-oss": 2,
    "llama4": 4,
    "mellum": 4,
    "olmo2": 4,
    "smallthinker": 4,
}
# The full-attention layer comes first in each period instead of last.
FULL_LAYER_FIRST = frozenset({"smallthinker", "modern-bert"})
# Windows that the engine assumes when the file states none (llama 4: chunked attention).
DEFAULT_WINDOW = {"llama4": 8192, "gemma2": 4096, "smallthinker": 4096}
# Architectures whose files may state a window that the engine ignores.
WINDOW_IGNORED = frozenset({"phi3", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "llama", "mistral3"})

# Which blocks apply RoPE to query and key (`src/models/*.cpp`): UNTURNED never, TURNED_IF_SAID only when the file says
# so, FULL_UNTURNED not in blocks with full attention, UNTURNED_PERIOD not in every n-th block.
UNTURNED = frozenset(
    {
        "bert",
        "bloom",
        "gpt2",
        "jais",
        "jamba",
        "jina-bert-v2",
        "kimi-linear",
        "mpt",
        "nemotron_h",
        "nemotron_h_moe",
        "refact",
        "starcoder",
    }
)
TURNED_IF_SAID = frozenset({"granitehybrid", "granitemoe", "granite"})
FULL_UNTURNED = frozenset(
    {"afmoe", "cohere2", "cohere2moe", "exaone-moe", "exaone4", "llama4", "muse-glimmer", "smallthinker"}
)
UNTURNED_PERIOD = {"smollm3": 4}

# Files that give the norm before the output layer the name that others use for a norm after the embedding.
LAST_NORM = {"lfm2": "token_embd_norm", "lfm2moe": "token_embd_norm"}
# LayerNorm subtracts the mean, which allocates a new tensor; RMSNorm works in place.
LAYER_NORM = frozenset(
    {
        "bert",
        "bloom",
        "codeshell",
        "cohere2",
        "cohere2moe",
        "command-r",
        "dbrx",
        "falcon",
        "gpt2",
        "gptneox",
        "jais",
        "jais2",
        "jina-bert-v2",
        "jina-bert-v3",
        "modern-bert",
        "mpt",
        "nemotron",
        "nomic-bert",
        "nomic-bert-moe",
        "olmo",
        "orion",
        "phi2",
        "stablelm",
        "starcoder",
        "starcoder2",
    }
)

# SCALED_EMBEDDING: embedding rows are multiplied by a graph input. SCALED_QUERY: so are the queries of blocks without
# RoPE. EARLY_WEIGHTS: router weights are applied before the experts instead of after. STREAM_FIRST: sums whose first
# operand is the residual stream.
SCALED_EMBEDDING = frozenset({"gemma-embedding", "gemma3", "gemma3n", "gemma4"})
SCALED_QUERY = frozenset({"llama4"})
EARLY_WEIGHTS = frozenset({"llama4"})
# Router weights of the selected experts are normalised to sum 1 whatever the file says.
NORMED_WEIGHTS = frozenset(
    {
        "arctic",
        "dbrx",
        "ernie4_5-moe",
        "gemma4",
        "granite",
        "granitehybrid",
        "granitemoe",
        "grok",
        "grovemoe",
        "hunyuan-moe",
        "kimi-linear",
        "lfm2moe",
        "llama",
        "mellum",
        "mimo2",
        "minimax-m2",
        "mistral3",
        "phimoe",
        "qwen35moe",
        "qwen3moe",
        "qwen3next",
        "qwen3vlmoe",
        "rnd1",
        "smallthinker",
    }
)
VALUE_NORM = frozenset({"gemma3n", "gemma4"})  # values are RMS-normed without a weight before they are cached
SPARSE_BLOCKS = {"gemma3n": 10}  # number of leading blocks with activation sparsity: they keep only large gate values
LATE_SOFTMAX = frozenset({"gpt-oss"})  # softmax over the selected experts only
BOTH = ("mixer", "feed")
STREAM_FIRST = {"jamba": BOTH, "lfm2": BOTH, "lfm2moe": BOTH, "openelm": BOTH[:1], "phi3": BOTH[1:]}
# M-RoPE: positions with four axes (`llama-model.cpp`, LLAMA_ROPE_TYPE_MROPE and IMROPE).
FOUR_POSITIONS = frozenset({"hunyuan-vl", "paddleocr", "qwen2vl", "qwen35", "qwen35moe", "qwen3vl", "qwen3vlmoe"})

# Models without a KV cache: every token of the batch attends to the others directly.
CACHELESS = frozenset(
    {
        "bert",
        "dream",
        "eurobert",
        "gemma-embedding",
        "jina-bert-v2",
        "jina-bert-v3",
        "llada",
        "llada-moe",
        "modern-bert",
        "neo-bert",
        "nomic-bert",
        "nomic-bert-moe",
        "rnd1",
    }
)

# Encoders, whose graphs end without a language head. All but one have no output matrix: the embedding is read once.
SILENT = CACHELESS - {"dream", "llada", "llada-moe", "rnd1"}
OUTPUTLESS = SILENT - {"gemma-embedding"}

# Loaders that request the output matrix before the embedding: when they are tied and on the host, two copies are made.
TIED_TWICE = frozenset({"gemma3n", "gemma4"})

# Tensors read on the host whatever the offload; all others outside the blocks follow the output layer.
INPUT_TENSORS = frozenset({"token_embd", "token_types", "position_embd", "per_layer_token_embd"})

# x86 builds with AVX2 repack these types, interleaving eight rows (`ggml-cpu/repack.cpp`).
REPACKED_TYPES = frozenset({"q4_0", "q4_K", "iq4_nl", "mxfp4"})

# (K, V) head sizes with a CUDA flash attention kernel (`ggml-cuda/fattn.cu`) -> divisor that the number of query heads
# per KV head must have; for other sizes "auto" means off.
FLASH_HEADS = {(size, size): 1 for size in (40, 64, 72, 80, 96, 112, 128, 256)} | {
    (192, 128): 8,
    (320, 256): 32,
    (512, 512): 2,
    (576, 512): 2,
}
