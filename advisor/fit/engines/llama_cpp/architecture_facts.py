"""What llama.cpp knows about an architecture beyond the file: attention windows and which tensors lie where. Data only.

Source: `src/llama-model.cpp` (`load_hparams`) and `src/llama-arch.cpp` (`LLM_TENSOR_INFOS`) of build b11434.
"""

from __future__ import annotations

# Every n-th layer attends fully, the others within the window, where the file itself does not say so.
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
# Where the full layer comes first in each period instead of last.
FULL_LAYER_FIRST = frozenset({"smallthinker", "modern-bert"})
# Windows that the engine takes when the file names none (llama 4: chunked attention).
DEFAULT_WINDOW = {"llama4": 8192, "gemma2": 4096, "smallthinker": 4096}
# Files that name a window which the engine does not use.
WINDOW_IGNORED = frozenset({"phi3", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "llama", "mistral3"})

# Which blocks turn query and key by position (`src/models/*.cpp`): never, only when the file says so, not where the
# block attends fully, and not in every n-th block.
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

# Files that call the norm before the output layer as others call one behind the embedding.
LAST_NORM = {"lfm2": "token_embd_norm", "lfm2moe": "token_embd_norm"}
# Norms that subtract the mean, which makes a new value; others work in place.
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

# Rows of the embedding times an input of the graph; queries of blocks without positions as well; experts weighted
# before they work instead of after; sums that name the residual stream before what is added to it.
SCALED_EMBEDDING = frozenset({"gemma-embedding", "gemma3", "gemma3n", "gemma4"})
SCALED_QUERY = frozenset({"llama4"})
EARLY_WEIGHTS = frozenset({"llama4"})
# Weights of the chosen experts are divided by their sum whatever the file says.
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
VALUE_NORM = frozenset({"gemma3n", "gemma4"})  # values are normed before they are kept, without a weight
SPARSE_BLOCKS = {"gemma3n": 10}  # the first so many keep only large values of the gate
LATE_SOFTMAX = frozenset({"gpt-oss"})  # over the chosen experts only
BOTH = ("mixer", "feed")
STREAM_FIRST = {"jamba": BOTH, "lfm2": BOTH, "lfm2moe": BOTH, "openelm": BOTH[:1], "phi3": BOTH[1:]}
# Positions with four axes (`llama-model.cpp`, LLAMA_ROPE_TYPE_MROPE and IMROPE).
FOUR_POSITIONS = frozenset({"hunyuan-vl", "paddleocr", "qwen2vl", "qwen35", "qwen35moe", "qwen3vl", "qwen3vlmoe"})

# Models that keep no cache: every token of the batch sees the others directly.
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

# Encoders, whose graphs end without a language head; all but one keep no output matrix, the embedding is read once.
SILENT = CACHELESS - {"dream", "llada", "llada-moe", "rnd1"}
OUTPUTLESS = SILENT - {"gemma-embedding"}

# Loaders that ask for the output matrix before the embedding: where both are one and lie on the host, two copies.
TIED_TWICE = frozenset({"gemma3n", "gemma4"})

# Tensors that are read on the host whatever the offload; all others outside the blocks follow the output layer.
INPUT_TENSORS = frozenset({"token_embd", "token_types", "position_embd", "per_layer_token_embd"})

# x86 builds with AVX2 keep these types interleaved by eight rows (`ggml-cpu/repack.cpp`).
REPACKED_TYPES = frozenset({"q4_0", "q4_K", "iq4_nl", "mxfp4"})

# Head sizes of K and V that the CUDA flash attention has kernels for (`ggml-cuda/fattn.cu`), and what the number of
# query heads per key head must be a multiple of; for others "auto" means off.
FLASH_HEADS = {(size, size): 1 for size in (40, 64, 72, 80, 96, 112, 128, 256)} | {
    (192, 128): 8,
    (320, 256): 32,
    (512, 512): 2,
    (576, 512): 2,
}
