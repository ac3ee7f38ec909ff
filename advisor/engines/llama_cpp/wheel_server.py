"""`python -m advisor.engines.llama_cpp.wheel_server <flags of llama-server>`: the wheel's engine as a process.

A process of its own because a bad option or a failed allocation inside the engine ends the whole process. Accepts only
the flags that `engines/llama_cpp/adapter.py` uses.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

import xllamacpp  # type: ignore[import-untyped]


def one_of(known: Mapping[str, Any]) -> Callable[[str], Any]:
    """A converter from a word of the command line to the wheel's constant."""

    def convert(word: str) -> Any:
        if word not in known:
            raise argparse.ArgumentTypeError(f"must be one of {', '.join(known)}, not {word!r}")
        return known[word]

    return convert


def whole(low: int, high: int) -> Callable[[str], int]:
    def convert(word: str) -> int:
        if not word.isdigit() or not low <= int(word) <= high:
            raise argparse.ArgumentTypeError(f"must be a whole number from {low} to {high}, not {word!r}")
        return int(word)

    return convert


def shares(word: str) -> list[float]:
    return [float(part) for part in word.split(",")]


KV_WORDS = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")
KV_TYPE = one_of({word: xllamacpp.ggml_type["GGML_TYPE_" + word.upper()] for word in KV_WORDS})
FLASH_WORDS = {"on": "ENABLED", "off": "DISABLED", "auto": "AUTO"}
FLASH = {word: xllamacpp.llama_flash_attn_type["LLAMA_FLASH_ATTN_TYPE_" + name] for word, name in FLASH_WORDS.items()}
COUNT = whole(0, 1 << 30)
# flag, alias, attribute of CommonParams, converter
VALUES: tuple[tuple[str, str, str, Callable[[str], Any]], ...] = (
    ("--ctx-size", "-c", "n_ctx", COUNT),
    ("--parallel", "-np", "n_parallel", whole(1, 1024)),
    ("--batch-size", "-b", "n_batch", COUNT),
    ("--ubatch-size", "-ub", "n_ubatch", COUNT),
    ("--n-gpu-layers", "-ngl", "n_gpu_layers", COUNT),
    ("--flash-attn", "-fa", "flash_attn_type", one_of(FLASH)),
    ("--cache-type-k", "-ctk", "cache_type_k", KV_TYPE),
    ("--cache-type-v", "-ctv", "cache_type_v", KV_TYPE),
    ("--tensor-split", "-ts", "tensor_split", shares),
    ("--port", "--port", "port", whole(1, 65535)),
    ("--cache-ram", "-cram", "cache_ram_mib", COUNT),
    ("--ctx-checkpoints", "-ctxcp", "n_ctx_checkpoints", COUNT),
    ("--log-verbosity", "-lv", "verbosity", whole(0, 5)),
    ("--fit", "-fit", "fit_params", one_of({"on": True, "off": False})),
)
# flag, attribute, value that it sets
SWITCHES: tuple[tuple[str, str, Any], ...] = (
    ("--kv-unified", "kv_unified", True),
    ("--no-kv-unified", "kv_unified", False),
    ("--no-kv-offload", "no_kv_offload", True),
    ("--swa-full", "swa_full", True),
    ("--embedding", "embedding", True),
    ("--metrics", "endpoint_metrics", True),
    ("--no-webui", "ui", False),
    ("--no-mmap", "load_mode", xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE),
)


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="wheel_server", allow_abbrev=False, argument_default=argparse.SUPPRESS)
    result.add_argument("--model", "-m", required=True)
    result.add_argument("--alias", "-a", required=True)
    result.add_argument("--host", default="127.0.0.1")
    result.add_argument("--threads", "-t", type=whole(1, 4096), default=1)  # the engine's own default is every core
    # The wheel is built without GPU support: "none" changes nothing, and experts are on the CPU already.
    result.add_argument("--device", choices=["none"])
    result.add_argument("--n-cpu-moe", type=COUNT)
    for flag, short, attribute, convert in VALUES:
        result.add_argument(*dict.fromkeys((flag, short)), dest=attribute, type=convert)
    for flag, attribute, value in SWITCHES:
        result.add_argument(flag, dest=attribute, action="store_const", const=value)
    return result


def params(words: list[str]) -> xllamacpp.CommonParams:
    """The engine's parameters for a command line. Exits with a usage message for an unknown word."""
    options = vars(parser().parse_args(words))
    result = xllamacpp.CommonParams()
    result.model.path = options.pop("model")
    result.model_alias = {options.pop("alias")}
    result.hostnames = [options.pop("host")]
    result.cpuparams.n_threads = result.cpuparams_batch.n_threads = options.pop("threads")
    for name in ("device", "n_cpu_moe"):
        options.pop(name, None)
    split = options.pop("tensor_split", [])
    result.tensor_split = split + [0.0] * (len(result.tensor_split) - len(split))
    for name, value in options.items():
        setattr(result, name, value)
    if os.environ.get("LLAMA_ARG_CORS_ORIGINS"):
        result.cors_origins = os.environ["LLAMA_ARG_CORS_ORIGINS"]
    return result


def main() -> None:
    try:
        server = xllamacpp.Server(params(sys.argv[1:]))
    except RuntimeError as error:
        sys.exit(str(error))
    print(f"ready at {server.listening_address}", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
