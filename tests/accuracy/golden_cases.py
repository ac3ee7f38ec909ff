"""The golden table: hardware x question -> what must be among the first, what must never appear, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    hardware: str
    use_case: str
    why: str
    context: int = 8192
    top: set[str] = field(default_factory=set)  # at least one of these among the first five
    all_of: set[str] = field(default_factory=set)  # each of these among the first ten
    never: set[str] = field(default_factory=set)
    asks: dict[str, Any] = field(default_factory=dict)  # further demands of the workload


CODERS_24 = {"qwen3.6-27b", "qwen3.6-35b-a3b", "gemma-4-31b-it"}
OLD_AND_SMALL = {"codellama-70b-instruct-hf", "qwen2.5-7b-instruct", "starcoder2-7b", "deepseek-coder-33b-instruct"}
SPILLED_ON_24 = {"qwen3.5-122b-a10b", "qwen3-coder-next", "gpt-oss-120b"}
CASES = [
    Case(
        "RTX 4090, 64 GB RAM",
        "coding",
        "recent generalists lead, not 7B models of 2024",
        32768,
        CODERS_24,
        never=OLD_AND_SMALL,
    ),
    Case(
        "RTX 4090, 64 GB RAM",
        "coding",
        "a mixture is judged by its results, not by its 3B active",
        32768,
        {"qwen3.6-35b-a3b"},
        {"gemma-4-26b-a4b-it"},
    ),
    Case(
        "2x H100 SXM, 256 GB RAM",
        "coding",
        "160 GB reach models far above 28B",
        32768,
        {"minimax-m2.7", "qwen3.5-122b-a10b"},
        never=OLD_AND_SMALL,
    ),
    Case("8x H200, 1024 GB RAM", "coding", "the strongest open model fits and wins", 131072, {"glm-5.2", "kimi-k2.6"}),
    Case(
        "RTX 4060 laptop 8 GB, 16 GB RAM",
        "general",
        "what fits 8 GB, or spills its experts",
        8192,
        {"qwen3.5-9b", "gemma-4-26b-a4b-it"},
        never={"llama-3.3-70b-instruct"},
    ),
    Case("RTX 3050 laptop 4 GB, 16 GB RAM", "chat", "4 GB hold a 4B model", 8192, {"qwen3.5-4b"}),
    Case(
        "RTX 3060 12GB, 32 GB RAM",
        "coding",
        "experts in RAM beat a small dense model",
        16384,
        {"qwen3.6-35b-a3b"},
        {"qwen3.5-9b"},
    ),
    Case(
        "CPU only, 16 GB RAM, 8 cores",
        "general",
        "small models at reading speed",
        8192,
        {"qwen3.5-4b"},
        never={"qwen3.6-27b", "llama-3.3-70b-instruct"},
    ),
    Case(
        "CPU only, 32 GB RAM, 8 cores",
        "general",
        "few active parameters make 30B usable on a CPU",
        8192,
        {"qwen3.6-35b-a3b", "gemma-4-26b-a4b-it"},
        never={"llama-3.3-70b-instruct"},
    ),
    Case(
        "CPU only, 8 GB RAM, 4 cores",
        "chat",
        "only what fits beside the system",
        4096,
        {"qwen3.5-4b", "qwen3.5-2b"},
        never={"gpt-oss-20b"},
    ),
    Case("M3 Max 64 GB", "general", "48 of 64 GB are the GPU's", 8192, {"qwen3.6-35b-a3b", "qwen3.6-27b"}),
    Case(
        "2x RTX 3090, 64 GB RAM",
        "general",
        "48 GB in two cards",
        32768,
        {"qwen3.6-35b-a3b", "qwen3.6-27b"},
        {"gemma-4-31b-it"},
    ),
    Case(
        "RTX 3090 + RTX 3060 12GB, 64 GB RAM",
        "general",
        "unequal cards are used together",
        16384,
        {"qwen3.6-27b", "qwen3.6-35b-a3b"},
    ),
    Case("RTX 5090, 64 GB RAM", "coding", "32 GB at 64k", 65536, CODERS_24),
    Case(
        "DGX Spark",
        "general",
        "much memory, little bandwidth: mixtures",
        32768,
        {"qwen3.6-35b-a3b", "qwen3.5-122b-a10b"},
    ),
    Case("Ryzen AI Max+ 395 128GB", "coding", "the same on AMD", 32768, {"qwen3.6-35b-a3b", "qwen3.5-122b-a10b"}),
    Case("RX 7900 XTX, 32 GB RAM", "coding", "24 GB of AMD", 16384, CODERS_24),
    Case(
        "RTX 4090, 64 GB RAM",
        "vision",
        "only models that see",
        8192,
        {"gemma-4-31b-it", "qwen3.6-27b"},
        never={"gpt-oss-20b", "qwen3-30b-a3b-instruct-2507"},
    ),
    Case(
        "RTX 4090, 64 GB RAM",
        "long_context",
        "windows and hybrids hold 128k on 24 GB",
        131072,
        {"gemma-4-26b-a4b-it", "qwen3.6-35b-a3b"},
        never={"qwen3-32b"},
    ),
    Case(
        "RTX 4090, 64 GB RAM", "tool_use", "only models known to call tools", 32768, CODERS_24, never={"gemma-3-27b-it"}
    ),
    Case(
        "RTX 4090, 64 GB RAM",
        "embedding",
        "embedding models and nothing else",
        512,
        {"qwen3-embedding-8b", "qwen3-embedding-4b"},
        never={"qwen3.6-27b", "bge-reranker-v2-m3"},
    ),
    Case(
        "CPU only, 16 GB RAM, 8 cores",
        "embedding",
        "a CPU embeds with small models",
        512,
        {"qwen3-embedding-0.6b", "harrier-oss-v1-270m"},
    ),
    Case(
        "RTX 4090, 64 GB RAM",
        "general",
        "research-only weights are no commercial advice",
        8192,
        CODERS_24,
        never={"c4ai-command-r-08-2024"},
        asks={"licence": "commercial"},
    ),
    Case("RTX 4090, 64 GB RAM", "general", "German is asked for", 8192, CODERS_24, asks={"languages": ("de",)}),
    Case(
        "A100 SXM4 80GB, 256 GB RAM",
        "chat",
        "sixteen requests at once still decode fast",
        8192,
        {"gemma-4-26b-a4b-it", "qwen3.6-35b-a3b"},
        asks={"concurrency": 16},
    ),
    Case(
        "RTX 4090, 64 GB RAM",
        "coding",
        "a hundred tokens a second only from mixtures and small models",
        32768,
        {"qwen3.6-35b-a3b"},
        never={"qwen3.6-27b", "gemma-4-31b-it"},
        asks={"min_decode_tokens_per_second": 100.0},
    ),
    Case("RTX 4090", "coding", "without stated RAM only what lives on the card", 16384, CODERS_24, never=SPILLED_ON_24),
    Case("RTX 3060 12GB, 32 GB RAM", "chat", "a 9B in 12 GB, or a mixture with experts in RAM", 8192, {"qwen3.5-9b"}),
    Case("4x RTX 3090, 128 GB RAM", "general", "96 GB in four cards", 32768, {"qwen3.5-122b-a10b", "qwen3.6-27b"}),
    Case("RTX 6000 Ada, 128 GB RAM", "reasoning", "48 GB in one card", 32768, {"qwen3.6-27b", "qwen3.6-35b-a3b"}),
    Case(
        "M4 16 GB",
        "chat",
        "about 11 of 16 GB are the GPU's",
        8192,
        {"qwen3.5-9b", "qwen3.5-4b"},
        never={"qwen3.6-35b-a3b"},
    ),
    Case("M2 Ultra 192 GB", "general", "large mixtures on unified memory", 32768, {"qwen3.5-122b-a10b", "qwen3.6-27b"}),
    Case(
        "H100 PCIe, 256 GB RAM",
        "coding",
        "256k in 80 GB",
        262144,
        {"qwen3.6-35b-a3b", "qwen3.6-27b"},
        never={"qwen3-32b"},
    ),
    Case(
        "8x H200, 1024 GB RAM",
        "chat",
        "sixty-four streams want few active bytes",
        32768,
        {"gemma-4-26b-a4b-it", "qwen3.6-35b-a3b"},
        asks={"concurrency": 64},
    ),
    Case("CPU only, 64 GB RAM, 16 cores", "general", "mixtures on a workstation's CPU", 8192, {"qwen3.6-35b-a3b"}),
    Case("GTX 1080 Ti, 16 GB RAM", "chat", "11 GB of an old card", 8192, {"qwen3.5-9b"}),
    Case("RTX 4060 Ti 16GB, 32 GB RAM", "math", "16 GB", 8192, {"qwen3.6-35b-a3b", "gemma-4-26b-a4b-it"}),
    Case(
        "RTX 4090, 64 GB RAM",
        "multilingual",
        "models with results in many languages",
        8192,
        {"gemma-4-31b-it", "qwen3.6-27b"},
    ),
    Case("Arc B580, 32 GB RAM", "chat", "12 GB of Intel", 8192, {"qwen3.5-9b"}),
    Case("RTX 5070 Ti, 32 GB RAM", "coding", "16 GB of this generation", 32768, {"qwen3.6-35b-a3b"}),
    Case(
        "RTX 4090, 64 GB RAM",
        "general",
        "only MIT-licensed weights",
        4096,
        {"glm-4.7-flash"},
        never={"qwen3.6-27b", "gemma-4-31b-it"},
        asks={"licence": ("mit",)},
    ),
    Case("L4, 32 GB RAM", "tool_use", "24 GB with little bandwidth", 32768, {"gemma-4-26b-a4b-it", "qwen3.6-35b-a3b"}),
    Case(
        "RTX 4090, 64 GB RAM",
        "general",
        "answers at once, without thinking first",
        8192,
        {"qwen3-30b-a3b-instruct-2507"},
        never={"qwq-32b"},
        asks={"reasoning": False},
    ),
    Case("2x RTX 4090, 128 GB RAM", "vision", "two cards that see", 16384, {"gemma-4-31b-it", "qwen3.6-27b"}),
    Case(
        "RTX 4060 laptop 8 GB, 16 GB RAM",
        "coding",
        "on 8 GB too the first is not a 7B of 2024",
        16384,
        {"qwen3.6-35b-a3b", "qwen3.5-9b"},
        never=OLD_AND_SMALL | {"qwen2.5-coder-7b-instruct", "deepseek-coder-v2-lite-instruct"},
    ),
    Case(
        "RTX 4090, 64 GB RAM",
        "general",
        "what only orders or embeds texts answers no question",
        32768,
        CODERS_24,
        never={"bge-reranker-v2-m3", "qwen3-reranker-8b", "jina-reranker-v3", "qwen3-embedding-8b"},
    ),
    Case(
        "H100 SXM, 256 GB RAM",
        "coding",
        "80 GB are not for a 70B of 2024",
        16384,
        {"qwen3.6-27b", "qwen3.5-122b-a10b"},
        never=OLD_AND_SMALL | {"llama-3.1-70b-instruct", "meta-llama-3-70b-instruct"},
    ),
    Case(
        "RTX 4090",
        "multilingual",
        "27B and 31B models with sliding windows fit 24 GB",
        32768,
        {"gemma-4-31b-it"},
        {"gemma-3-27b-it"},
    ),
    Case(
        "RTX 4060 Ti 16GB, 8 GB RAM",
        "general",
        "128k of an 8B model with full attention is no answer for 16 GB",
        131072,
        {"qwen3.5-9b", "qwen3.5-4b"},
        never={"llama-3.1-8b-instruct", "qwen3-8b"},
    ),
    Case("M3 Max 64 GB", "coding", "experts on unified memory", 16384, {"qwen3.6-35b-a3b", "gemma-4-26b-a4b-it"}),
]
